/**
 * Clients behind a proxy, as the started server sees them: each has an address of their own where the proxy is trusted,
 * and the proxy's where it is not.
 */
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { desktop, md5, webSocket } from "./clients.ts"
import { folder, run, serve } from "./serverProcess.ts"
import { Server } from "./TestClient.ts"

const PASSWORD = "a-password-of-their-own"

/** Three failures of one address are enough: an address may fail three times as often as an account. */
const served = (...args: ReadonlyArray<string>) =>
  Layer.effect(
    Server,
    Effect.gen(function* () {
      const cwd = yield* folder
      const server = yield* serve(cwd, "--no-demo", "--set", "login.attempts=1", ...args)
      const users = ["alice", "bob", "carol", "dave"].map((account) => `${account},${PASSWORD}`)
      writeFileSync(join(cwd, "users.csv"), ["account,password", ...users, ""].join("\n"))
      assert.strictEqual((yield* run(cwd, ["user", "import", "users.csv"])).out, "added 4 users\n")
      return { cwd, ...server }
    })
  )

/** The header as a proxy leaves it that adds whom it has got a request from. */
const behind = (client: string) => ({ "x-forwarded-for": `198.51.100.66, ${client}` })

let unauthenticated = 0
/** An account that nobody has, and that no other attempt was made for. */
const stranger = (): string => `stranger${++unauthenticated}`

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

/** What the login comes to, in the words of HTTP. */
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
    it.effect("who fails too often over HTTP is throttled, over WebSocket too, and others are not", () =>
      Effect.gen(function* () {
        for (let n = 0; n < 3; n++) assert.strictEqual(yield* overHttp("203.0.113.1", stranger()), 401)
        assert.strictEqual(yield* overHttp("203.0.113.1", "alice"), 429)
        assert.strictEqual(yield* overHttp("::ffff:203.0.113.1", "alice"), 429)
        assert.strictEqual(yield* overHttp("203.0.113.1, 10.1.2.3", "alice"), 429)
        assert.strictEqual(yield* overWebSocket("203.0.113.1", "alice"), 429)
        assert.strictEqual(yield* overHttp("203.0.113.2", "alice"), 200)
        assert.strictEqual(yield* overWebSocket("203.0.113.2", "bob"), 200)
      })
    )

    it.effect("who fails too often over WebSocket is throttled, over HTTP too, and others are not", () =>
      Effect.gen(function* () {
        for (let n = 0; n < 3; n++) assert.strictEqual(yield* overWebSocket("203.0.113.3", stranger()), 401)
        assert.strictEqual(yield* overWebSocket("203.0.113.3", "carol"), 429)
        assert.strictEqual(yield* overHttp("203.0.113.3", "carol"), 429)
        assert.strictEqual(yield* overWebSocket("203.0.113.4", "carol"), 200)
        assert.strictEqual(yield* overHttp("203.0.113.4", "carol"), 200)
      })
    )

    it.effect("what cannot be read counts for the proxy, as does raw TCP, which says nothing of anybody", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* overHttp("unknown", stranger()), 401)
        assert.strictEqual(yield* overWebSocket("<script>", stranger()), 401)
        assert.strictEqual(yield* overTcp(stranger()), 401)
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
    it.effect("all clients are one, whatever their headers say, over HTTP, WebSocket and TCP", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* overHttp("203.0.113.1", stranger()), 401)
        assert.strictEqual(yield* overWebSocket("203.0.113.2", stranger()), 401)
        assert.strictEqual(yield* overTcp(stranger()), 401)
        assert.strictEqual(yield* overHttp("203.0.113.3", "alice"), 429)
        assert.strictEqual(yield* overWebSocket("203.0.113.4", "alice"), 429)
        assert.strictEqual(yield* overTcp("alice"), 429)
      })
    )
  })
}

describe("a list that is none", () => {
  it.live("stops the server before it starts, with one line that names the entry", () =>
    Effect.gen(function* () {
      const args = ["serve", "--port", "0", "--tcp-port", "off", "--database", "memory:"]
      const { code, out, err } = yield* run(yield* folder, args, "", { PARLEY_TRUSTED_PROXIES: "loopback, nginx" })
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
