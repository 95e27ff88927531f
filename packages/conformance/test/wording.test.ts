/** Messages for readers who do not know the matchers, commands with long texts, and the matrix of several servers. */
import { execFileSync } from "node:child_process"
import { describe, expect, it } from "vitest"
import { load, protocols } from "../src/scenarios/loadScenarios.ts"
import { expand } from "../src/scenarios/Template.ts"
import type { Json } from "../src/Json.ts"
import { describePattern, wordsOf } from "../src/match/describePattern.ts"
import { match } from "../src/match/match.ts"
import { build } from "../src/match/Variables.ts"
import { curl, quoted } from "../src/Reproduce.ts"
import { matrix } from "../src/report/Matrix.ts"
import { resultsOf } from "../src/report/Reports.ts"
import { webSocketFrame } from "../src/transport/webSocketFrame.ts"
import type { Report } from "../src/index.ts"

/** Texts of the protocols that begin with `$`. */
const ofTheWire = /"\$(ALL|ADMINS|NOBODY)"/g

describe("a pattern in words", () => {
  it("has no matcher left, for every pattern of the kit", () => {
    const left = protocols().flatMap((name) => {
      const { protocol, scenarios } = load(name)
      return scenarios.flatMap(({ id, steps }) =>
        steps.flatMap((step) => {
          const pattern: Json | undefined =
            "reply" in step
              ? step.reply
              : "push" in step
                ? step.push
                : "quiet" in step
                  ? step.quiet
                  : "http" in step
                    ? { ...step.answer }
                    : undefined
          if (pattern === undefined) return []
          const expanded = build(expand(pattern, protocol, "documented", undefined), new Map())
          const text = JSON.stringify(describePattern(expanded)).replaceAll(ofTheWire, "")
          return /"\$[a-zA-Z]+"/.test(text) ? [`${id}: ${text}`] : []
        })
      )
    })
    expect(left).toEqual([])
  })

  it.each<readonly [Json, string]>([
    ["$int", "a whole number"],
    [{ $anyOf: [400, 404] }, "400 or 404"],
    [{ $not: 0 }, '{"<not>":0}'],
    [{ $capture: ["c", "$filled"] }, "a text that is not empty"],
    [{ $length: 3 }, "3 items or characters"],
    [{ a: { $optional: "$int" } }, '{"a":"<absent or a whole number>"}']
  ])("%j", (pattern, words) => {
    expect(wordsOf(pattern)).toBe(words)
  })

  it("is in the message of a mismatch", () => {
    const { mismatches } = match({ a: "$int", b: { $above: 3 } }, { a: "1", b: 2 }, new Map())
    expect(mismatches.map(({ path, expected }) => `${path} ${expected}`)).toEqual(["a a whole number", "b more than 3"])
  })
})

describe("a command with a long text", () => {
  const shell = (word: string) =>
    execFileSync("sh", ["-c", `printf %s ${word}`], { maxBuffer: 8 * 1024 * 1024 }).toString()

  it.each(["x".repeat(70_000), `{"a":"${"字".repeat(500)}","b":'c'}`, `${"[".repeat(20_000)}end`])(
    "is short and gives it",
    (text) => {
      expect(quoted(text).length).toBeLessThan(100)
      expect(shell(quoted(text))).toBe(text)
    }
  )

  it("has a long body through a pipe", () => {
    const command = curl({ method: "POST", url: "http://h/a", headers: [], body: "x".repeat(100_000) })
    expect(command).toMatch(/^printf %s "\$\(printf 'x%\.0s' \$\(seq 100000\)\)" \| curl .* --data-binary @-$/)
  })
})

describe("a WebSocket frame", () => {
  it("has its length, its mask and the selected bytes", () => {
    expect(webSocketFrame({ opcode: 9, text: "hi", mask: false })).toEqual(Buffer.from([0x89, 2, 0x68, 0x69]))
    expect(webSocketFrame({ fin: false, rsv: 2, json: { a: 1 }, to: 1, mask: false })).toEqual(
      Buffer.from([0x21, 1, 0x7b])
    )
    expect(webSocketFrame({ text: "a\ufffd", mask: false })).toEqual(Buffer.from([0x81, 2, 0x61, 0xff]))
    const long = webSocketFrame({ text: "x".repeat(300) })
    expect([long[0], long[1], long.readUInt16BE(2), long.length]).toEqual([0x81, 0x80 | 126, 300, 308])
    const key = long.subarray(4, 8)
    expect((long[8] ?? 0) ^ (key[0] ?? 0)).toBe(0x78)
  })
})

describe("the matrix", () => {
  const check = (id: string, verdict: "pass" | "fail") =>
    ({ id, verdict, level: "MUST", profile: "documented", requirements: [] }) as const
  const report = (verdict: "pass" | "fail"): Report => ({
    schemaVersion: 1,
    protocol: "ha",
    transport: "http",
    wire: "documented",
    profile: "documented",
    strict: false,
    target: { http: "http://h" },
    started: "2026-01-01T00:00:00.000Z",
    milliseconds: 1,
    scenarios: [
      { id: "ha/a/b", title: "", verdict, checks: [check("ha/a/b#c", verdict)], milliseconds: 1, exchanges: [] },
      { id: "ha/a/d", title: "", verdict: "pass", checks: [check("ha/a/d#e", "pass")], milliseconds: 1, exchanges: [] }
    ],
    passed: verdict === "pass" ? 2 : 1,
    lenient: 0,
    warned: 0,
    failed: verdict === "pass" ? 0 : 1,
    notTestable: 0,
    notApplicable: 0,
    errors: 0,
    expected: 0,
    stale: 0,
    staleEntries: []
  })

  it("has a row for each scenario that does not pass everywhere", () => {
    const columns = [
      { name: "one", results: resultsOf([report("pass")]) },
      { name: "two", results: resultsOf([report("fail")]) }
    ]
    expect(matrix(columns, false).split("\n")).toEqual([
      "| scenario | one | two |",
      "| --- | --- | --- |",
      "| passed | 2/2 | 1/2 |",
      "| `ha/a/b` | pass | fail |",
      "",
      "1 more pass everywhere.",
      ""
    ])
    expect(matrix(columns, true)).toContain("| `ha/a/b#c` | pass | fail |")
  })
})
