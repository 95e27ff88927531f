/** Values and levels of JSON text are counted like a parser finds them; text over a limit is not parsed. */
import { assert, describe, it } from "@effect/vitest"
import { defaultSettings } from "@parley/core/Settings"
import * as fc from "fast-check"
import { countJson, JSON_LIMITS, jsonProblem, KEY_COST, limitsForUsers, STRING_COST } from "../src/_http/jsonLimits.ts"
import { isInvalid, frameJsonLimits, parse } from "../src/xuanxuan/frames.ts"

const UNLIMITED = { values: Infinity, levels: Infinity }

/** Returns the counts of a parsed value. */
const counted = (json: unknown): typeof UNLIMITED => {
  if (typeof json === "string") return { values: STRING_COST, levels: 0 }
  if (typeof json !== "object" || json === null) return { values: 1, levels: 0 }
  const inner = Object.values(json).map(counted)
  return {
    values: inner.reduce((sum, { values }) => sum + values, 1 + (Array.isArray(json) ? 0 : inner.length * KEY_COST)),
    levels: 1 + Math.max(0, ...inner.map(({ levels }) => levels))
  }
}

/** Strings full of JSON syntax. */
const texts = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom('"', "\\", "[", "{", "}", "]", ":", ",", "x") })
)
const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { maxDepth: 6 },
    fc.constantFrom(null, true, false, 0, -1.5e-7),
    texts,
    fc.array(tie("json"), { maxLength: 5 }),
    fc.dictionary(texts, tie("json"), { maxKeys: 5 })
  )
}))
/** White space where JSON allows it. */
const spaces = fc.constantFrom("", " ", "\t\n", "\r\n  ")

const spaced = (value: unknown, space: string): string => {
  const around = (text: string): string => `${space}${text}${space}`
  if (Array.isArray(value)) return around(`[${value.map((item) => spaced(item, space)).join(",") || space}]`)
  if (typeof value !== "object" || value === null) return around(JSON.stringify(value))
  const members = Object.entries(value).map(([key, item]) => `${around(JSON.stringify(key))}:${spaced(item, space)}`)
  return around(`{${members.join(",") || space}}`)
}

describe("the counts of JSON", () => {
  it("match the parsed value, with any white space and escapes", () => {
    fc.assert(
      fc.property(json, spaces, (value, space) => {
        const text = spaced(value, space)
        assert.deepStrictEqual(countJson(text, UNLIMITED), counted(JSON.parse(text)), text)
      }),
      { numRuns: 1000 }
    )
  })

  it("include each key of an object, even a repeated one", () => {
    assert.deepStrictEqual(countJson('{"a":1,"a":[2,{}],"__proto__":3}', UNLIMITED), {
      values: 6 + 3 * KEY_COST,
      levels: 3
    })
  })

  it("terminate for any other text", () => {
    const ends = (text: string) => assert.isAtLeast(countJson(text, UNLIMITED).values, 1)
    fc.assert(fc.property(texts, ends), { numRuns: 1000 })
    for (const text of ["", '"', '"\\', "[", "[ ", "{", "}", "]]]", ",,,", ":"]) ends(text)
  })

  it("stop at the limits", () => {
    const text = `[${"[],".repeat(1000)}{"a":1}]`
    assert.strictEqual(countJson(text, { ...UNLIMITED, values: 10 }).values, 11)
    assert.strictEqual(countJson("[".repeat(1000), { ...UNLIMITED, levels: 10 }).levels, 11)
    assert.strictEqual(
      countJson('{"a":'.repeat(1000), { ...UNLIMITED, values: 10 }).values,
      1 + 1 + KEY_COST + 1 + (STRING_COST - 1)
    )
  })
})

const { values, levels } = JSON_LIMITS
const SPACE = " ".repeat(16 * 1024)
const VALUES = `has more than ${values} values, where a string counts as ${STRING_COST} and a key as ${KEY_COST}`
const LEVELS = `has more than ${levels} levels`

/** Texts at a limit, and one beyond it. */
const atLimits = [
  ["items", (more: number) => `[${"1,".repeat(values - 2 + more)}1]`, VALUES],
  [
    "texts",
    (more: number) => `["a${'","a'.repeat(values / STRING_COST - 3)}"${",1".repeat(2 * STRING_COST - 1 + more)}]`,
    VALUES
  ],
  [
    "members",
    (more: number) => {
      // The rest beyond a multiple of the cost is in an array.
      const members = Math.floor((values - 2) / (1 + KEY_COST)) - 1
      const items = values - 1 - (1 + KEY_COST) * (members + 1) + more
      const pairs = Array.from({ length: members }, (_, index) => `"k${index}":1`)
      return `{${pairs.join(",")},"items":[${Array.from({ length: items }, () => 1).join(",")}]}`
    },
    VALUES
  ],
  ["levels", (more: number) => "[".repeat(levels + more) + SPACE + "]".repeat(levels + more), LEVELS]
] as const

describe("a text over a limit", () => {
  it("is refused at one more than allowed", () => {
    for (const [what, text, problem] of atLimits) {
      assert.isUndefined(jsonProblem(text(0)), what)
      assert.strictEqual(jsonProblem(text(1)), problem, what)
    }
  })

  it("is not counted if it is short", () => {
    const deep = "[".repeat(8192) + "]".repeat(8192)
    assert.isUndefined(jsonProblem(deep))
    assert.isDefined(jsonProblem(`${deep} `))
  })

  it("is one invalid request if it is a frame", () => {
    for (const [what, text, problem] of atLimits) {
      const requests = parse(text(1), 1000)
      assert.deepStrictEqual(
        requests.map((one) => isInvalid(one) && one.problem),
        [`The frame ${problem}.`]
      )
      const limits = { values: values + 2 * (STRING_COST + KEY_COST) + KEY_COST + 1, levels: levels + 1 }
      const [fits] = parse(`{"module":"m","method":"m","params":${text(0)}}`, 1000, limits)
      assert.isFalse(fits === undefined || isInvalid(fits), what)
    }
  })
})

describe("the limits of a body", () => {
  it("grow with the users that a request may name", () => {
    assert.deepStrictEqual(limitsForUsers(defaultSettings.membersPerRequest), JSON_LIMITS)
    const text = JSON.stringify({ To: Array.from({ length: 100_000 }, (_, index) => `u${index}`) })
    assert.isDefined(jsonProblem(text))
    assert.isUndefined(jsonProblem(text, limitsForUsers(100_000)))
  })
})

describe("the limits of a frame", () => {
  it("grow with the requests, messages and users that a frame may hold", () => {
    assert.deepStrictEqual(frameJsonLimits(defaultSettings), JSON_LIMITS)
    const users = frameJsonLimits({ ...defaultSettings, membersPerRequest: 100_000 })
    const members = Array.from({ length: 100_000 }, (_, id) => ({ id }))
    const text = JSON.stringify({ module: "chat", method: "create", sid: "s", params: { gid: "g", members } })
    assert.isUndefined(jsonProblem(text, users))
    assert.isAtLeast(
      frameJsonLimits({ ...defaultSettings, messagesPerRequest: 10_000 }).values,
      10_000 * 11 * (STRING_COST + KEY_COST)
    )
    assert.isAtLeast(
      frameJsonLimits({ ...defaultSettings, requestsPerFrame: 10_000 }).values,
      10_000 * 11 * (STRING_COST + KEY_COST)
    )
  })
})
