/** Hostile servers: the run ends in time, blames the server and not the kit, and stays small. */
import { createServer as createTcp, type Server, type Socket } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { rewritten } from "../src/run/Expectations.ts"
import { badge } from "../src/report/Badge.ts"
import { html } from "../src/report/Html.ts"
import { junit } from "../src/report/Junit.ts"
import { markdown } from "../src/report/Markdown.ts"
import { resultsOf } from "../src/report/Reports.ts"
import { tap } from "../src/report/Tap.ts"
import { lines, summary } from "../src/report/Text.ts"
import { exitCode, fromFetch, type Options, type Report, run } from "../src/index.ts"
import { type Fault, TinyServer } from "./TinyServer.ts"

let server: TinyServer
beforeAll(async () => {
  server = await new TinyServer().listen()
})
afterAll(() => server[Symbol.asyncDispose]())

const timing = { reply: 300, close: 300, scenario: 8_000 }
/** A timeout for large messages. */
const patient = { ...timing, reply: 4_000 }

const against = (fault: Fault, more?: Partial<Options>): Promise<Report> => {
  server.fault = fault
  const target = { ws: server.ws, tcp: server.tcp, http: server.http }
  return run({ target, timing, only: "xuanxuan/create/group", ...more })
}

const failures = (report: Report) =>
  report.scenarios.flatMap(({ checks }) => checks.flatMap((one) => (one.verdict === "fail" ? [one] : [])))

describe("over a connection", () => {
  for (const transport of ["ws", "tcp"] as const) {
    it(`a frame of 100 MB over ${transport} is a fault of the server, and is not kept`, async () => {
      const before = process.memoryUsage().rss
      const report = await against("huge-frame", { transport, timing: patient })
      expect(report.errors).toBe(0)
      expect(failures(report).map(({ id }) => id.split("#")[1])).toEqual(["setup", "wire"])
      expect(JSON.stringify(report).length).toBeLessThan(100_000)
      // The test's server holds the frame twice.
      expect(process.memoryUsage().rss - before).toBeLessThan(800 * 1024 * 1024)
    })

    it(`a flood of packets over ${transport} is cut off`, async () => {
      const report = await against("flood", { transport, timing: patient })
      expect(report.errors).toBe(0)
      expect(failures(report).find(({ id }) => id.endsWith("#wire"))?.evidence?.reason).toContain(
        "more than 20000 packets"
      )
      expect(JSON.stringify(report).length).toBeLessThan(1_000_000)
    })

    it(`a frame that nests without end over ${transport} is no defect of the kit`, async () => {
      const report = await against("deep-frame", { transport })
      expect(report.errors).toBe(0)
      expect(failures(report).length).toBeGreaterThan(0)
    })

    it(`something now and again over ${transport} does not keep a step waiting`, async () => {
      const started = performance.now()
      const report = await against("trickle", { transport })
      expect(failures(report)[0]?.evidence?.reason).toContain("no response")
      expect(performance.now() - started).toBeLessThan(3_000)
    })
  }

  it("a server that gives back what it was sent does not make the report leak it", async () => {
    const report = await against("leaks-its-input")
    expect(exitCode(report)).toBe(1)
    const text = JSON.stringify(report)
    expect(text).toContain("could not handle")
    expect(text).not.toContain("e10adc3949ba59abbe56e057f20f883e")
    expect(text).toContain("<password md5>")
  })

  it("a port that accepts and says nothing is unreachable within the time of an answer", async () => {
    const sockets = new Set<Socket>()
    const mute: Server = createTcp((socket) => void sockets.add(socket))
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve))
    const address = mute.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const target = { ws: `ws://127.0.0.1:${port}/ws`, http: `http://127.0.0.1:${port}` }
    await expect(run({ target, timing })).rejects.toMatchObject({ _tag: "Unreachable" })
    await expect(run({ target, timing, protocol: "spark" })).rejects.toMatchObject({ _tag: "Unreachable" })
    for (const socket of sockets) socket.destroy()
    mute.close()
  })
})

describe("over HTTP", () => {
  const config = { only: "xuanxuan/config/get", profile: "all" as const }

  it("a body that drips without end is cut off at the time of an answer", async () => {
    const report = await against("drip", config)
    expect(failures(report)[0]?.evidence?.reason).toContain("no response within 300 ms")
  })

  const endless = (chunk: Uint8Array) =>
    fromFetch(() => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(chunk) })))
  const hisihi = { protocol: "hisihi", only: "hisihi/login-signature/documented", timing }

  it("a body without end is cut off at its size", async () => {
    const target = endless(new Uint8Array(1024 * 1024))
    const report = await run({ ...hisihi, target, timing: { ...timing, reply: 5_000 } })
    expect(failures(report)[0]?.evidence?.reason).toMatch(/more than \d+ bytes/)
    expect(report.errors).toBe(0)
  })

  it.each<readonly [string, () => Response | Promise<Response>]>([
    ["never answers", () => new Promise(() => undefined)],
    ["throws", () => Promise.reject(new Error("boom"))],
    ["redirects to itself", () => new Response(null, { status: 302, headers: { location: "/signature/login/2/3" } })],
    ["answers with HTML", () => new Response("<h1>500</h1>", { status: 500 })],
    ["nests without end", () => new Response(`${"[".repeat(100_000)}${"]".repeat(100_000)}`)],
    ["answers with null", () => new Response("null")]
  ])("a handler that %s fails its checks and nothing more", async (_, handler) => {
    const report = await run({ ...hisihi, target: fromFetch(handler) })
    expect(report.errors).toBe(0)
    expect(failures(report).map(({ id }) => id.split("#")[1])).toEqual(["fields"])
  })
})

describe("a run", () => {
  it("gives up after failed setups, and every check has a verdict", async () => {
    const started = performance.now()
    const report = await against("never-answers", { only: "xuanxuan/**", timing: { ...timing, reply: 50 } })
    expect(report.scenarios.length).toBeGreaterThan(30)
    const checks = report.scenarios.flatMap((scenario) => scenario.checks)
    const counted = checks.filter(({ id, verdict }) => verdict !== "pass" || !/#(setup|wire)$/.test(id))
    expect(report.passed + report.failed + report.notTestable).toBe(counted.length)
    expect(failures(report).length).toBeLessThan(15)
    expect(report.notTestable).toBeGreaterThan(100)
    expect(JSON.stringify(report.scenarios.at(-1))).toMatch(/10 scenarios in a row/)
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  it("counts scenarios that were not run as neither passed nor failed, in every report format", async () => {
    const only = "xuanxuan/**"
    const expected = [{ check: "xuanxuan/star/on-and-off", reason: "not yet" }]
    const report = await against("never-answers", { only, expected, timing: { ...timing, reply: 50, run: 100 } })
    const unplayed = report.scenarios.filter(({ verdict }) => verdict === "not-testable")
    expect(unplayed.length).toBeGreaterThan(30)
    const checks = unplayed.flatMap((scenario) => scenario.checks)
    expect(new Set(checks.map(({ verdict }) => verdict))).toEqual(new Set(["not-testable"]))
    expect(checks.some(({ id }) => id.endsWith("#wire"))).toBe(true)
    const played = report.scenarios.filter(({ verdict }) => verdict === "fail")
    expect(played.length + unplayed.length + report.notApplicable).toBe(report.scenarios.length)
    // The server sent nothing, so `wire` has no verdict either.
    const wires = played.flatMap((one) => one.checks).filter(({ id }) => id.endsWith("#wire"))
    expect(wires.filter(({ verdict }) => verdict === "pass")).toEqual([])
    expect(report).toMatchObject({ expected: 0, stale: 0 })
    expect(exitCode(report)).toBe(1)
    expect(rewritten([], unplayed, [], "").added).toEqual([])

    const results = resultsOf([report])
    const some = unplayed.find(({ checks: all }) => all.length > 2)
    const [id, why] = [some?.id ?? "", "the run took longer than 100 ms"]
    const suite = new RegExp(`<testsuite name="[^"]*: ${id}" tests="(\\d+)" failures="0" errors="0" skipped="\\1"`)
    expect(junit(results)).toMatch(suite)
    expect(junit(results)).toContain(`<error type="not-played" message="${why}"/>`)
    const points = tap(results).split("\n")
    const own = points.filter((line) => line.includes(`${id}\\#`))
    expect(own).toHaveLength(some?.checks.length ?? 0)
    expect(own.filter((line) => !line.endsWith(`# SKIP ${why}`))).toEqual([])
    expect(points.at(-2)).toBe(`Bail out! ${unplayed.length} scenarios were not run: ${why}`)
    expect(markdown(results)).toContain(`| not played | ${id} |  |  | ${why} |`)
    expect(html(results)).toContain('data-verdict="not-testable"><summary>')
    expect(some === undefined ? [] : lines(some)).toEqual([expect.stringMatching(/^n\/t /), `    ${why}`])
    expect(summary(report)).toContain(`${unplayed.length} scenarios not run`)
    const owed = report.passed + report.failed + report.notTestable
    expect(badge(results).message).toBe(`xuanxuan ${report.passed}/${owed}`)
  })

  it("ends at its timeout", async () => {
    const report = await against("never-answers", { only: "xuanxuan/**", timing: { ...timing, reply: 100, run: 150 } })
    expect(JSON.stringify(report.scenarios.at(-1))).toContain("the run took longer than 150 ms")
    expect(exitCode(report)).toBe(1)
  })

  it("ends after the first failure with bail", async () => {
    const report = await against("text-id", { only: ["xuanxuan/create/*", "xuanxuan/star/*"], bail: true })
    expect(report.scenarios.filter(({ checks }) => checks.length > 0)).toHaveLength(1)
  })
})
