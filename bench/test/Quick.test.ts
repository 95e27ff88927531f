/** The benchmark works from beginning to end. The measured values are ignored. */
import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { describe, expect, it } from "vitest"
import { isFull } from "../../scripts/repetitions.ts"
import { ratios } from "../src/Goals.ts"
import { withFigures } from "../src/Page.ts"
import { shares } from "../src/Profile.ts"
import { ratio, ratioTable } from "../src/Ratio.ts"
import type { Report } from "../src/Report.ts"
import type { Run } from "../src/Rounds.ts"
import { spread } from "../src/Spread.ts"
import { markdownOf, type Table } from "../src/Table.ts"

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url))
const bench = (...args: ReadonlyArray<string>) => promisify(execFile)(process.execPath, [MAIN, ...args])

const quick = ["--quick", "--duration", "0.3", "--json"]

const reported = async (...args: ReadonlyArray<string>): Promise<Report> =>
  JSON.parse((await bench(...quick, ...args)).stdout) as Report

const tableOf = ({ tables }: Report, title: string): Table => {
  const found = tables.find((one) => one.title.startsWith(title))
  if (found === undefined) throw new Error(`there is no table ${title}`)
  return found
}

describe("the benchmark", () => {
  const scenarios = isFull ? "b,low,idle" : "b"
  const all = isFull ? ["parley", "parley-rtm", "relay-frame", "relay-durable", "socket.io"] : ["parley", "relay-frame"]

  it(`plays ${scenarios} against ${all.join(", ")} and loses nothing`, { timeout: 180_000 }, async () => {
    const report = await reported("--only", scenarios, "--subjects", all.join(","))
    expect(report.runs.map(({ scenario, subject }) => `${scenario} ${subject}`)).toEqual(
      [
        ...all.map((subject) => `b ${subject}`),
        ...["parley", "relay-durable"].map((subject) => `low ${subject}`),
        ...["parley", "relay-frame", "socket.io"].map((subject) => `idle ${subject}`)
      ].slice(0, isFull ? undefined : all.length)
    )
    for (const run of report.runs) {
      const connections = { b: 12, low: 10, idle: 60 }[run.scenario]
      expect(run).toMatchObject({ round: 1, missing: 0, doubled: 0, lost: 0, connections })
      expect(run.to).toBeGreaterThan(run.from)
      expect(run.memory.after).toBeGreaterThan(0)
    }
    for (const { answers } of report.runs.filter(({ scenario }) => scenario === "low")) {
      expect(answers?.median).toBeGreaterThan(0)
    }
    expect(report.ratios.map(({ description }) => description)).toEqual(
      [
        "b: CPU per delivered message / relay-frame",
        ...(isFull ? ["b: CPU per delivered message, rtm / xuanxuan"] : []),
        "b: delivered a second and core / socket.io",
        "low: milliseconds to the reply, median / relay-durable",
        "idle: memory of a connection that does nothing / relay-frame"
      ].slice(0, isFull ? undefined : 1)
    )
  })

  it.runIf(isFull)(
    "counts rows, storms the server and lets a member catch up, and loses nothing",
    { timeout: 180_000 },
    async () => {
      const report = await reported("--only", "rows,storm,tenants,catch-up")
      expect(report.missing).toEqual([])
      // How often it is written down how far the indexes go depends on when there is a moment for it.
      const [pair, limiter] = tableOf(report, "Rows written").body.map(([description, messages, tables, ...each]) => [
        description,
        messages,
        tables?.replace(/, log_indexed \d+/, ""),
        ...each
      ])
      // Offline members cost nothing.
      expect(limiter?.slice(1)).toEqual(pair?.slice(1))
      const tables = "places 1, log 10, log_by_chat 10, log_by_gid 10"
      expect(pair).toEqual(["2 members, the other offline", "10", tables, "1.00", "2.00", "0.10"])
      expect(report.ratios.map(({ description, median }) => [description.split(":")[0], median > 0])).toEqual([
        ["rows", true],
        ["storm", true],
        ["tenants", true]
      ])
      // The list of a login is as large as the tenant, however many tenants there are.
      expect(report.ratios.at(-1)?.median).toBeCloseTo(1, 1)
      expect(tableOf(report, "100 users reconnect at once").body.map(([server]) => server)).toEqual([
        "parley",
        "relay-frame"
      ])
      const [rate] = tableOf(report, "Catching up with 200 messages in 10 chats").body
      expect(Number(rate?.[1])).toBeGreaterThan(0)
    }
  )

  it.runIf(isFull)("plays on a store that is full, and starts with it", { timeout: 180_000 }, async () => {
    const report = await reported("--only", "history,cold")
    expect(report.missing).toEqual([])
    expect(report.ratios.map(({ description }) => description)).toEqual([
      "history: CPU per message of a, full store / empty one",
      "history: CPU per message of d10, full store / empty one",
      "cold: time to listening, full store / empty one"
    ])
  })

  it("measures what needs no server, and puts it into a page", { timeout: 180_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "parley-bench-page-"))
    const page = join(folder, "page.md")
    try {
      writeFileSync(page, "before\n<!-- bench:table -->\nthe last figures\n<!-- /bench:table -->\nafter\n")
      const experiments = isFull ? "commits,micro,embed" : "commits,micro"
      const report = await reported("--only", experiments, "--write", page)
      expect(tableOf(report, "The commit path alone").body.map(([outstanding]) => outstanding)).toEqual([
        "1",
        "16",
        "128"
      ])
      const steps = tableOf(report, "Steps of a message").body
      expect(steps.map(([description]) => description?.split(":")[0])).toEqual([
        "decode",
        "rule",
        "append",
        "encode",
        "deliver"
      ])
      for (const [, nanoseconds, bytes] of steps) {
        expect(Number(nanoseconds)).toBeGreaterThan(0)
        expect(Number(bytes)).toBeGreaterThan(0)
      }
      const written = readFileSync(page, "utf8")
      expect(written).toContain("### Steps of a message by themselves")
      expect(written).toContain(`\`npx pnpm bench --quick --duration 0.3 --json --only ${experiments}\``)
      expect(written).not.toContain("the last figures")
      expect(written.startsWith("before\n")).toBe(true)
      expect(written.endsWith("<!-- /bench:table -->\nafter\n")).toBe(true)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it.runIf(isFull)("has members who are not connected, and chats of two", { timeout: 180_000 }, async () => {
    const { runs } = await reported("--only", "a,d", "--subjects", "parley")
    expect(runs.map(({ scenario, connections }) => [scenario, connections])).toEqual([
      ["a", 10],
      ["d", 5],
      ["d10", 10]
    ])
    for (const run of runs) expect(run).toMatchObject({ missing: 0, doubled: 0, lost: 0 })
  })

  it("refuses what it does not know", async () => {
    await expect(bench("--only", "z")).rejects.toMatchObject({ code: 2 })
    await expect(bench("--fast")).rejects.toMatchObject({ code: 2 })
    await expect(bench("--rounds", "0")).rejects.toMatchObject({ code: 2 })
  })
})

describe("the report", () => {
  it("has the least, the middle and the largest", () => {
    expect(spread([3, 1, 2])).toEqual({ min: 1, median: 2, max: 3 })
    expect(spread([4, 1, 2, 3])).toEqual({ min: 1, median: 2.5, max: 4 })
  })

  it("compares within a round only", () => {
    const run = (round: number, subject: string, cpu: number) => ({ ...blank, scenario: "b", subject, round, cpu })
    const runs = [run(1, "parley", 300), run(1, "relay-frame", 100), run(2, "parley", 900), run(3, "relay-frame", 1)]
    expect(ratios(runs)).toMatchObject([{ min: 3, median: 3, max: 3 }])
  })

  it("says whether a goal is met, which may be a least or a most", () => {
    const rows = (values: ReadonlyArray<number>, atLeast: boolean) =>
      ratioTable(ratio("x", 2, values, { atLeast })).body.map((cells) => cells.slice(2))
    expect(rows([1, 3, 2], false)).toEqual([["2.00", "3.00", "≤ 2.00", "met"]])
    expect(rows([3], false)).toEqual([["3.00", "3.00", "≤ 2.00", "1.50 × the goal"]])
    expect(rows([3], true)).toEqual([["3.00", "3.00", "≥ 2.00", "met"]])
    expect(rows([1], true)).toEqual([["1.00", "1.00", "≥ 2.00", "0.50 × the goal"]])
    expect(ratio("x", 2, [])).toEqual([])
  })

  it("is set in columns", () => {
    expect(markdownOf({ title: "T", head: ["a", "b"], body: [["long", "1"]], note: "N" })).toBe(
      "### T\n\nN\n\n| a    | b   |\n| ---- | --- |\n| long | 1   |"
    )
  })

  it("goes into no page that has no place for it", () => {
    expect(() => withFigures("nothing here", "figures")).toThrow("bench:table")
    expect(() => withFigures("<!-- /bench:table --> <!-- bench:table -->", "figures")).toThrow("bench:table")
  })

  it("counts the time of a function within the measured time, and no idleness", () => {
    const frame = (functionName: string) => ({ functionName, url: "file:///x/Outbox.ts", lineNumber: 6 })
    const profile = {
      nodes: [
        { id: 1, callFrame: frame("flush"), children: [3] },
        { id: 2, callFrame: { ...frame("(idle)"), url: "" } },
        { id: 3, callFrame: frame("send") }
      ],
      startTime: 1000,
      samples: [3, 1, 2, 3, 1],
      timeDeltas: [10, 30, 500, 10, 1]
    }
    expect(shares(profile, { from: 1020, to: 1550 })).toEqual([
      { name: "flush Outbox.ts:7", self: 0.75, whole: 1 },
      { name: "send Outbox.ts:7", self: 0.25, whole: 0.25 }
    ])
  })
})

const blank: Run = {
  scenario: "",
  subject: "",
  round: 1,
  from: 0,
  to: 1,
  sends: 1,
  delivered: 1,
  frames: 1,
  cpu: 0,
  mainCpu: 0,
  generatorLoad: 0,
  latency: undefined,
  answers: undefined,
  missing: 0,
  doubled: 0,
  lost: 0,
  connections: 2,
  memory: { before: 0, after: 0 }
}
