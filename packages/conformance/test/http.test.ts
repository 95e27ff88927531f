/** Protocols without connections: the verdicts for a small server, correct or with one fault. */
import { createHash } from "node:crypto"
import { createServer, type IncomingMessage, type Server } from "node:http"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { BadOptions, type Options, run, Unreachable } from "../src/index.ts"

type Fault =
  | "none"
  | "wrong-md5"
  | "one-spelling"
  | "members-short"
  | "new-each-time"
  | "garbage"
  | "never-answers"
  | "deaf"

let fault: Fault = "none"
let made = 0

const bodyOf = async (request: IncomingMessage): Promise<{ readonly [name: string]: unknown }> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString("utf8")
  return text === "" ? {} : (JSON.parse(text) as { readonly [name: string]: unknown })
}

const session = (caller: string, to: ReadonlyArray<string>): unknown => {
  const members = [...new Set([caller, ...to])].sort()
  const md5 = createHash("md5")
    .update((fault === "wrong-md5" ? members.toReversed() : members).join(","))
    .digest("hex")
  const id = fault === "new-each-time" ? `${md5}-${made++}` : md5
  return {
    SesssionId: id,
    ...(fault !== "one-spelling" && { SessionId: id }),
    Members: fault === "members-short" ? members.slice(1) : members,
    md5
  }
}

/** An account's token is its name. */
const answer = async (request: IncomingMessage): Promise<readonly [status: number, body: unknown]> => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://tiny")
  const body = await bodyOf(request)
  if (pathname === "/auth/login") {
    const account = String(body["account"])
    return [200, { token: account, user: { account }, expiresIn: 60 }]
  }
  if (pathname === "/auth/logout") return [204, undefined]
  if (pathname !== "/session/start") return [404, {}]
  return [200, session(searchParams.get("token") ?? "", body["To"] as ReadonlyArray<string>)]
}

let server: Server
let http = ""
beforeAll(async () => {
  server = createServer((request, response) => {
    if (fault === "never-answers" && request.url?.startsWith("/session") === true) return
    if (fault === "deaf") return
    void answer(request).then(([status, body]) => {
      response.writeHead(status, { "content-type": "application/json" })
      response.end(fault === "garbage" ? "{" : body === undefined ? undefined : JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  if (typeof address === "object" && address !== null) http = `http://127.0.0.1:${address.port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const options = (more?: Partial<Options>): Options => ({
  protocol: "spark",
  target: { http },
  only: "spark/start/new",
  timing: { reply: 300, close: 300, scenario: 5_000 },
  profile: "all",
  ...more
})

const against = async (wrong: Fault): Promise<ReadonlyArray<string>> => {
  fault = wrong
  const report = await run(options())
  return report.scenarios.flatMap(({ checks }) => checks.flatMap(({ id, verdict }) => (verdict === "pass" ? [] : [id])))
}

const all = ["response", "both-spellings", "caller-in-to"]
const named = (checks: ReadonlyArray<string>): ReadonlyArray<string> =>
  checks.map((check) => `spark/start/new#${check}`)

describe("a server of a protocol without connections", () => {
  it.each<readonly [Fault, ReadonlyArray<string>]>([
    ["none", []],
    ["wrong-md5", all],
    ["one-spelling", ["both-spellings", "caller-in-to"]],
    ["members-short", all],
    ["new-each-time", ["both-spellings", "caller-in-to"]],
    ["never-answers", all],
    ["garbage", ["setup", ...all]]
  ])("that has the fault %s fails exactly the checks that say so", async (wrong, failing) => {
    expect((await against(wrong)).toSorted()).toEqual(named(failing).toSorted())
  })

  it("runs over http only", async () => {
    fault = "none"
    expect(await run(options())).toMatchObject({ transport: "http", wire: "documented", failed: 0 })
    await expect(run(options({ transport: "ws" }))).rejects.toBeInstanceOf(BadOptions)
    await expect(run(options({ protocol: "xuanxuan", transport: "http" }))).rejects.toBeInstanceOf(BadOptions)
  })

  it("that is not running is unreachable", async () => {
    await expect(run(options({ target: { http: "http://127.0.0.1:1" } }))).rejects.toBeInstanceOf(Unreachable)
    fault = "deaf"
    await expect(run(options())).rejects.toBeInstanceOf(Unreachable)
  })
})
