/** The surroundings of a run: signals to the started program, TLS, and another run on the same accounts. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer, type Server } from "node:https"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { WebSocket } from "ws"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { run } from "../src/index.ts"
import { selfSigned } from "./selfSigned.ts"
import { TinyServer } from "./TinyServer.ts"

const main = join(import.meta.dirname, "../src/main.ts")

let server: TinyServer
let folder: string
beforeAll(async () => {
  server = await new TinyServer().listen()
  folder = mkdtempSync(join(tmpdir(), "kit-"))
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})
beforeEach(() => {
  server.fault = "none"
  server.before = () => undefined
})

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

const start = (...args: ReadonlyArray<string>): readonly [child: ChildProcess, ended: Promise<Ended>] => {
  const child = spawn(process.execPath, [main, ...args], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] })
  let [out, err] = ["", ""]
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text))
  return [child, new Promise((resolve) => child.once("close", (code) => resolve({ code, out, err })))]
}

interface Results {
  readonly reports: ReadonlyArray<{
    readonly scenarios: ReadonlyArray<{ readonly id: string; readonly verdict: string; readonly reason?: string }>
  }>
}

describe.each(["SIGINT", "SIGTERM"] as const)("%s to the started program", (signal) => {
  it("writes the reports for the scenarios that were run", async () => {
    const files = ["json", "junit", "tap", "html", "markdown"].map((form) => [form, join(folder, `${signal}.${form}`)])
    const [child, ended] = start(
      "run",
      "--protocol",
      "xuanxuan",
      "--url",
      server.http,
      "--timeout",
      "60000",
      ...files.flatMap(([form = "", file = ""]) => ["--report", `${form}=${file}`])
    )
    // From the first line on, nothing has a response, so that the run waits when the signal comes.
    child.stdout?.once("data", () => {
      server.fault = "never-answers"
      child.kill(signal)
    })
    const { code, err } = await ended
    expect(code).toBe(1)
    expect(err).toContain("the reports have what was run so far")
    const texts = files.map(([, file = ""]) => readFileSync(file, "utf8"))
    for (const text of texts) expect(text).toContain("xuanxuan/login/success")
    const { reports }: Results = JSON.parse(texts[0] ?? "")
    const scenarios = reports[0]?.scenarios ?? []
    expect(scenarios[0]?.verdict).not.toBe("not-testable")
    expect(scenarios.at(-1)).toMatchObject({ verdict: "not-testable", reason: "the run was interrupted" })
  }, 60_000)
})

describe("a server with a certificate that no authority has signed", () => {
  let secure: Server
  let url: string
  beforeAll(async () => {
    secure = createServer(selfSigned(), (request, response) => void server.web.emit("request", request, response))
    secure.on("upgrade", (...upgrade) => void server.web.emit("upgrade", ...upgrade))
    await new Promise<void>((done) => secure.listen(0, "127.0.0.1", done))
    const address: AddressInfo | string | null = secure.address()
    url = `https://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
  })
  afterAll(() => {
    secure.closeAllConnections()
    secure.close()
  })

  // Over HTTP and over WebSocket.
  const only = ["--only", "xuanxuan/config/get", "--only", "xuanxuan/session/ping", "--profile", "all"]

  it("is not reached without --insecure, and the message names the certificate", async () => {
    const { code, err } = await start("run", "--protocol", "xuanxuan", "--url", url, ...only)[1]
    expect(code).toBe(3)
    expect(err).toContain("self-signed certificate")
  }, 60_000)

  it("is tested with --insecure", async () => {
    const { code, out } = await start("run", "--protocol", "xuanxuan", "--url", url, "--insecure", ...only)[1]
    expect(out).toMatch(/^ok +xuanxuan\/session\/ping /m)
    expect(out).toMatch(/^ok +xuanxuan\/config\/get /m)
    expect(code).toBe(0)
  }, 60_000)
})

describe("another run on the same accounts", () => {
  it("is named as the likely cause when it takes a connection over", async () => {
    server.fault = "one-login"
    const other = new WebSocket(server.ws)
    await new Promise((done) => other.once("open", done))
    const md5 = "e10adc3949ba59abbe56e057f20f883e"
    const login = { module: "chat", method: "login", params: { account: "alice", password: md5, status: "online" } }
    let steps = 0
    // The other run logs in as alice before the server handles alice's third request.
    server.before = async (request) => {
      if (request["method"] !== "ping" || steps++ > 0) return
      const answered = new Promise((done) => other.once("message", done))
      other.send(JSON.stringify(login))
      await answered
    }
    const report = await run({
      protocol: "xuanxuan",
      target: { http: server.http, ws: server.ws },
      profile: "all",
      only: "xuanxuan/session/ping",
      timing: { reply: 5_000 }
    })
    other.terminate()
    const reasons = report.scenarios.flatMap(({ checks }) => checks.map(({ evidence }) => evidence?.reason ?? ""))
    expect(reasons.join("\n")).toContain("another run or client may use the same accounts")
  })
})
