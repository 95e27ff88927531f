/**
 * Clients behind a proxy of a running server: each has its own address if the proxy is trusted, otherwise the proxy's.
 */
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { desktop, md5, webSocket } from "./clients.ts"
import { runInProcess } from "./inProcessCommand.ts"
import { folder, serve } from "./serverProcess.ts"
import { Server } from "./TestClient.ts"

const PASSWORD = "a-password-of-their-own"

/** Three failures reach the limit of an address, which is three times that of an account. */
const served = (...args: ReadonlyArray<string>) =>
  Layer.effect(
    Server,
    Effect.gen(function* () {
      const cwd = yield* folder
      const server = yield* serve(cwd, "--no-demo", "--set", "login.attempts=1", ...args)
      const users = ["alice", "bob", "carol", "dave"].map((account) => `${account},${PASSWORD}`)
      writeFileSync(join(cwd, "users.csv"), ["account,password", ...users, ""].join("\n"))
      assert.strictEqual((yield* runInProcess(cwd, ["user", "import", "users.csv"])).out, "added 4 users\n")
      return { cwd, ...server }
    })
  )

/** Headers as sent by a proxy that appends the address of its client. */
const behind = (client: string) => ({ "x-forwarded-for": `198.51.100.66, ${client}` })

let accounts = 0
/** Returns a new account name that does not exist. */
const unknownAccount = (): string => `unknown${++accounts}`

const overHttp = (client: string, account: string, password = PASSWORD) =>
  Effect.flatMap(Server, ({ http }) =>
    Effect.promise(async () => {
      const response = await fetch(`${http}/auth/login`, {
        method: "POST",
        headers: { "content-type": "application/json", ...behind(client) },
        body: JSON.stringify({ account, password })
      })
      return response.status
    })
  )

const THROTTLED = /too many|try again/i

/** Returns the login's outcome as an HTTP status. */
const entered = (answer: { readonly result?: string; readonly message?: string }): number =>
  answer.result === "success" ? 200 : THROTTLED.test(answer.message ?? "") ? 429 : 401

const overWebSocket = Effect.fnUntraced(function* (client: string, account: string) {
  const { http } = yield* Server
  const chat = yield* webSocket(http, "", behind(client))
  return entered(yield* chat.ask("login", { account, password: md5(PASSWORD) }))
}, Effect.scoped)

const overTcp = Effect.fnUntraced(function* (account: string) {
  const { tcp } = yield* Server
  const chat = yield* desktop(tcp)
  return entered(yield* chat.ask("login", { account, password: md5(PASSWORD) }))
}, Effect.scoped)

layer(served("--trusted-proxies", "10.0.0.0/8, loopback"), { excludeTestServices: true })(
  "behind a trusted proxy",
  (it) => {
    it.effect("failed logins over HTTP throttle their address, over WebSocket too, and no other", () =>
      Effect.gen(function* () {
        for (let n = 0; n < 3; n++) assert.strictEqual(yield* overHttp("203.0.113.1", unknownAccount()), 401)
        assert.strictEqual(yield* overHttp("203.0.113.1", "alice"), 429)
        assert.strictEqual(yield* overHttp("::ffff:203.0.113.1", "alice"), 429)
        assert.strictEqual(yield* overHttp("203.0.113.1, 10.1.2.3", "alice"), 429)
        assert.strictEqual(yield* overWebSocket("203.0.113.1", "alice"), 429)
        assert.strictEqual(yield* overHttp("203.0.113.2", "alice"), 200)
        assert.strictEqual(yield* overWebSocket("203.0.113.2", "bob"), 200)
      })
    )

    it.effect("failed logins over WebSocket throttle their address, over HTTP too, and no other", () =>
      Effect.gen(function* () {
        for (let n = 0; n < 3; n++) assert.strictEqual(yield* overWebSocket("203.0.113.3", unknownAccount()), 401)
        assert.strictEqual(yield* overWebSocket("203.0.113.3", "carol"), 429)
        assert.strictEqual(yield* overHttp("203.0.113.3", "carol"), 429)
        assert.strictEqual(yield* overWebSocket("203.0.113.4", "carol"), 200)
        assert.strictEqual(yield* overHttp("203.0.113.4", "carol"), 200)
      })
    )

    it.effect("an unreadable header counts for the proxy, as does raw TCP, which has no header", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* overHttp("unknown", unknownAccount()), 401)
        assert.strictEqual(yield* overWebSocket("<script>", unknownAccount()), 401)
        assert.strictEqual(yield* overTcp(unknownAccount()), 401)
        assert.strictEqual(yield* overTcp("dave"), 429)
        assert.strictEqual(yield* overHttp("_hidden", "dave"), 429)
        assert.strictEqual(yield* overHttp("203.0.113.5", "dave"), 200)
      })
    )
  }
)

for (const [name, args] of [
  ["without a setting", []],
  ["where other ones are trusted", ["--set", "trustedProxies=10.0.0.0/8"]]
] as const) {
  layer(served(...args), { excludeTestServices: true })(`behind a proxy, ${name}`, (it) => {
    it.effect("all clients share one address over HTTP, WebSocket and TCP, whatever their headers contain", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* overHttp("203.0.113.1", unknownAccount()), 401)
        assert.strictEqual(yield* overWebSocket("203.0.113.2", unknownAccount()), 401)
        assert.strictEqual(yield* overTcp(unknownAccount()), 401)
        assert.strictEqual(yield* overHttp("203.0.113.3", "alice"), 429)
        assert.strictEqual(yield* overWebSocket("203.0.113.4", "alice"), 429)
        assert.strictEqual(yield* overTcp("alice"), 429)
      })
    )
  })
}

describe("an invalid list of proxies", () => {
  it.live("stops the server before it starts, with one line that names the entry", () =>
    Effect.gen(function* () {
      const args = ["serve", "--port", "0", "--tcp-port", "off", "--database", "memory:"]
      const { code, out, err } = yield* runInProcess(yield* folder, args, { PARLEY_TRUSTED_PROXIES: "loopback, nginx" })
      assert.deepStrictEqual(
        [code, out, err],
        [
          1,
          "",
          'parley: PARLEY_TRUSTED_PROXIES must be addresses, ranges as in 10.0.0.0/8, loopback, linklocal or uniquelocal, separated by commas, not "nginx"\n'
        ]
      )
    }).pipe(Effect.scoped)
  )
})
