/** The demonstration, whose passwords are public: only with `--demo`, and for this machine only. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { request } from "node:http"
import { desktop, md5, PASSWORD, webSocket } from "./clients.ts"
import { runInProcess } from "./inProcessCommand.ts"
import { folder, run, serve } from "./serverProcess.ts"

type Headers = Readonly<Record<string, string>>

/** Returns the status of a request with any `Host`. */
const status = (url: string, headers: Headers = {}, body?: string) =>
  Effect.callback<number, Error>((resume) => {
    const sent = request(url, { method: body === undefined ? "GET" : "POST", headers }, (response) => {
      response.resume().on("end", () => resume(Effect.succeed(response.statusCode ?? 0)))
    })
    sent.on("error", (error) => resume(Effect.fail(error)))
    sent.end(body)
  })

const login = (http: string, headers: Headers = {}) =>
  status(
    `${http}/auth/login`,
    { "content-type": "application/json", ...headers },
    JSON.stringify({ account: "admin", password: PASSWORD })
  )

const upgrade = (http: string, headers: Headers) =>
  status(`${http}/ws`, {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    ...headers
  })

const FORWARDED: ReadonlyArray<Headers> = [
  { "x-forwarded-for": "203.0.113.1" },
  { "x-forwarded-for": "127.0.0.1" },
  { forwarded: "for=203.0.113.1" },
  { "x-real-ip": "203.0.113.1" },
  { via: "1.1 proxy" },
  { "x-forwarded-proto": "https" }
]

/** One path of each protocol, and the server's own. */
const PATHS = ["/im/org/2/groups", "/signature/login/1/alice", "/conversation", "/healthz", "/ws"]

describe("parley serve", () => {
  it.live("adds no demonstration by default, even to an empty database on a loopback address", () =>
    Effect.gen(function* () {
      const { http, tcp, err } = yield* serve(yield* folder, "--no-demo")
      assert.strictEqual(yield* login(http), 401)
      const chat = yield* desktop(tcp)
      assert.strictEqual((yield* chat.ask("login", ["admin", md5(PASSWORD), "online"])).result, "fail")
      assert.notInclude(err(), "DEMONSTRATION")
    }).pipe(Effect.scoped)
  )

  it.live("refuses a demonstration that other machines could reach, from every source of the setting", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<[ReadonlyArray<string>, Headers, string]> = [
        [["--demo", "--host", "0.0.0.0"], {}, "--host 0.0.0.0 is not a loopback address"],
        [["--demo", "--host", "::"], {}, "--host :: is not a loopback address"],
        [["--demo", "--trusted-proxies", "loopback"], {}, "--trusted-proxies is set, so that proxies forward"],
        [["--host", "chat.example"], { PARLEY_DEMO: "true" }, "--host chat.example is not a loopback address"],
        [["--demo"], { PARLEY_TRUSTED_PROXIES: "10.0.0.0/8" }, "--trusted-proxies is set, so that proxies forward"]
      ]
      const cwd = yield* folder
      for (const [args, environment, why] of cases) {
        const all = ["serve", "--port", "0", "--tcp-port", "off", "--database", "memory:", ...args]
        const { code, out, err } = yield* runInProcess(cwd, all, environment)
        assert.deepStrictEqual([code, out], [1, ""])
        assert.match(err, /^parley: --demo is for this machine only[^\n]*\n$/)
        assert.include(err, why)
      }
    }).pipe(Effect.scoped)
  )
})

describe("a demonstration", () => {
  it.live("is for this machine only: forwarded requests and other host names are refused until it is removed", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      yield* Effect.gen(function* () {
        const server = yield* serve(cwd, "--demo")
        const { http, tcp, err } = server
        assert.include(err(), "DEMONSTRATION: the passwords of its users")
        assert.strictEqual(yield* login(http), 200)
        assert.strictEqual(yield* status(`${http}/im/org/2/groups`), 200)
        for (const client of [yield* desktop(tcp), yield* webSocket(http)]) {
          assert.strictEqual((yield* client.ask("login", ["alice", md5(PASSWORD), "online"])).result, "success")
        }
        for (const headers of FORWARDED) {
          assert.strictEqual(yield* login(http, headers), 403)
          assert.strictEqual(yield* upgrade(http, headers), 403)
          for (const path of PATHS) assert.strictEqual(yield* status(http + path, headers), 403, path)
        }
        const { port } = new URL(http)
        for (const host of ["localhost", `localhost:${port}`, "127.0.0.1", `[::1]:${port}`, "chat.localhost"]) {
          assert.strictEqual(yield* login(http, { host }), 200, host)
        }
        for (const host of [
          "evil.example",
          `evil.example:${port}`,
          "localhost.evil.example",
          "10.0.0.1",
          "127.0.0.1.nip.io"
        ]) {
          assert.strictEqual(yield* login(http, { host }), 403, host)
          assert.strictEqual(yield* upgrade(http, { host, origin: `http://${host}` }), 403, host)
        }
      }).pipe(Effect.scoped)

      // Without the flag its data is still there.
      yield* Effect.gen(function* () {
        const { http, err } = yield* serve(cwd, "--no-demo")
        assert.include(err(), "DEMONSTRATION")
        assert.strictEqual(yield* status(`${http}/im/org/2/groups`), 401)
        for (const headers of FORWARDED) assert.strictEqual(yield* login(http, headers), 403)
      }).pipe(Effect.scoped)

      for (const args of [
        ["--host", "0.0.0.0"],
        ["--trusted-proxies", "loopback"]
      ]) {
        const { code, out, err } = yield* runInProcess(cwd, ["serve", "--port", "0", "--tcp-port", "off", ...args])
        assert.deepStrictEqual([code, out], [1, ""])
        assert.match(
          err,
          /(^|\n)parley: the database holds the demonstration.*parley demo remove --database sqlite:.*parley\.db\n$/
        )
      }

      const removed = yield* runInProcess(cwd, ["demo", "remove"])
      assert.deepStrictEqual([removed.code, removed.err], [0, ""])
      for (const words of [
        "the sessions of admin",
        "key ha-demo",
        "app yd-demo",
        "app 1 of hisihi",
        "app 2 of hisihi"
      ]) {
        assert.include(removed.out, words)
      }
      assert.include(removed.out, "nothing is ever removed from a log")
      const again = yield* runInProcess(cwd, ["demo", "remove"])
      assert.deepStrictEqual([again.code, again.err], [1, "parley: the database holds no demonstration\n"])
      for (const words of ["ha-key", "app", "youdu-app"]) {
        // Nothing, or the names of the columns alone.
        assert.match((yield* runInProcess(cwd, [words, "list"])).out, /^(?:app +org +callback +state)?\n*$/, words)
      }
      const { http } = yield* serve(cwd, "--no-demo", "--host", "0.0.0.0")
      assert.strictEqual(yield* login(http), 401)
    }).pipe(Effect.scoped)
  )

  it.live("is removed from a running server; users with a changed password stay", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { http, tcp } = yield* serve(cwd, "--demo")
      assert.strictEqual((yield* run(cwd, ["user", "passwd", "bob"], "correct horse battery\n")).code, 0)
      const chat = yield* desktop(tcp)
      yield* chat.get("login", ["alice", md5(PASSWORD), "online"])
      assert.strictEqual((yield* runInProcess(cwd, ["demo", "remove"])).code, 0)
      yield* chat.untilClosed
      assert.strictEqual(yield* login(http), 401)
      const bob = yield* desktop(tcp)
      yield* bob.get("login", ["bob", md5("correct horse battery"), "online"])
    }).pipe(Effect.scoped)
  )
})
