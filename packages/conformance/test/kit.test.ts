import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { audits, NotConforming, type Options, run } from "../src/index.ts"
import type { Report } from "../src/run/Results.ts"
import { type Fault, TinyServer } from "./TinyServer.ts"

let server: TinyServer
beforeAll(async () => {
  server = await new TinyServer().listen()
})
afterAll(() => server[Symbol.asyncDispose]())

/** The scenarios that the tiny server supports. */
const known = [
  "xuanxuan/create/group",
  "xuanxuan/create/twice",
  "xuanxuan/star/*",
  "xuanxuan/session/ping",
  "xuanxuan/config/get"
]

const options = (more?: Partial<Options>): Options => ({
  target: { ws: server.ws, tcp: server.tcp, http: server.http },
  transport: "ws",
  only: known,
  timing: { reply: 300, close: 300, scenario: 5_000 },
  profile: "all",
  ...more
})

const against = async (fault: Fault, more?: Partial<Options>): Promise<Report> => {
  server.fault = fault
  return run(options(more))
}

const notPassed = (report: Report, verdict: string): ReadonlyArray<string> =>
  report.scenarios.flatMap(({ checks }) => checks.filter((check) => check.verdict === verdict).map(({ id }) => id))

describe("a good server", () => {
  for (const transport of ["ws", "tcp"] as const) {
    it(`passes over ${transport}`, async () => {
      const report = await against("none", { transport })
      expect(notPassed(report, "fail")).toEqual([])
      expect(report).toMatchObject({ failed: 0, notTestable: 0, errors: 0 })
      expect(report.scenarios.map(({ verdict }) => verdict)).toEqual(report.scenarios.map(() => "pass"))
    })
  }

  it("passes in the other wire form over WebSocket", async () => {
    expect(await against("none", { wire: "client-1.0" })).toMatchObject({ failed: 0, notTestable: 0, errors: 0 })
  })

  for (const benign of ["extra-fields", "bundled", "echo-of-pushes", "noise"] as const) {
    it(`still passes with ${benign}`, async () => {
      const report = await against(benign)
      expect(notPassed(report, "fail")).toEqual([])
      expect(report).toMatchObject({ failed: 0, notTestable: 0, errors: 0 })
    })
  }
})

describe("a server that is wrong in one way fails exactly the checks that say so", () => {
  const create = { only: "xuanxuan/create/group" }
  const twice = { only: "xuanxuan/create/twice" }
  const table: ReadonlyArray<readonly [Fault, Partial<Options>, ReadonlyArray<string>]> = [
    ["no-push", create, ["xuanxuan/create/group#members-hear"]],
    ["double-push", create, ["xuanxuan/create/group#once"]],
    ["double-push", twice, ["xuanxuan/create/twice#no-second-push"]],
    ["push-to-all", create, ["xuanxuan/create/group#nobody-else"]],
    ["text-id", { only: "xuanxuan/config/get" }, ["xuanxuan/config/get#response"]],
    ["text-id", create, ["xuanxuan/create/group#response"]],
    ["millisecond-dates", create, ["xuanxuan/create/group#response", "xuanxuan/create/group#members-hear"]],
    ["no-sid", { only: "xuanxuan/session/ping" }, ["xuanxuan/session/ping#response"]]
  ]
  for (const [fault, more, wanted] of table) {
    it(`${fault}: ${wanted.join(", ")}`, async () => {
      expect(notPassed(await against(fault, more), "fail")).toEqual(wanted)
    })
  }

  it("a check that rests on a failed one is not testable", async () => {
    const report = await against("text-id", create)
    expect(notPassed(report, "not-testable")).toEqual(["xuanxuan/create/group#members-hear"])
  })

  it("a failure shows the step, its source, sent and received messages and the expected pattern", async () => {
    const report = await against("text-id", create)
    const found = report.scenarios[0]?.checks.find(({ verdict }) => verdict === "fail")?.evidence
    expect(found).toMatchObject({ step: 2, actor: "alice", source: { doc: "xuanxuan", section: "创建聊天会话" } })
    expect(found?.reason).toMatch(/data\.id: expected a whole number, found "\d+"/)
    expect(found?.sent.at(-1)).toContain('"method":"create"')
    expect(found?.came.join()).toContain('"result":"success"')
    expect(found?.wanted).toContain('"createdBy"')
    expect(JSON.stringify(report)).not.toMatch(/e10adc3949ba59abbe56e057f20f883e/)
  })
})

describe("an impostor", () => {
  const impostors = [
    "never-answers",
    "silent-after-login",
    "garbage",
    "flood-of-brackets",
    "hang-up",
    "hang-up-at-once",
    "always-success",
    "always-denied",
    "always-empty",
    "echo"
  ] as const
  for (const transport of ["ws", "tcp"] as const) {
    for (const fault of impostors) {
      it(`${fault} over ${transport} passes nothing and neither hangs nor breaks the kit`, async () => {
        const report = await against(fault, { transport, only: known.slice(0, 4) })
        expect(report.errors).toBe(0)
        expect(report.scenarios.filter(({ verdict }) => verdict === "pass")).toEqual([])
        expect(notPassed(report, "fail").length).toBeGreaterThan(0)
      })
    }
  }

  it("binary frames are named as such", async () => {
    const report = await against("binary", { only: "xuanxuan/session/ping" })
    expect(notPassed(report, "fail")).toEqual(["xuanxuan/session/ping#setup", "xuanxuan/session/ping#wire"])
  })

  it("half a line is named as such", async () => {
    const report = await against("half-a-line", { transport: "tcp", only: "xuanxuan/session/ping" })
    expect(notPassed(report, "fail")).toEqual(["xuanxuan/session/ping#setup", "xuanxuan/session/ping#wire"])
  })

  it("a scenario that takes too long is cut off", async () => {
    const timing = { reply: 60_000, close: 60_000, scenario: 200 }
    const report = await against("never-answers", { only: "xuanxuan/session/ping", timing })
    expect(report.scenarios[0]?.checks.map(({ verdict }) => verdict)).toEqual([
      "fail",
      "not-testable",
      "not-testable",
      "not-testable"
    ])
    expect(report.scenarios[0]?.checks[0]?.evidence?.reason).toContain("200 ms")
  })

  it("an HTML error over HTTP fails the check", async () => {
    const report = await against("always-empty", { only: "xuanxuan/config/get" })
    expect(notPassed(report, "fail")).toEqual(["xuanxuan/config/get#response", "xuanxuan/config/get#json"])
  })
})

describe("the interface", () => {
  it("provides audits for any test runner", async () => {
    server.fault = "none"
    const found = audits(options({ only: "xuanxuan/session/ping" }))
    expect(found.map(({ id }) => id)).toEqual(["xuanxuan/session/ping"])
    await found[0]?.run()
    server.fault = "no-sid"
    await expect(found[0]?.run()).rejects.toBeInstanceOf(NotConforming)
    await expect(found[0]?.run()).rejects.toThrow(/FAIL {2}xuanxuan\/session\/ping[^]*sid: expected/)
  })

  it("rejects an unreachable server", async () => {
    const target = { ws: "ws://127.0.0.1:1/ws", tcp: "tcp://127.0.0.1:1", http: server.http }
    await expect(run(options({ target }))).rejects.toMatchObject({ _tag: "Unreachable" })
    await expect(run(options({ target, transport: "tcp" }))).rejects.toMatchObject({ _tag: "Unreachable" })
  })

  it("rejects invalid options", async () => {
    const bad: ReadonlyArray<Partial<Options>> = [
      { target: { http: server.http } },
      { target: { http: "nowhere", ws: server.ws } },
      { only: "xuanxuan/nosuch/**" },
      { transport: "tcp", wire: "documented" }
    ]
    for (const more of bad) await expect(run(options(more))).rejects.toMatchObject({ _tag: "BadOptions" })
    await expect(run(options({ protocol: "../src" }))).rejects.toMatchObject({ _tag: "BadData" })
  })

  it("lists scenarios that are not applicable", async () => {
    const report = await against("none", {
      transport: "tcp",
      only: ["xuanxuan/formats/profile-by-address", "xuanxuan/session/ping"]
    })
    expect(report).toMatchObject({ notApplicable: 1, failed: 0 })
  })
})
