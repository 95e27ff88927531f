/** `BoundedMap`, beside a list that is moved about by hand. */
import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { BoundedMap } from "../src/cache/BoundedMap.ts"

const KEYS = 6

const ascending = (a: number, b: number): number => a - b

const step = fc.tuple(
  fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom("get", "peek", "has", "set", "delete") },
    { weight: 1, arbitrary: fc.constant("clear" as const) }
  ),
  fc.nat(KEYS - 1)
)

describe("BoundedMap", () => {
  it("matches a list in the order of use, and evicts from its beginning", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: KEYS }), fc.array(step, { maxLength: 200 }), (limit, steps) => {
        const evicted: Array<readonly [number, number]> = []
        const map = new BoundedMap<number, number>(limit, (value, key) => evicted.push([key, value]))
        let list: ReadonlyArray<readonly [number, number]> = []
        const expected: Array<readonly [number, number]> = []
        steps.forEach(([name, key], at) => {
          const known = list.find(([each]) => each === key)
          const others = list.filter(([each]) => each !== key)
          const result = name === "set" ? map.set(key, at) : map[name](key)
          if (name === "clear") list = []
          else if (name === "get" && known !== undefined) list = [...others, known]
          else if (name === "delete") list = others
          else if (name === "set") list = [...others, [key, at]]
          const [oldest] = list
          if (list.length > limit && oldest !== undefined) {
            expected.push(oldest)
            list = list.slice(1)
          }
          const returned = { get: known?.[1], peek: known?.[1], has: known !== undefined, delete: known !== undefined }
          expect(result).toBe(name === "set" || name === "clear" ? undefined : returned[name])
          expect(map.size).toBe(list.length)
          expect([...map.keys()].sort(ascending)).toEqual(list.map(([each]) => each).sort(ascending))
          expect(map.values().sort(ascending)).toEqual(list.map(([, value]) => value).sort(ascending))
          expect(evicted).toEqual(expected)
        })
      })
    )
  })
})
