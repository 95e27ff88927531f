/** Verdicts by levels, readings, profiles and expected failures. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { checkEntries, type Entry, readEntries } from "../src/run/Expectations.ts"
import { exitCode, fromFetch, type Options, type Report, run, type Target } from "../src/index.ts"
import { type Fault, TinyServer } from "./TinyServer.ts"

let server: TinyServer
beforeAll(async () => {
  server = await new TinyServer().listen()
})
afterAll(() => server[Symbol.asyncDispose]())

const against = (fault: Fault, more?: Partial<Options>): Promise<Report> => {
  server.fault = fault
  return run({
    target: { ws: server.ws, tcp: server.tcp, http: server.http },
    timing: { reply: 300, close: 300, scenario: 5_000 },
    ...more
  })
}

const verdicts = (report: Report, verdict: string): ReadonlyArray<string> =>
  report.scenarios.flatMap(({ checks }) =>
    checks.filter((check) => check.verdict === verdict).map(({ id }) => id.slice(id.indexOf("#") + 1))
  )

describe("a SHOULD that is not so", () => {
  const only = "xuanxuan/create/twice"

  it("warns, and the server conforms", async () => {
    const report = await against("renames", { only })
    expect(verdicts(report, "warn")).toEqual(["stored-chat", "another-member"])
    expect(report).toMatchObject({ warned: 2, failed: 0 })
    expect(report.scenarios[0]?.checks.find(({ verdict }) => verdict === "warn")).toMatchObject({
      level: "SHOULD",
      evidence: { reason: expect.stringContaining("data.name") }
    })
    expect(exitCode(report)).toBe(0)
  })

  it("fails under strict", async () => {
    const report = await against("renames", { only, strict: true })
    expect(verdicts(report, "fail")).toEqual(["stored-chat", "another-member"])
    expect(exitCode(report)).toBe(1)
  })
})

describe("a tolerated form", () => {
  const only = "xuanxuan/create/group"

  it("passes as lenient, by the name of its reading", async () => {
    const report = await against("admins-as-list", { only })
    expect(verdicts(report, "pass-lenient")).toEqual(["response", "members-hear"])
    expect(report.scenarios[0]).toMatchObject({ verdict: "pass-lenient" })
    expect(report.scenarios[0]?.checks.find(({ readings }) => readings !== undefined)?.readings).toEqual([
      "xuanxuan.admins"
    ])
    expect(exitCode(report)).toBe(0)
  })

  it("warns under strict", async () => {
    const report = await against("admins-as-list", { only, strict: true })
    expect(verdicts(report, "warn")).toEqual(["response", "members-hear"])
    expect(exitCode(report)).toBe(0)
  })
})

describe("a profile", () => {
  const only = "xuanxuan/star/on-and-off"

  it("selects documented checks, hardening checks, or both", async () => {
    const [documented, hardening, all] = [
      await against("none", { only }),
      await against("none", { only, profile: "hardening" }),
      await against("none", { only, profile: "all" })
    ]
    const ids = (report: Report) => report.scenarios.flatMap(({ checks }) => checks.map(({ id }) => id))
    const own = (report: Report) => ids(report).filter((id) => !/#(setup|wire|secrets)$/.test(id))
    expect(own(documented).length).toBeGreaterThan(3)
    expect(own(hardening)).toEqual(["response-on", "response-off", "nobody-hears"].map((name) => `${only}#${name}`))
    expect([...own(documented), ...own(hardening)].toSorted()).toEqual(own(all).toSorted())
    for (const report of [documented, hardening, all]) expect(report).toMatchObject({ failed: 0, notTestable: 0 })
  })

  it("does not count failures of the other profile", async () => {
    const documented = await against("no-star-field", { only })
    expect(documented).toMatchObject({ failed: 0, notTestable: 0 })
    const hardening = await against("no-star-field", { only, profile: "hardening" })
    expect(verdicts(hardening, "fail")).toEqual(["response-on", "response-off"])
    expect(hardening.scenarios[0]?.checks[1]?.level).toBe("MUST")
  })

  it("skips a scenario without checks of the profile", async () => {
    await expect(against("none", { only: "xuanxuan/session/ping" })).rejects.toMatchObject({
      _tag: "BadOptions",
      message: expect.stringContaining("profile documented")
    })
  })
})

describe("a step that prepares, and a refusal with its twin", () => {
  const folder = mkdtempSync(join(tmpdir(), "kit-"))
  writeFileSync(
    join(folder, "a.scenario"),
    `document ours
section Rooms

scenario rooms/door/refused
title A room without a name is refused
  setup me http made POST "/rooms" body {name: a} => 201 {id: $capture(id, $int), kind: room}
  me http nameless POST "/rooms" body {} => 400 unlike named
  me http kept GET \`/rooms/{id}\` => 200
  me http named POST "/rooms" body {name: b} => 201 {kind: room}
  cleanup me http gone DELETE \`/rooms/{id}\` => 200
`
  )
  mkdirSync(join(folder, "rooms"))
  writeFileSync(join(folder, "rooms", "protocol.scenario"), "protocol rooms\ntitle Rooms\n")

  const found = async (answer: (request: Request, body: string) => readonly [status: number, body: object]) => {
    const target = fromFetch(async (request) => {
      const [status, body] = answer(request, await request.text())
      return Response.json(body, { status })
    })
    const report = await run({ protocol: "rooms", target, sequences: [folder] })
    const checks = report.scenarios.flatMap((scenario) => scenario.checks)
    return {
      report,
      verdicts: Object.fromEntries(checks.map(({ id, verdict }) => [id.slice(id.indexOf("#") + 1), verdict])),
      reasons: checks.flatMap(({ evidence }) => evidence?.reason ?? [])
    }
  }
  const isNamed = (body: string) => body.includes("name")

  it("count nothing of the preparation, and nothing that the clean-up finds", async () => {
    const { report, verdicts: all } = await found(({ method }, body) => {
      if (method === "DELETE") return [500, {}]
      if (method === "GET") return [200, {}]
      return isNamed(body) ? [201, { id: 1, kind: "room" }] : [400, {}]
    })
    expect(all).toEqual({ setup: "pass", nameless: "pass", kept: "pass", named: "pass" })
    expect(report).toMatchObject({ passed: 3, failed: 0, notTestable: 0 })
  })

  it("fail for the content of a response where it is judged only", async () => {
    const { verdicts: all } = await found(({ method }, body) =>
      method === "GET" ? [200, {}] : isNamed(body) ? [201, { id: 1 }] : [400, {}]
    )
    expect(all).toEqual({ setup: "pass", nameless: "pass", kept: "pass", named: "fail" })
  })

  it("make a refusal untestable where its twin is refused as well", async () => {
    const { verdicts: all, report } = await found(({ method }, body) =>
      method === "POST" && body.includes('"a"') ? [201, { id: 1 }] : [400, {}]
    )
    expect(all).toEqual({ setup: "pass", nameless: "not-testable", kept: "fail", named: "fail" })
    expect(exitCode(report)).toBe(1)
  })

  it("make everything untestable where the preparation fails", async () => {
    const { verdicts: all, reasons, report } = await found(() => [400, {}])
    expect(all).toEqual({ setup: "fail", nameless: "not-testable", kept: "not-testable", named: "fail" })
    expect(reasons).toContain("step 1, which prepares this one, failed")
    expect(report.passed).toBe(0)
  })
})

describe("a run that ends early", () => {
  const hanging = (answered: number): { target: Target; readonly asked: () => number } => {
    let asked = 0
    const target = fromFetch(() =>
      asked++ < answered ? Promise.resolve(Response.json({})) : new Promise(() => undefined)
    )
    return { target, asked: () => asked }
  }
  const accounts = Object.fromEntries(
    ["alice", "bob", "carol", "dave"].map((account, id) => [account, { account, id, token: `token-of-${account}-000` }])
  )
  const timing = { reply: 20 }

  it("stops after ten scenarios in which a response did not arrive, and names the reason", async () => {
    const report = await run({ protocol: "ha", profile: "all", target: hanging(0).target, accounts, timing })
    const unplayed = report.scenarios.filter(({ verdict }) => verdict === "not-testable")
    expect(report.scenarios.length - unplayed.length).toBeLessThanOrEqual(11)
    expect(unplayed[0]?.reason).toBe("a response did not arrive in time in 10 scenarios in a row")
    expect(report.passed).toBe(0)
  })

  it("has the results so far after an interruption", async () => {
    const controller = new AbortController()
    const { target } = hanging(1_000_000)
    const finished: Array<string> = []
    const report = await run({
      protocol: "ha",
      target,
      accounts,
      signal: controller.signal,
      onScenario: ({ id }) => {
        finished.push(id)
        if (finished.length === 2) controller.abort()
      }
    })
    const [first, second, ...rest] = report.scenarios
    expect([first?.verdict, second?.verdict]).toEqual(["fail", "fail"])
    expect(rest.length).toBeGreaterThan(3)
    expect(new Set(rest.map(({ verdict, reason }) => `${verdict}: ${reason}`))).toEqual(
      new Set(["not-testable: the run was interrupted", "not-applicable: the account source cannot expire tokens"])
    )
    expect(exitCode(report)).toBe(1)
  })

  it("does not run what --skip and --without name", async () => {
    const options = { protocol: "xuanxuan", only: ["xuanxuan/upload/*", "xuanxuan/session/*"] }
    server.fault = "none"
    const report = await run({
      ...options,
      target: { ws: server.ws, tcp: server.tcp, http: server.http },
      profile: "all",
      skip: "xuanxuan/session/w*",
      without: ["files"],
      timing: { reply: 300, close: 300, scenario: 2_000 }
    })
    const why = new Map(report.scenarios.map(({ id, reason }) => [id, reason]))
    expect(why.get("xuanxuan/upload/success")).toBe("the server does not have: files")
    expect(why.get("xuanxuan/session/wrong-sid")).toBe("left out by --skip")
    expect(why.get("xuanxuan/session/ping")).toBeUndefined()
  })
})

describe("an expected failure", () => {
  const only = "xuanxuan/create/group"
  const entry = (check: string, more?: Partial<Entry>): Entry => ({ check, reason: "not yet", ...more })

  it("does not count, and its reason is in the report", async () => {
    const report = await against("no-push", { only, expected: [entry(`${only}#members-hear`)] })
    expect(report).toMatchObject({ failed: 0, expected: 1, stale: 0 })
    expect(report.scenarios[0]).toMatchObject({ verdict: "pass" })
    expect(report.scenarios[0]?.checks.find(({ expected }) => expected !== undefined)).toMatchObject({
      verdict: "fail",
      expected: "not yet"
    })
    expect(exitCode(report)).toBe(0)
  })

  it("may be a whole scenario", async () => {
    const report = await against("text-id", { only, expected: [entry(only)] })
    expect(report).toMatchObject({ failed: 0, notTestable: 0, stale: 0 })
    expect(report.expected).toBeGreaterThan(1)
  })

  it("that passes is stale", async () => {
    const report = await against("none", { only, expected: [entry(`${only}#members-hear`)] })
    expect(report.staleEntries).toEqual([{ check: `${only}#members-hear`, why: "it passes" }])
    expect(exitCode(report)).toBe(1)
  })

  it("that does not exist is stale; one of another run proves nothing", async () => {
    const expected = [
      entry("xuanxuan/create/group#no-such-check"),
      entry("xuanxuan/history/all"),
      entry("spark/start/new#response"),
      entry(`${only}#members-hear`, { transports: ["tcp"] })
    ]
    const report = await against("none", { only, expected })
    expect(report.staleEntries).toEqual([
      { check: "xuanxuan/create/group#no-such-check", why: "there is no such check" }
    ])
  })

  it("does not excuse another failure", async () => {
    const report = await against("millisecond-dates", { only, expected: [entry(`${only}#response`)] })
    expect(verdicts(report, "fail")).toEqual(["response", "members-hear"])
    expect(report).toMatchObject({ failed: 1, expected: 1 })
    expect(exitCode(report)).toBe(1)
  })

  it("needs a reason, and may be listed once", () => {
    expect(() => checkEntries([entry("a/b/c#d", { reason: " " })], "f")).toThrow("a/b/c#d: reason missing")
    expect(() => checkEntries([entry("a/b/c#d"), entry("a/b/c#d")], "f")).toThrow("listed twice")
    expect(() => checkEntries([entry("a/b/c"), entry("a/b/c#d")], "f")).toThrow("listed twice")
    const apart = [entry("a/b/c#d", { transports: ["ws"] }), entry("a/b/c#d", { transports: ["tcp"] })]
    expect(checkEntries(apart, "f")).toHaveLength(2)
    const folder = mkdtempSync(join(tmpdir(), "kit-"))
    writeFileSync(join(folder, "e.json"), '{"expected":[{"check":"a/b/c#d"}]}')
    expect(() => readEntries(join(folder, "e.json"))).toThrow(/\["reason"\]/)
  })
})
