/** Each holder has at most a share of the slots, and returns them. */
import { Slots } from "@parley/core/Slots"
import { describe, expect, it } from "vitest"

describe("slots", () => {
  it("are bounded in total and per holder, with at least one", () => {
    const slots = new Slots(4, 50)
    expect([slots.take("a"), slots.take("a")].includes(undefined)).toBe(false)
    expect(slots.take("a")).toBeUndefined()
    const other = slots.take("b")
    expect(slots.take("c")).toBeDefined()
    expect(slots.isFull).toBe(true)
    expect(slots.take("d")).toBeUndefined()
    other?.release()
    other?.release()
    expect(slots.taken).toBe(3)
    expect(slots.take("a")).toBeUndefined()
    expect(slots.take("d")).toBeDefined()
    expect(new Slots(3, 1).take("a")).toBeDefined()
  })

  it("have no share for an unknown holder", () => {
    const slots = new Slots(4, 25)
    for (let n = 0; n < 4; n++) expect(slots.take("")).toBeDefined()
    expect(slots.take("")).toBeUndefined()
  })

  it("count for further holders, once each", () => {
    const slots = new Slots(4, 50)
    const first = slots.take("a")
    expect([first?.claim("user 1"), first?.claim("user 1")]).toEqual([true, true])
    expect(slots.take("b")?.claim("user 1")).toBe(true)
    const third = slots.take("c")
    expect(third?.claim("user 1")).toBe(false)
    first?.release()
    expect(third?.claim("user 1")).toBe(true)
  })
})
