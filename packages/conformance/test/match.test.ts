import { describe, expect, it } from "vitest"
import { glob } from "../src/Glob.ts"
import { equals, type Json, parse, printable } from "../src/Json.ts"
import { describePattern } from "../src/match/describePattern.ts"
import { match } from "../src/match/match.ts"
import { build, reads, type Variables, writes } from "../src/match/Variables.ts"

const scope: Variables = new Map<string, Json>([
  ["g", "g-1"],
  ["n", 7],
  ["old", "chat A is unknown"],
  ["whole", { a: [1, { b: null }] }]
])
const seconds = Math.floor(Date.now() / 1000)

/** A pattern, values that match, and values that do not; `undefined` is a missing field. */
const table: ReadonlyArray<readonly [Json, ReadonlyArray<Json | undefined>, ReadonlyArray<Json | undefined>]> = [
  ["$int", [0, -3, 2 ** 40], ["1", 1.5, null, true, undefined, 1e300]],
  ["$str", ["", "x"], [1, null, undefined, []]],
  ["$filled", ["x"], ["", 1, undefined]],
  ["$bool", [true, false], [0, 1, "1", "true", null, undefined]],
  ["$ts", [0, 1446773418], [1446773418000, -1, 1.5, "1446773418", "2015-11-06 09:32:32", undefined]],
  ["$recent", [seconds, seconds - 3600], [0, seconds * 1000, 1446773418, String(seconds)]],
  ["$any", [null, 0, "", [], {}], [undefined]],
  ["$absent", [undefined], [null, 0, ""]],
  ["plain", ["plain"], ["other", undefined]],
  [null, [null], [0, undefined, ""]],
  [{ a: 1 }, [{ a: 1 }, { a: 1, more: [2] }], [{}, { a: "1" }, null, [], "a"]],
  [{ constructor: "$absent" }, [{}], [{ constructor: 1 }]],
  [[1, "$int"], [[1, 2]], [[1], [1, 2, 3], [2, 1, 0], {}, null]],
  [{ $ref: "n" }, [7], ["7", 8, undefined]],
  [{ $ref: "whole" }, [{ a: [1, { b: null }] }], [{ a: [1, {}] }, { a: [1, { b: null }], c: 1 }]],
  [{ $ref: "never set" }, [], [7, "null", undefined]],
  [{ $text: "<{g}:{n}>" }, ["<g-1:7>"], ["<g-1>"]],
  [{ $join: [{ $ref: "n" }, 10], with: "&", sorted: true }, ["10&7"], ["7&10"]],
  [{ $optional: "$int" }, [undefined, 1], [null, "1"]],
  [{ $anyOf: [1, "$str"] }, [1, "x"], [2, null, undefined]],
  [{ $all: ["$int", { $above: 3 }] }, [4], [3, "4", undefined]],
  [{ $not: 1 }, [2, "1", undefined], [1]],
  [{ $not: { $contains: [{ id: 1 }] } }, [[], [{ id: 2 }]], [[{ id: 1 }, { id: 2 }]]],
  [
    { $unordered: [1, "$int"] },
    [
      [1, 2],
      [2, 1],
      [1, 1]
    ],
    [[2, 2], [1], [1, 2, 3], "12"]
  ],
  [
    { $unordered: ["$int", 1] },
    [
      [1, 2],
      [2, 1]
    ],
    [[2, 3]]
  ],
  [{ $contains: [{ id: 1 }, { id: 2 }] }, [[{ id: 2 }, { id: 3 }, { id: 1, x: 1 }]], [[{ id: 1 }], [], null, "12"]],
  [{ $contains: "tach" }, ["attachment"], ["inline", ["tach"], undefined]],
  [{ $each: "$int" }, [[], [1, 2]], [[1, "2"], {}, undefined]],
  [{ $before: [1, 2] }, [[], [1], [2, 3], [1, 3, 1, 2, 4]], [[2, 1], [1, 2, 1], 1, {}, undefined]],
  [{ $matches: "^[0-9a-f]{4}$" }, ["00ff"], ["00fff", "00FF", "", 1234, undefined]],
  [{ $length: 2 }, [[1, 2], "ab"], [[1], "abc", 2, undefined]],
  [{ $list: [7, { $ref: "n" }, 1] }, ["7,1,7", "1,7,7"], ["1,7", "", [7, 1, 7], undefined]],
  [{ $list: [] }, [""], ["1", undefined, []]],
  [{ $listed: [7] }, ["7", "1,7"], ["17", "", undefined, 7]],
  [{ $above: { $ref: "n" } }, [8], [7, "8", null, undefined]],
  [{ $like: { $ref: "old" }, swap: ["A", { $ref: "g" }] }, ["chat g-1 is unknown"], ["chat A is unknown", undefined]],
  [{ $capture: ["x", "$int"] }, [1], ["1", undefined]],
  [{ $lenient: ["$int", "$str", "why"] }, [1, "1"], [null, undefined]]
]

describe("matchers", () => {
  for (const [pattern, good, bad] of table) {
    it(`${JSON.stringify(pattern)}`, () => {
      const passes = (value: Json | undefined) => match(pattern, value, scope).mismatches.length === 0
      expect(good.filter((value) => !passes(value))).toEqual([])
      expect(bad.filter(passes)).toEqual([])
    })
  }

  it("report the path, the expectation and the value", () => {
    const { mismatches } = match({ data: { members: [{ id: "$int" }] } }, { data: { members: [{ id: "5" }] } }, scope)
    expect(mismatches).toEqual([{ path: "data.members[0].id", expected: "a whole number", found: '"5"' }])
  })

  it("report the readings of tolerated forms", () => {
    const pattern = { id: { $lenient: ["$int", { $matches: "^[0-9]+$" }, "ids-as-text"] } }
    expect(match(pattern, { id: 5 }, scope)).toMatchObject({ mismatches: [], lenient: [] })
    expect(match(pattern, { id: "5" }, scope)).toMatchObject({ mismatches: [], lenient: ["ids-as-text"] })
    expect(match(pattern, { id: "x" }, scope)).toMatchObject({ lenient: [] })
  })

  it("capture matched values beside mismatches", () => {
    const pattern = { id: { $capture: ["id", "$int"] }, gid: { $capture: ["gid", "$str"] } }
    const { captures, mismatches } = match(pattern, { id: 5, gid: 6 }, scope)
    expect(mismatches).toHaveLength(1)
    expect([...captures]).toEqual([["id", 5]])
  })

  it("captures from the item that was found", () => {
    const pattern = { $contains: [{ type: "system", gid: { $capture: ["sys", "$str"] } }] }
    const value = [
      { type: "group", gid: "a" },
      { type: "system", gid: "b" }
    ]
    expect(match(pattern, value, scope).captures.get("sys")).toBe("b")
  })

  it("never write variables", () => {
    const before = new Map(scope)
    match({ $capture: ["g", "$any"] }, 5, scope)
    expect(scope).toEqual(before)
  })

  it("stops at a depth instead of overflowing", () => {
    let pattern: Json = 1
    for (let level = 0; level < 5_000; level++) pattern = { $all: [pattern] }
    expect(match(pattern, 1, scope).mismatches).not.toEqual([])
  })
})

describe("templates", () => {
  it("makes fresh names once and keeps them", () => {
    const mine: Variables = new Map()
    const built = build({ gid: { $new: "g" }, again: { $ref: "g" } }, mine)
    expect(built).toEqual({ gid: mine.get("g"), again: mine.get("g") })
    expect(build({ $new: "g" }, mine)).not.toBe(built)
    const number = build({ $newInt: "n" }, mine)
    expect(number).toBe(mine.get("n"))
    expect(Number.isSafeInteger(number)).toBe(true)
  })

  it("hashes, repeats and joins", () => {
    expect(build({ $md5: "123456" }, scope)).toBe("e10adc3949ba59abbe56e057f20f883e")
    expect(build({ $hmacSha1: ["key", "The quick brown fox jumps over the lazy dog"] }, scope)).toBe(
      "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9"
    )
    expect(build({ $repeat: ["ab", 3] }, scope)).toBe("ababab")
    expect(build({ $join: [1, { $ref: "g" }] }, scope)).toBe("1,g-1")
  })

  it("is bounded", () => {
    expect(JSON.stringify(build({ $repeat: ["xy", 1e12] }, scope)).length - 2).toBeLessThanOrEqual(8 * 1024 * 1024)
  })

  it("list the variables that they read and write", () => {
    const template = { a: { $ref: "x" }, b: { $text: "{y}-{z}" }, c: { $capture: ["k", { id: { $new: "m" } }] } }
    expect([...reads(template)]).toEqual(["x", "y", "z"])
    expect([...writes(template)]).toEqual(["k", "m"])
  })
})

describe("a pattern for a reader", () => {
  it("is described without matcher details", () => {
    const pattern = {
      id: { $capture: ["id", "$int"] },
      status: { $lenient: [200, { $anyOf: [201] }, "some"] },
      one: { $anyOf: ["a"] },
      two: { $anyOf: ["a", "b"] },
      $reading: { "spark.session-id": { $capture: ["s", "$filled"] } }
    }
    expect(describePattern(pattern)).toEqual({
      id: "<a whole number>",
      status: 200,
      one: "a",
      two: '<"a" or "b">',
      "SesssionId or SessionId": "<a text that is not empty>"
    })
  })
})

describe("values", () => {
  it("that nest too deep are not parsed", () => {
    const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`
    expect(parse(nested(150))).toBeDefined()
    expect(parse(nested(100_000))).toBeUndefined()
    expect(parse(JSON.stringify("[".repeat(1_000)))).toBe("[".repeat(1_000))
    expect(parse(JSON.stringify(`\\"${"[".repeat(1_000)}`))).toHaveLength(1_002)
  })

  it("are equal whatever the order of fields", () => {
    expect(equals({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true)
    expect(equals({ a: 1 }, { a: 1, b: 2 })).toBe(false)
    expect(equals([1, 2], [2, 1])).toBe(false)
    expect(equals({}, [])).toBe(false)
  })

  it("are printed short", () => {
    expect(printable("x".repeat(10_000)).length).toBeLessThan(2_100)
  })
})

describe("globs over ids", () => {
  const table: ReadonlyArray<readonly [string, ReadonlyArray<string>, ReadonlyArray<string>]> = [
    ["xuanxuan/star/on", ["xuanxuan/star/on"], ["xuanxuan/star/on-and-off", "x/xuanxuan/star/on"]],
    ["xuanxuan/*/refused", ["xuanxuan/star/refused"], ["xuanxuan/star/x/refused"]],
    ["**", ["xuanxuan/star/on", ""], []],
    ["xuanxuan/**", ["xuanxuan/a/b"], ["spark/a/b"]],
    ["a.b", ["a.b"], ["axb"]]
  ]
  for (const [pattern, good, bad] of table) {
    it(`${pattern}`, () => {
      expect(good.filter((id) => !glob(pattern)(id))).toEqual([])
      expect(bad.filter((id) => glob(pattern)(id))).toEqual([])
    })
  }
})
