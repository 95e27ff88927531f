/** The programming interfaces: in-process targets, test runners, Effect. */
import { execFile } from "node:child_process"
import { createServer } from "node:http"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { Effect } from "effect"
import { beforeAll, describe, expect, it } from "vitest"
import { run as runEffect } from "../src/effect.ts"
import { audits, fromFetch, fromNodeServer, NotConforming, run } from "../src/index.ts"
import { describeConformance } from "../src/vitest.ts"
import { TinyServer } from "./TinyServer.ts"

const nonce = () => Math.random().toString(36).slice(2, 10).padEnd(8, "0")

const sign = (pathname: string): object | undefined => {
  const [, , what, app, client] = pathname.split("/")
  if (what !== "login" || app === undefined || client === undefined) return undefined
  const timestamp = `${Math.floor(Date.now() / 1000)}.123456`
  return { app_id: app, client_id: client, timestamp, nonce: nonce(), signature: "0".repeat(40) }
}

/** Handles the one request of these scenarios. */
const handler = (request: Request): Response => {
  const signed = sign(new URL(request.url).pathname)
  return signed === undefined ? new Response("{}", { status: 404 }) : Response.json(signed)
}

const only = "hisihi/login-signature/documented"
const options = { protocol: "hisihi", target: fromFetch(handler), only }

describe("a handler in this process", () => {
  it("is tested without a socket", async () => {
    expect(await run(options)).toMatchObject({
      failed: 0,
      notTestable: 0,
      target: { http: "http://in-process.invalid" }
    })
  })

  it("gets the failures", async () => {
    const wrong = fromFetch(() => Response.json({ app_id: 2 }))
    expect(await run({ ...options, target: wrong })).toMatchObject({ failed: 1 })
  })

  it("cannot speak a protocol with connections", async () => {
    await expect(run({ ...options, protocol: "xuanxuan", only: "**" })).rejects.toMatchObject({ _tag: "BadOptions" })
  })
})

describe("a Node server", () => {
  const make = () =>
    createServer((request, response) => {
      const signed = sign(request.url ?? "")
      response.writeHead(signed === undefined ? 404 : 200, { "content-type": "application/json" })
      response.end(JSON.stringify(signed ?? {}))
    })

  it("is bound to a free port for the time of the run", async () => {
    const server = make()
    {
      await using target = await fromNodeServer(server)
      expect(await run({ ...options, target })).toMatchObject({ failed: 0, notTestable: 0 })
      expect(target.ws).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/ws$/)
    }
    expect(server.listening).toBe(false)
  })

  it("serves its WebSockets as well", async () => {
    const tiny = new TinyServer()
    await using target = await fromNodeServer(tiny.web)
    const report = await run({ protocol: "xuanxuan", target, only: "xuanxuan/create/group", timing: { reply: 500 } })
    expect(report).toMatchObject({ transport: "ws", failed: 0, notTestable: 0 })
  })

  it("that listens already is left as it is", async () => {
    const server = make()
    await new Promise<void>((resolve) => server.listen(0, resolve))
    const target = await fromNodeServer(server, { path: "/im/ws" })
    expect(target.ws).toMatch(/\/im\/ws$/)
    expect(await run({ ...options, target })).toMatchObject({ failed: 0 })
    await target.close()
    expect(server.listening).toBe(true)
    server.closeAllConnections()
    server.close()
  })

  it("that cannot listen rejects with NotListening", async () => {
    const failing = make()
    queueMicrotask(() => failing.emit("error", new Error("no port left")))
    await expect(fromNodeServer(failing)).rejects.toMatchObject({ _tag: "NotListening", message: "no port left" })
    failing.close()
  })
})

describe("audits", () => {
  it("reject with a readable report", async () => {
    const [good] = audits(options)
    await good?.run()
    const [bad] = audits({ ...options, target: fromFetch(() => new Response("<h1>")) })
    await expect(bad?.run()).rejects.toBeInstanceOf(NotConforming)
    await expect(bad?.run()).rejects.toThrow(/FAIL {2}hisihi\/login-signature\/documented/)
  })

  it("do not reject for expected failures", async () => {
    const target = fromFetch(() => new Response("<h1>"))
    const [known] = audits({ ...options, target, expected: [{ check: only, reason: "not there yet" }] })
    await expect(known?.run()).resolves.toBeUndefined()
  })
})

describe("a program on Effect", () => {
  it("has typed errors", async () => {
    const program = runEffect({ ...options, only: "hisihi/nothing/**" }).pipe(
      Effect.catchTag("BadOptions", ({ message }) => Effect.succeed(message))
    )
    expect(await Effect.runPromise(program)).toContain("no scenario matches")
  })
})

describe("Vitest", () => {
  let target = fromFetch(() => new Response("not yet"))
  let asked = 0
  beforeAll(() => {
    target = fromFetch((request) => {
      asked++
      return handler(request)
    })
  })
  describeConformance("of a handler that exists already", options)
  describeConformance("of one that a hook makes", () => ({ ...options, target }), { protocol: "hisihi", only })
  it("uses the target of its hook", () => {
    expect(asked).toBe(1)
  })
})

describe("a scenario that cannot be played here", () => {
  it("is skipped by Vitest, and has not passed", async () => {
    const require = createRequire(import.meta.url)
    const vitest = join(dirname(require.resolve("vitest/package.json")), "vitest.mjs")
    const root = join(import.meta.dirname, "fixtures/vitest")
    const { promise, resolve } = Promise.withResolvers<string>()
    // A separate process, because a test of this run must not be skipped.
    execFile(process.execPath, [vitest, "run", "--root", root, "--reporter=tap-flat"], (_, out) => resolve(out))
    const points = (await promise).split("\n").filter((line) => /^(not )?ok /.test(line))
    expect(points).toEqual([expect.stringMatching(/^ok 1 - .*ha\/session\/expired.* # SKIP/)])
  })
})
