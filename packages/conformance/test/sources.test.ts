/**
 * The text forms of scenarios and requirements: what they stand for, their faults, and the JSON that is built from
 * them.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Schema } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { repetitions } from "../../../scripts/repetitions.ts"
import { builtFiles, sourceFiles } from "../scripts/build.ts"
import { printSource } from "../scripts/sources/printSource.ts"
import { printScenarios } from "../scripts/sources/printScenarios.ts"
import { printTop, printValue, wrap } from "../scripts/sources/printValue.ts"
import type { Json } from "../src/Json.ts"
import { MutantFile } from "../src/requirements/Mutants.ts"
import { Document, ReadingFile } from "../src/requirements/Requirements.ts"
import { Protocol } from "../src/scenarios/Scenario.ts"
import { RuleFile } from "../src/requirements/Rules.ts"
import { readReadings, readRequirements } from "../src/sources/RequirementTable.ts"
import { readProtocolText, readScenarioText } from "../src/sources/ScenarioText.ts"
import { readWhole } from "../src/sources/Value.ts"

const root = join(import.meta.dirname, "..")
const textOf = (file: string): string => readFileSync(join(root, file), "utf8")
const none = new Map<string, string>()

describe("a value", () => {
  it.each<readonly [text: string, value: Json]>([
    ["word", "word"],
    ["chat/create", "chat/create"],
    ['"a b"', "a b"],
    ['"1"', "1"],
    ["-1.5", -1.5],
    ["[true, false, null]", [true, false, null]],
    ["{a: 1, b-c: $int, $reading: {x.y: z}}", { a: 1, "b-c": "$int", $reading: { "x.y": "z" } }],
    ["@g.id", { $ref: "g.id" }],
    ["`/a?b={alice.token}`", { $text: "/a?b={alice.token}" }],
    ["$not(0)", { $not: 0 }],
    ["$not(null)", { $not: null }],
    ["$list([@a])", { $list: [{ $ref: "a" }] }],
    ["$capture(g, $int)", { $capture: ["g", "$int"] }],
    ['$join(@a, @b, with: "&")', { $join: [{ $ref: "a" }, { $ref: "b" }], with: "&" }],
    ["chat{}", { $shape: "chat" }],
    ["chat{id: 3}", { $shape: "chat", with: { id: 3 } }],
    ["收", "收"]
  ])("%s", (text, value) => {
    expect(readWhole(text)).toEqual(value)
    expect(printValue(value, none)).toBe(text)
  })

  it("that a file names stands for itself", () => {
    expect(readWhole("[%a, %a]", new Map([["a", { b: 1 }]]))).toEqual([{ b: 1 }, { b: 1 }])
    expect(printValue([{ b: 1 }], new Map([['{"b":1}', "a"]]))).toBe("[%a]")
    expect(() => readWhole("%a")).toThrow("no let a above")
  })

  it.each([
    ["{a: 1", ", or } expected at column 6, at the end"],
    ["{a: 1, a: 2}", "a is there twice"],
    ["[1 2]", ", or ] expected at column 4: 2]"],
    ["$not()", "a value expected"],
    ["$join(with: 1)", "$join has no argument without a name"],
    ["1 2", "the end of the value expected at column 3: 2"],
    ['"\\x"', "is not a JSON string"],
    ["[".repeat(300), "nested too deep"]
  ])("that is malformed names the column: %s", (text, message) => {
    expect(() => readWhole(text)).toThrow(message)
  })

  it("is the same after it was printed and read", () => {
    const operators = fc.constantFrom("$ref", "$text", "$shape", "$join", "$capture", "$reading", "with", "null", "a b")
    const { json } = fc.letrec<{ json: Json }>((tie) => ({
      json: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<Json>(null, true, false, "$int", "$", "null", "`", "to", ""),
        fc.string(),
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }).filter((one) => !Object.is(one, -0)),
        fc.array(tie("json"), { maxLength: 3 }),
        fc.dictionary(fc.oneof(operators, fc.string()), tie("json"), { maxKeys: 3, noNullPrototype: true })
      )
    }))
    fc.assert(
      fc.property(json, (value) => {
        expect(readWhole(printValue(value, none))).toEqual(value)
        expect(readWhole(wrap(printTop(value, none)))).toEqual(value)
      }),
      { numRuns: repetitions(500, 100) }
    )
  })
})

const scenarioText = (steps: string): string =>
  `document spark\nsection 开启会话\ncite bad hardening shared.bad-input\n\nscenario spark/a/b\ntitle A title\nactors alice\n${steps}\n`

describe("a scenario file", () => {
  it("gives each step its source", () => {
    const text = scenarioText(
      "  alice send chat/ping § bad\nsource bad\n  alice reply ok {a: 1,\n    b: 2}\n  alice expire § 撤销"
    )
    expect(readScenarioText(text)).toEqual({
      section: "开启会话",
      scenarios: [
        {
          id: "spark/a/b",
          title: "A title",
          actors: ["alice"],
          steps: [
            {
              by: "alice",
              send: { module: "chat", method: "ping" },
              source: { doc: "hardening", section: "shared.bad-input" }
            },
            {
              by: "alice",
              check: "ok",
              reply: { a: 1, b: 2 },
              source: { doc: "hardening", section: "shared.bad-input" }
            },
            { by: "alice", expire: true, source: { doc: "spark", section: "撤销" } }
          ]
        }
      ]
    })
  })

  it.each<readonly [string, Json]>([
    ['connect "query"', { connect: { query: "query" } }],
    ["connect", { connect: {} }],
    [
      "send chat/create {a: 1} sid $absent",
      { send: { module: "chat", method: "create", params: { a: 1 }, sid: "$absent" } }
    ],
    ["send chat/ping sid @x", { send: { module: "chat", method: "ping", sid: { $ref: "x" } } }],
    ["send [{a: 1}]", { send: [{ a: 1 }] }],
    ['raw "x"', { raw: "x" }],
    ["ack @p sid 1", { ack: { $ref: "p" }, sid: 1 }],
    ["reply c {} to chat/ping", { check: "c", reply: {}, to: { module: "chat", method: "ping" } }],
    ["push c {} as a after b", { check: "c", push: {}, as: "a", after: "b" }],
    ["quiet c {}", { check: "c", quiet: {} }],
    ["until c chat/ping => {a: 1}", { check: "c", send: { module: "chat", method: "ping" }, until: { a: 1 } }],
    ["disconnect", { disconnect: true }],
    ["drain", { drain: true }],
    ["reply c {a: 1} unlike d", { check: "c", reply: { a: 1 }, unlike: "d" }],
    [
      'http c GET "/a" => 400 unlike d wire client-1.0',
      {
        check: "c",
        http: { method: "GET", path: "/a" },
        answer: { status: 400 },
        unlike: "d",
        profiles: ["client-1.0"]
      }
    ],
    ["closed c 4001", { check: "c", closed: { code: 4001 } }],
    ["closed c", { check: "c", closed: {} }],
    ["that c @a is @b", { check: "c", that: { $ref: "a" }, is: { $ref: "b" } }],
    ["use login", { use: "login" }],
    ['http c GET "/a" => 204', { check: "c", http: { method: "GET", path: "/a" }, answer: { status: 204 } }],
    [
      'http c POST "/a" headers {b: c} body {d: 1} => 200 headers {e: f} {g: 1} text "h"',
      {
        check: "c",
        http: { method: "POST", path: "/a", headers: { b: "c" }, body: { d: 1 } },
        answer: { status: 200, headers: { e: "f" }, json: { g: 1 }, text: "h" }
      }
    ],
    ["send chat/ping wire client-1.0", { send: { module: "chat", method: "ping" }, profiles: ["client-1.0"] }]
  ])("has the step %s", (step, fields) => {
    const source = { doc: "spark", section: "开启会话" }
    const wanted = { by: "alice", ...Object(fields), source }
    const file = readScenarioText(scenarioText(`  alice ${step}`))
    expect(file).toMatchObject({ scenarios: [{ steps: [wanted] }] })
    expect(printScenarios(file)).toContain(`\n  alice ${step}\n`)
  })

  it.each(["setup", "cleanup"])("has steps without a verdict: %s", (role) => {
    const step = `  ${role} alice reply c {a: 1}`
    const file = readScenarioText(scenarioText(step))
    expect(file).toMatchObject({ scenarios: [{ steps: [{ by: "alice", role, check: "c", reply: { a: 1 } }] }] })
    expect(printScenarios(file)).toContain(`\n${step}\n`)
  })

  it.each([
    ["  setup alice disconnect", "line 8: disconnect is never a check: no setup"],
    ["  alice sends x", "line 8: no kind of step sends"],
    ["  alice reply c {a: 1", "line 8: , or } expected"],
    ["  alice reply c\n    {a: }", "line 8: a value expected"],
    ["  alice disconnect now", "line 8: the end of the step expected"],
    ['  alice http c GET "/" 200', "line 8: => expected"],
    ["  alice that c 1 2", "line 8: is expected"],
    ["guests eve", "line 8: guests name=role … expected"],
    ["verdict none", "line 8: no directive verdict"]
  ])("that is malformed names the line: %s", (steps, message) => {
    expect(() => readScenarioText(scenarioText(steps))).toThrow(message)
  })

  it("begins with a directive", () => {
    expect(() => readScenarioText("    x")).toThrow("line 1: this line continues nothing")
    expect(() => readScenarioText("  alice disconnect")).toThrow("line 1: a step before the first scenario")
    expect(() => readScenarioText("let a 1\nlet a 2")).toThrow("line 2: let a is there twice")
    expect(() => readProtocolText("protocol p\n  send x/y")).toThrow("line 2: a step before the first routine")
  })
})

describe("a table of requirements", () => {
  const hash = "0".repeat(64)
  const table = (rows: string): string =>
    [
      "document spark",
      "request POST /a | starting | 开启",
      "template has | The answer to {request} has {field}: {}. | {request}的应答含有 {field}：{}。",
      "section 开启会话",
      rows
    ].join("\n")

  it("fills templates in both languages", () => {
    const rows = `operation POST /a\n  start.md5 | MUST | reply md5 | =has its hash | 散列 | start/a#b, start/c#d | ${hash}`
    const { document, wording } = readRequirements(table(rows))
    expect(document).toMatchObject({
      requirements: [
        {
          id: "spark.start.md5",
          section: "开启会话",
          level: "MUST",
          description: { en: "The answer to starting has `md5`: its hash.", zh: "开启的应答含有 `md5`：散列。" },
          operation: "POST /a",
          field: { name: "md5", in: "reply" },
          checks: ["spark/start/a#b", "spark/start/c#d"]
        }
      ]
    })
    const description = { en: "The answer to starting has `md5`: its hash.", zh: "开启的应答含有 `md5`：散列。" }
    expect(wording.shorten(description, { field: "md5", operation: "POST /a" })).toEqual(["=has its hash", "散列"])
    expect(wording.shorten(description, { field: "md5" })).toEqual([description.en, description.zh])
  })

  it.each([
    ["  a | MUST | b", "line 5: 7 cells expected, 3 found"],
    [`  a | MUST | | =none x | y | | ${hash}`, "line 5: no template none"],
    [`  a | MUST | reply b | =has x | y | | ${hash}`, "line 5: has needs a field or a phrase"],
    ["chapter a", "line 5: no directive chapter"]
  ])("that is malformed names the line: %s", (rows, message) => {
    expect(() => readRequirements(table(rows))).toThrow(message)
  })

  it("of readings names the line of a fault", () => {
    expect(() => readReadings("forms [a]")).toThrow("line 1: no directive forms here")
    expect(() => readReadings("reading spark.a key\nforms [a")).toThrow("line 2: , or ] expected")
  })
})

describe("the sources of the kit", () => {
  const files = sourceFiles()

  it.each([...files.keys()])("%s is the same after it was read and printed, and means the same", (file) => {
    const text = textOf(file)
    const again = printSource(file, text)
    expect(files.get(file)?.(again)).toEqual(files.get(file)?.(text))
    // Comments are lost in print.
    expect(/^\s*#/m.test(text) || again === text, "not in the usual layout: scripts/format.ts").toBe(true)
  })

  it("are fewer than 14,000 lines, with the registry of ids", () => {
    const lines = [...files.keys(), "requirements/ids.lock"].map((file) => textOf(file).split("\n").length)
    expect(lines.reduce((sum, count) => sum + count, 0)).toBeLessThan(14_000)
  })

  it("give JSON in the form of its schema", () => {
    const decoders = {
      protocol: Schema.decodeUnknownSync(Protocol),
      readings: Schema.decodeUnknownSync(ReadingFile),
      rules: Schema.decodeUnknownSync(RuleFile),
      mutants: Schema.decodeUnknownSync(MutantFile)
    }
    const built = builtFiles()
    expect(built.size).toBe(files.size)
    for (const [file, value] of built) {
      if (file.endsWith("/protocol.json")) decoders.protocol(value)
      else if (file === "requirements/readings.json") decoders.readings(value)
      else if (file === "requirements/rules.json") decoders.rules(value)
      else if (file === "requirements/mutants.json") decoders.mutants(value)
      else if (file.startsWith("requirements/")) Schema.decodeUnknownSync(Document)(value)
    }
  })
})
