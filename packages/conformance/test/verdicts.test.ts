/** Verdicts by levels, readings, profiles and expected failures. */
import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { checkEntries, type Entry, readEntries } from "../src/run/Expectations.ts"
import { exitCode, type Options, type Report, run } from "../src/index.ts"
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
    const own = (report: Report) => ids(report).filter((id) => !/#(setup|wire)$/.test(id))
    expect(own(documented).length).toBeGreaterThan(3)
    expect(own(hardening)).toEqual([`${only}#response-on`, `${only}#response-off`])
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
