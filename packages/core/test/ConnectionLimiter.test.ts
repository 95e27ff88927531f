/** Connections over the limits, and those without a login, are rejected. */
import { describe, expect, it } from "vitest"
import { ConnectionLimiter, type ConnectionLimits, type LimitedConnection } from "../src/limits/ConnectionLimiter.ts"

const limiter = (limits: Partial<ConnectionLimits>) => {
  let now = 0
  let waits = 0
  const people = new ConnectionLimiter(
    { connections: 99, unauthenticated: 99, connectionsPerAddress: 396, loginDeadline: 30, ...limits },
    { now: () => now, onWaiting: () => waits++ }
  )
  const away: Array<string> = []
  const reasons: Array<string> = []
  const visitor = (name: string, isBusy = false, address = ""): LimitedConnection & { isBusy: boolean } => {
    const one = {
      isBusy,
      address,
      reject: ({ _tag }: { readonly _tag: string }) => (away.push(name), reasons.push(_tag), people.remove(one))
    }
    return one
  }
  const pass = (seconds: number): number | undefined => {
    now += seconds * 1000
    return people.expire()
  }
  return { people, away, reasons, visitor, pass, waits: () => waits }
}

describe("a crowd", () => {
  it("turns away who comes when all places are taken", () => {
    const { people, away, visitor } = limiter({ connections: 2, unauthenticated: 9 })
    for (const name of ["a", "b", "c"]) people.add(visitor(name))
    expect(away).toEqual(["c"])
  })

  it("turns away the stranger who has been idle for longest, not one who logs in at this moment", () => {
    const { people, away, visitor } = limiter({ connections: 9, unauthenticated: 2 })
    const [busy, idle] = [visitor("busy", true), visitor("idle")]
    people.add(busy)
    people.add(idle)
    people.add(visitor("new"))
    expect(away).toEqual(["idle"])
    busy.isBusy = false
    people.add(visitor("newer"))
    expect(away).toEqual(["idle", "busy"])
  })

  it("turns away who comes when all strangers are busy: nobody who was let in loses a login", () => {
    const { people, away, visitor } = limiter({ connections: 9, unauthenticated: 2 })
    for (const name of ["a", "b"]) people.add(visitor(name, true))
    people.add(visitor("c"))
    expect(away).toEqual(["c"])
  })

  it("has room again once somebody has a user, or has left", () => {
    const { people, away, visitor } = limiter({ connections: 9, unauthenticated: 1 })
    const [a, b] = [visitor("a"), visitor("b")]
    people.add(a)
    people.markAuthenticated(a)
    people.add(b)
    people.remove(b)
    people.add(visitor("c"))
    expect(away).toEqual([])
    people.markUnauthenticated(a)
    expect(away, "c waits for longer than a").toEqual(["c"])
  })
})

describe("the connections of one address", () => {
  it("are bounded; other addresses, and those that are not known, are not concerned", () => {
    const { people, away, reasons, visitor } = limiter({ connectionsPerAddress: 2 })
    const from = (name: string, address: string) => {
      const one = visitor(name, false, address)
      people.add(one)
      people.markAuthenticated(one)
      return one
    }
    const first = from("a", "192.0.2.1")
    for (const name of ["b", "c"]) from(name, "192.0.2.1")
    for (const name of ["d", "e", "f"]) from(name, "")
    from("g", "192.0.2.2")
    expect([away, reasons]).toEqual([["c"], ["TooManyOfAddress"]])
    people.remove(first)
    from("h", "192.0.2.1")
    expect(away).toEqual(["c"])
  })

  it("of IPv6 are those of one /64", () => {
    const { people, away, visitor } = limiter({ connectionsPerAddress: 1 })
    people.add(visitor("a", false, "2001:db8::1"))
    people.add(visitor("b", false, "2001:db8::ffff:1"))
    people.add(visitor("c", false, "2001:db8:0:1::1"))
    expect(away).toEqual(["b"])
  })

  it("of which a quarter may be without a user: the one that has been idle for longest goes", () => {
    const { people, away, visitor } = limiter({ connectionsPerAddress: 8 })
    const [busy, idle] = [visitor("busy", true, "192.0.2.1"), visitor("idle", false, "192.0.2.1")]
    people.add(visitor("elsewhere", false, "192.0.2.2"))
    people.add(busy)
    people.add(idle)
    expect(away).toEqual([])
    people.add(visitor("new", false, "192.0.2.1"))
    expect(away).toEqual(["idle"])
  })
})

describe("the login deadline", () => {
  it("turns away who has not logged in, and nobody else", () => {
    const { people, away, reasons, visitor, pass, waits } = limiter({ loginDeadline: 30 })
    const user = visitor("user")
    people.add(user)
    people.markAuthenticated(user)
    expect(pass(10)).toBeUndefined()
    people.add(visitor("early"))
    expect(waits()).toBe(2)
    expect(pass(10)).toBe(20_000)
    people.add(visitor("late"))
    expect(pass(19)).toBe(1000)
    expect(pass(1)).toBe(10_000)
    expect([away, reasons]).toEqual([["early"], ["LoginDeadline"]])
    people.markUnauthenticated(user)
    expect(pass(10)).toBe(20_000)
    expect(away).toEqual(["early", "late"])
    expect(pass(20)).toBeUndefined()
    expect(away).toEqual(["early", "late", "user"])
  })

  it("comes once more for a login that is in work, and no third time", () => {
    const { people, away, visitor, pass } = limiter({ loginDeadline: 30 })
    people.add(visitor("busy", true))
    expect(pass(30)).toBe(30_000)
    expect(away).toEqual([])
    expect(pass(30)).toBeUndefined()
    expect(away).toEqual(["busy"])
  })
})
