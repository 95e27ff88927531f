import { execFile } from "node:child_process"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { program } from "../src/cli/Program.ts"
import { hostIn } from "./Host.ts"
import { type Fault, TinyServer } from "./TinyServer.ts"

const main = join(import.meta.dirname, "../src/main.ts")

const call = (...args: ReadonlyArray<string>): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [main, ...args],
      { timeout: 30_000, maxBuffer: 8 * 1024 * 1024 },
      (_, out, err) => {
        resolve({ code: child.exitCode ?? -1, out, err })
      }
    )
  })

let server: TinyServer
beforeAll(async () => {
  server = await new TinyServer().listen()
})
afterAll(() => server[Symbol.asyncDispose]())

const judge = (fault: Fault, ...more: ReadonlyArray<string>) => {
  server.fault = fault
  return call("run", "--protocol", "xuanxuan", "--profile", "all", "--url", server.http, "--timeout", "300", ...more)
}

describe("the command line", () => {
  it("ends with 0 for a server that conforms, one line for each scenario", async () => {
    const { code, out } = await judge("none", "--only", "xuanxuan/create/group", "--only", "xuanxuan/session/ping")
    expect(out).toMatch(/^ok {4}xuanxuan\/create\/group {2}8\/8 /m)
    expect(out.trim().split("\n")).toHaveLength(3)
    expect(code).toBe(0)
  })

  it("uses TCP with --transport tcp", async () => {
    const tcp = await judge("none", "--tcp", server.tcp, "--transport", "tcp", "--only", "xuanxuan/session/ping")
    expect(tcp.out).toContain("over tcp, client-1.0")
    expect(tcp.code).toBe(0)
  })

  it("ends with 1 for one that does not, with the evidence", async () => {
    const { code, out } = await judge("text-id", "--only", "xuanxuan/create/group")
    expect(code).toBe(1)
    for (const part of [
      "step 2, alice",
      "[xuanxuan: 创建聊天会话]",
      "sent ",
      "came ",
      "wanted ",
      "data.id: expected"
    ]) {
      expect(out).toContain(part)
    }
  })

  it("ends with 2 for a wrong call", async () => {
    const wrong = [
      [],
      ["walk"],
      ["run"],
      ["run", "--url", "nowhere"],
      ["run", "--url", server.http],
      ["run", "--protocol", "xuanxuan", "--url", server.http, "--transport", "smoke"],
      ["run", "--protocol", "xuanxuan", "--url", server.http, "--transport", "tcp"],
      ["run", "--protocol", "xuanxuan", "--url", server.http, "--only", "nothing/**"],
      ["run", "--protocol", "xuanxuan", "--url", server.http, "--accounts", "no-such-file.json", "spare"],
      ["run", "--url", server.http, "--protocol", "../xuanxuan"],
      ["run", "--protocol", "xuanxuan", "--url", server.http, "--nonsense"],
      ["run", "--protocol", "xuanxuan", "--url", server.http, "--timeout", "soon"]
    ]
    const codes = await Promise.all(wrong.map((args) => program(args, hostIn(import.meta.dirname).host)))
    expect(codes).toEqual(wrong.map(() => 2))
  })

  it("names an unknown flag in one sentence", async () => {
    const { code, err } = await call("run", "--nonsense")
    expect(code).toBe(2)
    expect(err.split("\n")[0]).toBe("Unknown option '--nonsense'")
  })

  it("ends with 3 for a server that cannot be reached", async () => {
    const { code, err } = await call("run", "--protocol", "xuanxuan", "--url", "http://127.0.0.1:1")
    expect(code).toBe(3)
    expect(err).toContain("cannot reach ws://127.0.0.1:1/ws")
  })

  it("lists scenarios as text and as JSON", async () => {
    const [text, json] = await Promise.all([
      call("list", "--protocol", "xuanxuan"),
      call("list", "--protocol", "xuanxuan", "--json")
    ])
    expect(text.code).toBe(0)
    expect(text.out).toMatch(/^xuanxuan\/login\/success {2}\S/m)
    expect(JSON.parse(json.out)).toHaveLength(text.out.trim().split("\n").length)
  })

  it("prints the report as JSON", async () => {
    const { code, out } = await judge("no-push", "--only", "xuanxuan/create/group", "--json")
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ schemaVersion: 1, reports: [{ protocol: "xuanxuan", failed: 1 }] })
  })
})
