/** Pages of other origins: refused by default, allowed by the setting `origins`. */
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { md5, PASSWORD, webSocket } from "./clients.ts"
import { runInProcess } from "./inProcessCommand.ts"
import { folder, serve } from "./serverProcess.ts"
import { Server } from "./TestClient.ts"

const APP = "https://app.example"

const served = (...args: ReadonlyArray<string>) =>
  Layer.effect(
    Server,
    Effect.gen(function* () {
      const cwd = yield* folder
      return { cwd, ...(yield* serve(cwd, "--demo", "--database", "memory:", ...args)) }
    })
  )

const ask = (method: string, path: string, headers: Readonly<Record<string, string>>, body?: string) =>
  Effect.flatMap(Server, ({ http }) =>
    Effect.promise(async () => {
      const response = await fetch(http + path, { method, headers, ...(body !== undefined && { body }) })
      await response.arrayBuffer()
      return response
    })
  )

const preflight = (origin: string, path = "/auth/login") =>
  ask("OPTIONS", path, {
    origin,
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type,x-ha-session"
  })

const allowed = (response: Response) => response.headers.get("access-control-allow-origin")

const FOREIGN = [
  "https://evil.example",
  "https://app.example.evil",
  "http://app.example",
  "https://app.example:8443",
  "null",
  "file://"
]

layer(served("--origins", `${APP}, http://localhost:5173`), { excludeTestServices: true })("with origins", (it) => {
  it.effect("replies to their preflights only", () =>
    Effect.gen(function* () {
      for (const origin of [APP, "http://localhost:5173"]) {
        const { status, headers } = yield* preflight(origin)
        assert.strictEqual(status, 204)
        assert.strictEqual(headers.get("access-control-allow-origin"), origin)
        assert.strictEqual(headers.get("access-control-allow-methods"), "POST")
        assert.strictEqual(headers.get("access-control-allow-headers"), "content-type,x-ha-session")
        assert.include(headers.get("vary"), "Origin")
      }
      for (const origin of FOREIGN) {
        const response = yield* preflight(origin)
        assert.isNull(allowed(response), origin)
        assert.isAtLeast(response.status, 400)
      }
      assert.isNull(allowed(yield* preflight(APP, "/nothing/here")))
    })
  )

  it.effect("lets only their pages read responses and open WebSockets", () =>
    Effect.gen(function* () {
      const { http } = yield* Server
      const body = JSON.stringify({ account: "alice", password: PASSWORD })
      const login = (origin: string) => ask("POST", "/auth/login", { origin, "content-type": "application/json" }, body)
      const response = yield* login(APP)
      assert.deepStrictEqual([response.status, allowed(response)], [200, APP])
      assert.strictEqual(response.headers.get("vary"), "Origin")
      const chat = yield* webSocket(http, "", { origin: APP })
      yield* chat.get("login", ["alice", md5(PASSWORD), "online"])
      for (const origin of FOREIGN) {
        const refused = yield* login(origin)
        assert.deepStrictEqual([refused.status, allowed(refused)], [403, null], origin)
        assert.include(yield* Effect.flip(webSocket(http, "", { origin })), "403", origin)
      }
    })
  )
})

layer(served(), { excludeTestServices: true })("without origins", (it) => {
  it.effect("only its own pages may connect, and use a demonstration's anonymous access", () =>
    Effect.gen(function* () {
      const { http } = yield* Server
      const own = yield* webSocket(http, "", { origin: http })
      yield* own.get("login", ["alice", md5(PASSWORD), "online"])
      assert.isNull(allowed(yield* preflight(APP)))
      const group = JSON.stringify({ group_name: "theirs", client_id: "alice" })
      const json = { "content-type": "application/json" }
      for (const headers of [{ origin: APP }, { origin: "null" }, { "sec-fetch-site": "cross-site" }]) {
        assert.strictEqual((yield* ask("POST", "/im/group", { ...json, ...headers }, group)).status, 403)
      }
      assert.include(yield* Effect.flip(webSocket(http, "", { origin: APP })), "403")
      const { headers } = yield* ask("GET", "/healthz", {})
      assert.isNull(headers.get("vary"))
    })
  )
})

describe("a list of origins", () => {
  it.live("with an invalid entry stops the server before it starts", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      for (const entry of [
        "*",
        "app.example",
        "https://app.example/",
        "HTTPS://app.example",
        "https://app.example:443"
      ]) {
        const args = ["serve", "--port", "0", "--tcp-port", "off", "--database", "memory:", "--origins", entry]
        const { code, err } = yield* runInProcess(cwd, args)
        assert.strictEqual(code, 1)
        assert.include(err, `parley: --origins must be origins such as https://app.example, separated by commas`)
        assert.include(err, JSON.stringify(entry))
      }
    }).pipe(Effect.scoped)
  )
})
