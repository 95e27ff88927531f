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
  const connect = (name: string, isBusy = false, address = ""): LimitedConnection & { isBusy: boolean } => {
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
  return { people, away, reasons, connect, pass, waits: () => waits }
}

describe("the connection limits", () => {
  it("reject a connection over the total limit", () => {
    const { people, away, connect } = limiter({ connections: 2, unauthenticated: 9 })
    for (const name of ["a", "b", "c"]) people.add(connect(name))
    expect(away).toEqual(["c"])
  })

  it("reject the longest idle unauthenticated connection, not one during its login", () => {
    const { people, away, connect } = limiter({ connections: 9, unauthenticated: 2 })
    const [busy, idle] = [connect("busy", true), connect("idle")]
    people.add(busy)
    people.add(idle)
    people.add(connect("new"))
    expect(away).toEqual(["idle"])
    busy.isBusy = false
    people.add(connect("newer"))
    expect(away).toEqual(["idle", "busy"])
  })

  it("reject a new connection if all unauthenticated ones are logging in", () => {
    const { people, away, connect } = limiter({ connections: 9, unauthenticated: 2 })
    for (const name of ["a", "b"]) people.add(connect(name, true))
    people.add(connect("c"))
    expect(away).toEqual(["c"])
  })

  it("have room again after a login or a disconnect", () => {
    const { people, away, connect } = limiter({ connections: 9, unauthenticated: 1 })
    const [a, b] = [connect("a"), connect("b")]
    people.add(a)
    people.markAuthenticated(a)
    people.add(b)
    people.remove(b)
    people.add(connect("c"))
    expect(away).toEqual([])
    people.markUnauthenticated(a)
    expect(away, "c waits for longer than a").toEqual(["c"])
  })
})

describe("the connections of one address", () => {
  it("are bounded; other and unknown addresses are not affected", () => {
    const { people, away, reasons, connect } = limiter({ connectionsPerAddress: 2 })
    const from = (name: string, address: string) => {
      const one = connect(name, false, address)
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
    const { people, away, connect } = limiter({ connectionsPerAddress: 1 })
    people.add(connect("a", false, "2001:db8::1"))
    people.add(connect("b", false, "2001:db8::ffff:1"))
    people.add(connect("c", false, "2001:db8:0:1::1"))
    expect(away).toEqual(["b"])
  })

  it("may be unauthenticated for a quarter: beyond it the longest idle one is rejected", () => {
    const { people, away, connect } = limiter({ connectionsPerAddress: 8 })
    const [busy, idle] = [connect("busy", true, "192.0.2.1"), connect("idle", false, "192.0.2.1")]
    people.add(connect("elsewhere", false, "192.0.2.2"))
    people.add(busy)
    people.add(idle)
    expect(away).toEqual([])
    people.add(connect("new", false, "192.0.2.1"))
    expect(away).toEqual(["idle"])
  })
})

describe("the login deadline", () => {
  it("rejects unauthenticated connections only", () => {
    const { people, away, reasons, connect, pass, waits } = limiter({ loginDeadline: 30 })
    const user = connect("user")
    people.add(user)
    people.markAuthenticated(user)
    expect(pass(10)).toBeUndefined()
    people.add(connect("early"))
    expect(waits()).toBe(2)
    expect(pass(10)).toBe(20_000)
    people.add(connect("late"))
    expect(pass(19)).toBe(1000)
    expect(pass(1)).toBe(10_000)
    expect([away, reasons]).toEqual([["early"], ["LoginDeadline"]])
    people.markUnauthenticated(user)
    expect(pass(10)).toBe(20_000)
    expect(away).toEqual(["early", "late"])
    expect(pass(20)).toBeUndefined()
    expect(away).toEqual(["early", "late", "user"])
  })

  it("is extended once for a login in progress", () => {
    const { people, away, connect, pass } = limiter({ loginDeadline: 30 })
    people.add(connect("busy", true))
    expect(pass(30)).toBe(30_000)
    expect(away).toEqual([])
    expect(pass(30)).toBeUndefined()
    expect(away).toEqual(["busy"])
  })
})
