/** Who is turned away when there are too many. */
import { describe, expect, it } from "vitest"
import { Crowd, type Visitor } from "@parley/core/Crowd"

const crowd = (limits: { readonly connections: number; readonly strangers: number }) => {
  const people = new Crowd(limits)
  const away: Array<string> = []
  const visitor = (name: string, isBusy = false): Visitor & { isBusy: boolean } => {
    const one = { isBusy, turnAway: () => (away.push(name), people.leave(one)) }
    return one
  }
  return { people, away, visitor }
}

describe("a crowd", () => {
  it("turns away who comes when all places are taken", () => {
    const { people, away, visitor } = crowd({ connections: 2, strangers: 9 })
    for (const name of ["a", "b", "c"]) people.arrive(visitor(name))
    expect(away).toEqual(["c"])
  })

  it("turns away the stranger who has been idle for longest, not one who logs in at this moment", () => {
    const { people, away, visitor } = crowd({ connections: 9, strangers: 2 })
    const [busy, idle] = [visitor("busy", true), visitor("idle")]
    people.arrive(busy)
    people.arrive(idle)
    people.arrive(visitor("new"))
    expect(away).toEqual(["idle"])
    busy.isBusy = false
    people.arrive(visitor("newer"))
    expect(away).toEqual(["idle", "busy"])
  })

  it("turns away who comes when all strangers are busy: nobody who was let in loses a login", () => {
    const { people, away, visitor } = crowd({ connections: 9, strangers: 2 })
    for (const name of ["a", "b"]) people.arrive(visitor(name, true))
    people.arrive(visitor("c"))
    expect(away).toEqual(["c"])
  })

  it("has room again once somebody has a user, or has left", () => {
    const { people, away, visitor } = crowd({ connections: 9, strangers: 1 })
    const [a, b] = [visitor("a"), visitor("b")]
    people.arrive(a)
    people.welcome(a)
    people.arrive(b)
    people.leave(b)
    people.arrive(visitor("c"))
    expect(away).toEqual([])
    people.estrange(a)
    expect(away, "c waits for longer than a").toEqual(["c"])
  })
})
