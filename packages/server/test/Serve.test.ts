import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { runInProcess } from "./inProcessCommand.ts"
import { folder, run, serve, start } from "./serverProcess.ts"

const login = (http: string, account: string, password: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${http}/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ account, password })
    })
    await response.arrayBuffer()
    return response.status
  })

describe("parley serve", () => {
  it.live("prints its addresses, and exits with 0 on SIGTERM", () =>
    Effect.gen(function* () {
      for (const signal of ["SIGTERM", "SIGINT"] as const) {
        const cwd = yield* folder
        const server = yield* serve(cwd, "--no-demo", "--set", "login.attempts=5")
        assert.match(server.line, /^listening http:\/\/127\.0\.0\.1:[1-9]\d* tcp:\/\/127\.0\.0\.1:[1-9]\d*$/)
        assert.isTrue(existsSync(join(cwd, "data/parley.db.sock")))
        server.child.kill(signal)
        const { code, out, err } = yield* server.ended
        assert.strictEqual(code, 0)
        assert.strictEqual(out, `${server.line}\n`)
        const lines = err.split("\n").slice(0, -1)
        const log = lines.map((line) => JSON.parse(line) as { message: string; level: string; annotations: object })
        assert.deepStrictEqual(
          log.map(({ message, level }) => [message, level]),
          [
            ["started", "INFO"],
            ["stopping", "INFO"],
            ["stopped", "INFO"]
          ]
        )
        assert.include(log[0]?.annotations, { http: server.http, tcp: server.tcp, demo: false, trustedProxies: "" })
        assert.deepNestedInclude(log[0]?.annotations, { settings: { "login.attempts": 5 } })
        assert.include(log[1]?.annotations, { signal })
        assert.isFalse(existsSync(join(cwd, "data/parley.db.sock")))
      }
    }).pipe(Effect.scoped)
  )

  it.live("prints no TCP address if TCP is off", () =>
    Effect.gen(function* () {
      const server = yield* start(yield* folder, ["serve", "--port", "0", "--tcp-port", "off", "--database", "memory:"])
      assert.match(yield* server.until(/^listening/), /^listening http:\/\/127\.0\.0\.1:\d+$/)
    }).pipe(Effect.scoped)
  )

  it.live("prints one line if a port or the database is in use", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { http } = yield* serve(cwd)
      const port = new URL(http).port
      const other = yield* runInProcess(yield* folder, ["serve", "--port", port, "--tcp-port", "off"])
      assert.strictEqual(other.code, 1)
      assert.include(other.err, port)
      assert.strictEqual(other.err.split("\n").length, 2, other.err)
      const second = yield* runInProcess(cwd, ["serve", "--port", "0", "--tcp-port", "off"])
      assert.strictEqual(second.code, 1)
      assert.include(second.err, "is held by another Parley server")
      assert.strictEqual(second.err.split("\n").length, 2, second.err)
    }).pipe(Effect.scoped)
  )
})

describe("parley user", () => {
  it.live("takes effect at once in the running server", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { http } = yield* serve(cwd, "--no-demo")
      assert.strictEqual(yield* login(http, "dora", "first-horse-1"), 401)
      const added = yield* run(cwd, ["user", "add", "dora", "--realname", "Dora D."], "first-horse-1\n")
      assert.deepStrictEqual([added.code, added.err], [0, ""])
      assert.match(added.out, /^added dora with id \d+\n$/)
      assert.strictEqual(yield* login(http, "dora", "first-horse-1"), 200)

      assert.strictEqual((yield* runInProcess(cwd, ["user", "passwd", "dora", "--password", "second-horse-2"])).code, 0)
      assert.strictEqual(yield* login(http, "dora", "first-horse-1"), 401)
      assert.strictEqual(yield* login(http, "dora", "second-horse-2"), 200)
      assert.strictEqual((yield* runInProcess(cwd, ["user", "disable", "dora"])).out, "dora is disabled\n")
      assert.strictEqual(yield* login(http, "dora", "second-horse-2"), 401)
      assert.include((yield* runInProcess(cwd, ["user", "list"])).out, "Dora D.")

      const again = yield* runInProcess(cwd, ["user", "add", "dora", "--password", "third-horse-3"])
      assert.deepStrictEqual([again.code, again.out, again.err], [1, "", "parley: account dora exists already\n"])
    }).pipe(Effect.scoped)
  )

  it.live("changes the database if no server runs, for the next server", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      writeFileSync(join(cwd, "users.csv"), "account,password\nemil,emils-horse-4\nfrida,fridas-horse-5\n")
      assert.strictEqual((yield* runInProcess(cwd, ["user", "import", "--create", "users.csv"])).out, "added 2 users\n")
      const twice = yield* runInProcess(cwd, ["user", "import", "users.csv"])
      assert.strictEqual(
        twice.err,
        "parley: line 2: account emil exists already\nline 3: account frida exists already\n"
      )
      const { http } = yield* serve(cwd, "--no-demo")
      assert.strictEqual(yield* login(http, "frida", "fridas-horse-5"), 200)
    }).pipe(Effect.scoped)
  )
})
