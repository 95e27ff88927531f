/** Requests that wait for the disk together are answered in the order in which they came, whatever becomes of each. */
import { describe, it } from "@effect/vitest"
import { defaultSettings } from "@parley/core/Settings"
import { RequestPipeline } from "../src/session/RequestPipeline.ts"
import { Effect } from "effect"
import * as fc from "fast-check"
import { expect } from "vitest"

/** Runs the fallback when the test starts it, and counts requests under way. */
class Surroundings {
  count = 0
  finishing = false
  readonly settings = defaultSettings
  readonly runs: Array<() => void> = []
  readonly begin = (): boolean => !this.finishing && ++this.count > 0
  readonly ended = (): void => void this.count--
  readonly run = (effect: Effect.Effect<void>, done?: () => void): void => {
    this.runs.push(() => {
      Effect.runSync(effect)
      done?.()
    })
  }
}

const open = () => {
  const around = new Surroundings()
  const answered: Array<string> = []
  let moves = 0
  let released = 0
  const running = new RequestPipeline(around, { proceed: () => moves++, release: (size) => (released += size) })
  const settle: Array<(refused: boolean) => void> = []
  const begin = (name: string, size = 100): boolean =>
    running.add(
      (settled) => {
        settle.push((refused) => (refused ? settled() : settled(() => answered.push(name))))
        return true
      },
      Effect.sync(() => answered.push(`${name} again`)),
      size
    )
  return { around, running, answered, settle, begin, moves: () => moves, released: () => released }
}

describe("requests in flight", () => {
  it("are answered in order, for every order of their outcomes", () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6, maxLength: 6 }),
        fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
        (order, refused) => {
          const { around, running, answered, settle, begin } = open()
          for (let n = 0; n < 6; n++) begin(String(n))
          for (const n of order) settle[n]?.(refused[n] ?? false)
          for (let run = around.runs.shift(); run !== undefined; run = around.runs.shift()) run()
          expect(answered).toEqual(refused.map((again, n) => (again ? `${n} again` : String(n))))
          expect(running.isEmpty).toBe(true)
          expect(around.count).toBe(0)
        }
      )
    )
  })

  it("are not overtaken by requests after a refusal", () => {
    const { around, running, begin, settle, answered } = open()
    begin("a")
    begin("b")
    settle[1]?.(true)
    expect(begin("c"), "nothing may be begun until b is done").toBe(false)
    settle[0]?.(false)
    expect(answered).toEqual(["a"])
    around.runs.shift()?.()
    expect(answered).toEqual(["a", "b again"])
    expect(running.hasRoom).toBe(true)
  })

  it("are bounded", () => {
    const { running, begin, settle, around } = open()
    for (let n = 0; n < around.settings.waitingFrames; n++) expect(begin(String(n))).toBe(true)
    expect(begin("one more")).toBe(false)
    settle[0]?.(false)
    expect(running.hasRoom).toBe(true)
  })

  it("are bounded in bytes, which are released with each reply", () => {
    const { begin, settle, around, released } = open()
    expect(begin("a", around.settings.input - 1)).toBe(true)
    expect(begin("b", 2)).toBe(true)
    expect(begin("c", 1)).toBe(false)
    settle[0]?.(false)
    expect(released()).toBe(around.settings.input - 1)
    expect(begin("c", 1)).toBe(true)
  })

  it("are not started during shutdown, and leave no trace then", () => {
    const { around, running, begin } = open()
    expect(
      running.add(() => false, Effect.void, 1),
      "what does nothing is not under way"
    ).toBe(false)
    expect([running.isEmpty, around.count]).toEqual([true, 0])
    around.finishing = true
    expect(begin("late")).toBe(false)
    expect(running.isEmpty).toBe(true)
  })

  it("leave no trace if their start throws: later ones do not wait for them", () => {
    const { around, running, begin, settle, answered } = open()
    begin("a")
    expect(() =>
      running.add(
        () => {
          throw new Error("a mistake")
        },
        Effect.void,
        1
      )
    ).toThrow("a mistake")
    begin("c")
    settle[0]?.(false)
    settle[1]?.(false)
    expect(answered).toEqual(["a", "c"])
    expect([running.isEmpty, around.count]).toEqual([true, 0])
  })

  it("do not affect each other: a reply that throws is logged, and the next is sent", () => {
    const { around, running, answered, settle, begin } = open()
    running.add(
      (settled) => {
        settled(() => {
          throw new Error("a mistake")
        })
        return true
      },
      Effect.void,
      1
    )
    begin("b")
    settle[0]?.(false)
    expect(answered).toEqual(["b"])
    expect(around.runs).toHaveLength(1)
    expect(() => around.runs[0]?.()).toThrow("a mistake")
  })
})
