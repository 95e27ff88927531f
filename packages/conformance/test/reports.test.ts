/** Report formats: each conforms to its grammar, and none contains secrets. */
import { createHash } from "node:crypto"
import { describe, expect, it } from "vitest"
import { badge } from "../src/report/Badge.ts"
import { html } from "../src/report/Html.ts"
import { messageHtml } from "../src/report/HtmlJson.ts"
import { escapeXml, junit } from "../src/report/Junit.ts"
import { markdown } from "../src/report/Markdown.ts"
import { harmless, paintFor, painted, plain } from "../src/report/Paint.ts"
import { forms, resultsOf, wantedReport } from "../src/report/Reports.ts"
import { tap } from "../src/report/Tap.ts"
import { lines, summary } from "../src/report/Text.ts"
import { type CheckResult, count, exitCode, type Report, type ScenarioResult, worst } from "../src/run/Results.ts"

const evidence = {
  step: 2,
  actor: "alice",
  source: { doc: "xuanxuan", section: "创建聊天会话" },
  reason: 'data.id: expected $int, found "<b>5</b>"\u0007',
  sent: ['{"method":"create"}'],
  came: ['{"data":{"id":"<script>alert(\'x\')</script>"}}', "]]>"],
  wanted: '{"data":{"id":"$int"}}',
  reproduce: ["curl -sS 'http://x/'"]
}

const check = (verdict: CheckResult["verdict"], name: string, more?: Partial<CheckResult>): CheckResult => ({
  id: `xuanxuan/area/one#${name}`,
  verdict,
  level: "MUST",
  profile: "documented",
  requirements: [
    {
      id: "xuanxuan.area.one",
      level: "MUST",
      doc: "xuanxuan",
      section: "创建",
      description: "The id is a number & more."
    }
  ],
  ...(verdict === "pass" ? {} : { evidence }),
  ...more
})

const scenario = (checks: ReadonlyArray<CheckResult>, more?: Partial<ScenarioResult>): ScenarioResult => ({
  id: "xuanxuan/area/one",
  title: "A <title> # of it",
  verdict: worst(checks),
  checks,
  milliseconds: 12.4,
  exchanges: [{ actor: "alice", direction: "sent", text: "<img src=x onerror=alert(1)>" }],
  ...more
})

const reportOf = (scenarios: ReadonlyArray<ScenarioResult>, more?: Partial<Report>): Report => ({
  schemaVersion: 1,
  protocol: "xuanxuan",
  transport: "ws",
  wire: "documented",
  profile: "documented",
  strict: false,
  target: { http: "http://127.0.0.1:8080" },
  started: "2026-11-20T12:00:00.000Z",
  milliseconds: 1234,
  scenarios,
  ...count(scenarios),
  stale: 0,
  staleEntries: [],
  ...more
})

const mixed = reportOf(
  [
    scenario([
      check("pass", "good"),
      check("pass-lenient", "loose", { readings: ["xuanxuan.members"] }),
      check("warn", "soft", { level: "SHOULD" }),
      check("fail", "bad"),
      check("not-testable", "unreached"),
      check("not-applicable", "grey"),
      check("fail", "known", { expected: "see issue #7" })
    ]),
    scenario([], { id: "xuanxuan/area/two", verdict: "not-applicable", reason: "for tcp" }),
    scenario([], { id: "xuanxuan/area/three", verdict: "error", reason: "the kit failed: x" })
  ],
  { stale: 1, staleEntries: [{ check: "xuanxuan/area/gone#x", why: "it passes" }] }
)
const results = resultsOf([mixed])
const clean = reportOf([scenario([check("pass", "good")])])

describe("counting", () => {
  it("leaves out what was expected, and lets the worst decide", () => {
    expect(mixed).toMatchObject({ passed: 1, lenient: 1, warned: 1, failed: 1, notTestable: 1, expected: 1 })
    expect(mixed).toMatchObject({ notApplicable: 1, errors: 1 })
    expect(worst([check("pass", "a"), check("warn", "b")])).toBe("warn")
    expect(worst([check("pass", "a"), check("not-testable", "b")])).toBe("fail")
    expect(worst([check("fail", "a", { expected: "why" })])).toBe("pass")
    expect(worst([check("not-applicable", "a")])).toBe("not-applicable")
  })

  it("ends with the worst of the reports", () => {
    const failing = reportOf([scenario([check("fail", "bad")])])
    expect(exitCode(clean)).toBe(0)
    expect(exitCode(reportOf([scenario([check("warn", "soft"), check("pass-lenient", "loose")])]))).toBe(0)
    expect(exitCode(clean, failing)).toBe(1)
    expect(exitCode({ ...clean, stale: 1 })).toBe(1)
    expect(exitCode(failing, mixed)).toBe(4)
  })
})

describe("JUnit XML", () => {
  const text = junit(results)

  it("is well formed: every tag closed, nothing unescaped", () => {
    const open: Array<string> = []
    const wrong: Array<string> = []
    for (const [, end, name = "", attributes = "", self] of text.matchAll(
      /<(\/?)([a-z-]+)((?:\s[a-z]+="[^"<]*")*)(\/?)>/g
    )) {
      if (end === "/" && open.pop() !== name) wrong.push(name)
      if (end !== "/" && self !== "/") open.push(name)
      if (/&(?!amp;|lt;|gt;|quot;)/.test(attributes)) wrong.push(attributes)
    }
    expect(wrong).toEqual([])
    expect(open).toEqual([])
    const between = text.replaceAll(/<\?.*?\?>|<\/?[a-z-]+(?:\s[a-z]+="[^"<]*")*\/?>/g, "")
    expect(between).not.toMatch(/[<>]/)
    expect(text).not.toContain("\u0007")
  })

  it("has a case for each check and counts failures, errors and what was skipped", () => {
    const first = text.split("\n").find((line) => line.includes("xuanxuan/area/one"))
    expect(first).toContain('tests="7" failures="2" errors="0" skipped="2"')
    expect(text.match(/<testcase/g)).toHaveLength(10)
    expect(text).toContain('<failure type="stale" message="it passes"/>')
    expect(text).toContain('<error message="the kit failed: x"/>')
    expect(text).toContain('<skipped message="see issue #7"/>')
  })

  it("replaces what XML cannot hold", () => {
    expect(escapeXml('a\u0000b\ud800c&<>"')).toBe("a\ufffdb\ufffdc&amp;&lt;&gt;&quot;")
    expect(escapeXml("😀")).toBe("😀")
  })
})

describe("TAP", () => {
  it("numbers its points, and keeps to the grammar", () => {
    const all = tap(results).trimEnd().split("\n")
    expect(all[0]).toBe("TAP version 14")
    expect(all[1]).toBe("1..10")
    const points = all.filter((line) => /^(not )?ok /.test(line))
    expect(points.map((line) => Number(/ok (\d+)/.exec(line)?.[1]))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(points.filter((line) => line.startsWith("not ok")).length).toBe(5)
    expect(points[6]).toMatch(/^not ok 7 - xuanxuan\/area\/one\\#known # TODO see issue \\#7$/)
    expect(points[5]).toMatch(/# SKIP /)
    for (const line of all.slice(2)) expect(line).toMatch(/^((not )?ok \d+ - |  (---|\.\.\.)$|  [a-z]+: .)/)
  })
})

describe("HTML", () => {
  const text = html(results)

  it("executes nothing that a server sent", () => {
    expect(text).not.toContain("<img")
    expect(text).not.toContain("<script>alert")
    expect(text).toContain("&lt;img src=x onerror=alert(1)&gt;")
    expect(text.match(/<script/g)).toHaveLength(1)
    expect(text).toContain("default-src 'none'")
  })

  it("loads nothing from elsewhere, and has every exchange, the requirement and what would have passed", () => {
    expect(text).not.toMatch(/(src|href)=["']?http/)
    for (const part of ["The id is a number &amp; more.", "创建聊天会话", "would pass", "应为", "again", "alice →"]) {
      expect(text).toContain(part)
    }
    expect(text).toContain('data-verdict="error"')
  })

  it("runs no script but its own", () => {
    const [, hash = ""] = /script-src 'sha256-([^']+)'/.exec(text) ?? []
    const [, own = ""] = /<script>([\s\S]*?)<\/script>/.exec(text) ?? []
    expect(createHash("sha256").update(own).digest("base64")).toBe(hash)
  })

  it("has failures before passes, and JSON on several lines with the mismatch marked", () => {
    const found = {
      ...evidence,
      reason: 'json.data[0].id: expected a whole number, found "5"; status: expected 200, found 201',
      came: [JSON.stringify({ status: 201, json: { data: [{ id: "5", name: "<b>" }], more: "x".repeat(60) } })]
    }
    const failed = scenario([check("pass", "good"), check("fail", "bad", { evidence: found })], {
      id: "xuanxuan/area/two"
    })
    const page = html(resultsOf([reportOf([scenario([check("pass", "fine")]), failed])]))
    expect(page.indexOf("xuanxuan/area/two")).toBeLessThan(page.indexOf("xuanxuan/area/one"))
    expect(page.indexOf("<code>bad</code>")).toBeLessThan(page.indexOf("<code>good</code>"))
    expect(page).toContain("&quot;status&quot;: <mark>201</mark>")
    expect(page).toContain("&quot;id&quot;: <mark>&quot;5&quot;</mark>")
    expect(page).toContain("&quot;name&quot;: &quot;&lt;b&gt;&quot;")
  })

  it("shows the body of an HTTP message on several lines too", () => {
    expect(messageHtml(`HTTP 200\na: b\n\n{"a":"${"x".repeat(70)}"}`)).toBe(
      `HTTP 200\na: b\n\n{\n  &quot;a&quot;: &quot;${"x".repeat(70)}&quot;\n}`
    )
    expect(messageHtml("no JSON <b>")).toBe("no JSON &lt;b&gt;")
  })
})

describe("Markdown", () => {
  it("is one table for the counts and one for what did not pass, whatever is in the texts", () => {
    const text = markdown(resultsOf([mixed, clean]))
    const rows = text.split("\n").filter((line) => line.startsWith("|"))
    expect(rows).toHaveLength(4 + 2 + 5)
    for (const row of rows.slice(4)) expect(row.replaceAll(String.raw`\|`, "").match(/\|/g)).toHaveLength(6)
    expect(text).toContain(String.raw`found "\<b\>5\</b\>"`)
    expect(text).toContain("| stale | xuanxuan/area/gone#x |")
    expect(text).not.toContain("#known |")
  })
})

describe("a badge", () => {
  it("shows passed and total checks in the color of the worst verdict", () => {
    expect(badge(resultsOf([clean]))).toEqual({
      schemaVersion: 1,
      label: "parley conformance",
      message: "xuanxuan 1/1",
      color: "brightgreen"
    })
    expect(badge(resultsOf([reportOf([scenario([check("fail", "bad")])])]))).toMatchObject({
      message: "xuanxuan 0/1",
      color: "red"
    })
    expect(badge(resultsOf([reportOf([scenario([check("fail", "bad", { expected: "known" })])])]))).toMatchObject({
      message: "xuanxuan 0/1",
      color: "green"
    })
    expect(badge(results)).toMatchObject({ color: "lightgrey", isError: true })
    expect(badge(resultsOf([]))).toMatchObject({ color: "lightgrey" })
  })
})

describe("a terminal", () => {
  it("shows the step, the requirement, both messages, the expected pattern and commands", () => {
    const text = lines(mixed.scenarios[0] ?? scenario([])).join("\n")
    for (const part of [
      "step 2, alice",
      "[xuanxuan: 创建聊天会话]",
      "sent ",
      "came ",
      "wanted ",
      "demands MUST The id is a number & more. (xuanxuan.area.one, 创建)",
      "again   curl",
      "tolerated: xuanxuan.members",
      "expected  xuanxuan/area/one#known: see issue #7"
    ]) {
      expect(text).toContain(part)
    }
    expect(summary(mixed)).toContain("stale   xuanxuan/area/gone#x: it passes")
  })

  it("shows the requirements of the wrong field first", () => {
    const demand = (field: string) => ({
      id: `x.${field}`,
      level: "MUST" as const,
      doc: "x",
      section: "s",
      description: "It is.",
      field
    })
    const all = ["name", "id", "gid", "members", "type"].map(demand)
    const shown = (reason: string) =>
      lines(scenario([check("fail", "bad", { requirements: all, evidence: { ...evidence, reason } })])).join("\n")
    expect(shown("data.id: expected $int")).toContain("demands MUST It is. (x.id, s)")
    expect(shown("data.id: expected $int")).not.toContain("x.gid")
    expect(shown("no response")).toContain("and 2 more, see explain")
  })

  it("receives no control characters of a server", () => {
    const steering = "\u001b[2J\u001b]0;owned\u0007\r\u009b1m"
    const found = scenario([check("fail", "bad", { evidence: { ...evidence, reason: steering, came: [steering] } })])
    expect(lines(found).join("\n")).not.toMatch(/[^\P{Cc}\n]/u)
    expect(harmless("a\nb\tc")).toBe("a\nb\tc")
  })

  it("has colors only if it supports them", () => {
    expect(paintFor(true, {})).toBe(painted)
    expect(paintFor(true, { NO_COLOR: "1" })).toBe(plain)
    expect(paintFor(true, { NO_COLOR: "" })).toBe(painted)
    expect(paintFor(true, { TERM: "dumb" })).toBe(plain)
    expect(paintFor(false, {})).toBe(plain)
  })
})

describe("--report", () => {
  it("has no control character that a terminal acts on, in whatever form, wherever a server put it", () => {
    const controls = Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code))
      .join("")
      .replaceAll(/[^\p{Cc}]/gu, "")
    expect(controls).toHaveLength(65)
    const steered = {
      step: 1,
      actor: `a${controls}`,
      source: { doc: `d${controls}`, section: `s${controls}` },
      reason: `r${controls}`,
      sent: [`x${controls}`],
      came: [`y${controls}`],
      wanted: `w${controls}`,
      reproduce: [`z${controls}`]
    }
    const checks = [
      check("fail", "bad", { evidence: steered }),
      check("warn", "odd", { evidence: steered, readings: [controls] }),
      check("not-testable", "unseen", { evidence: steered }),
      check("not-applicable", "other", { evidence: steered }),
      check("fail", "known", { evidence: steered, expected: controls })
    ]
    const played = scenario(checks, {
      title: controls,
      exchanges: [{ actor: controls, direction: "came", text: controls }]
    })
    const broken = scenario([], { verdict: "error", reason: controls })
    const report = reportOf([played, broken], { stale: 1, staleEntries: [{ check: controls, why: controls }] })
    const steering = Object.entries(forms).filter(([, write]) => /[^\P{Cc}\n\t]/u.test(write(resultsOf([report]))))
    expect(steering.map(([form]) => form)).toEqual([])
    const text = [...report.scenarios.flatMap((one) => lines(one)), summary(report)].join("\n")
    expect(text.match(/[^\P{Cc}\n\t]/u)).toBeNull()
    expect(JSON.parse(forms["json"]?.(resultsOf([report])) ?? "")).toEqual(
      JSON.parse(JSON.stringify(resultsOf([report])))
    )
  })

  it("parses a format and a file", () => {
    expect(Object.keys(forms)).toEqual(["json", "junit", "tap", "html", "markdown", "badge"])
    expect(wantedReport("html=a=b.html")).toEqual({ form: "html", file: "a=b.html" })
    for (const wrong of ["html", "html=", "pdf=x", "toString=x"]) expect(() => wantedReport(wrong)).toThrow("--report")
  })
})
