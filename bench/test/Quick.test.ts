/** The benchmark works from beginning to end. What it measures here is of no interest, and never looked at. */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { describe, expect, it } from "vitest"
import { shares } from "../src/Profile.ts"
import { ratios, type Report, spread } from "../src/Report.ts"
import type { Run } from "../src/Rounds.ts"

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url))
const bench = (...args: ReadonlyArray<string>) => promisify(execFile)(process.execPath, [MAIN, ...args])

const quick = ["--quick", "--duration", "0.3", "--json"]

describe("the benchmark", () => {
  it("plays scenarios against every server and loses nothing", { timeout: 180_000 }, async () => {
    const { stdout } = await bench(...quick, "--only", "b,idle,rows")
    const report = JSON.parse(stdout) as Report
    const subjects = ["parley", "relay-frame", "relay-coalesced", "relay-durable", "socket.io"]
    expect(report.runs.map(({ scenario, subject }) => `${scenario} ${subject}`)).toEqual(
      ["b", "idle"].flatMap((scenario) => subjects.map((subject) => `${scenario} ${subject}`))
    )
    for (const run of report.runs) {
      expect(run).toMatchObject({ round: 1, missing: 0, doubled: 0, lost: 0, connections: 12 })
      expect(run.to).toBeGreaterThan(run.from)
      expect(run.memory.after).toBeGreaterThan(0)
    }
    expect(report.ratios.map(({ says }) => says)).toEqual(["b: CPU per delivered message / relay-frame"])
    // Whoever is not there costs nothing.
    expect(report.rows).toEqual([5, 20].map((members) => ({ members, messages: 20, added: { log: 20 } })))
  })

  it("has members who are not connected, and chats of two", { timeout: 180_000 }, async () => {
    const { stdout } = await bench(...quick, "--only", "a,d", "--subjects", "parley")
    const { runs } = JSON.parse(stdout) as Report
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
  missing: 0,
  doubled: 0,
  lost: 0,
  connections: 2,
  memory: { before: 0, after: 0 }
}
