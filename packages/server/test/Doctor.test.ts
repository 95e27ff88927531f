/** `parley doctor`: what is well is ok, and each forced fault is named with what to do. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createServer } from "node:net"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import type { Examined, Status } from "../src/doctor/Examined.ts"
import { examineClock, examineNode, examineOpenFiles } from "../src/doctor/machine.ts"
import { examineSpace } from "../src/doctor/storage.ts"
import { runInProcess } from "./inProcessCommand.ts"
import { folder, serve } from "./serverProcess.ts"

const ANY_PORTS = ["--port", "0", "--tcp-port", "0"]

/** Runs the doctor and returns its lines by name, and its exit code. */
const doctor = Effect.fnUntraced(function* (cwd: string, ...flags: ReadonlyArray<string>) {
  const { code, err, out } = yield* runInProcess(cwd, ["doctor", "--json", ...flags])
  const lines = JSON.parse(out) as ReadonlyArray<Examined>
  const has = (name: string, status: Status, text: RegExp, advice?: RegExp): void => {
    const line = lines.find((one) => one.name === name)
    assert.strictEqual(line?.status, status, out)
    assert.match(line?.text ?? "", text)
    if (advice === undefined) assert.notProperty(line, "advice")
    else assert.match(line?.advice ?? "", advice)
  }
  return { code, err, has, lines }
})

const execute = (file: string, sql: string): void => {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}

/** A folder with a database that has no server. */
const prepared = Effect.gen(function* () {
  const cwd = yield* folder
  yield* runInProcess(cwd, [
    "user",
    "add",
    "ann",
    "--password",
    "correct horse",
    "--create",
    "--database",
    "sqlite:p.db"
  ])
  return cwd
})

/** Listens on a free port until the scope closes. */
const takenPort = Effect.acquireRelease(
  Effect.callback<ReturnType<typeof createServer>>((resume) => {
    const server = createServer()
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
).pipe(Effect.map((server) => String((server.address() as { readonly port: number }).port)))

describe("parley doctor", () => {
  it.live("is content with a new folder, and creates nothing in it", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { code, has } = yield* doctor(cwd, ...ANY_PORTS)
      assert.strictEqual(code, 0)
      has("configuration", "ok", /valid/)
      has("database", "ok", /does not exist yet; the server creates it$/)
      has("port", "ok", /^any free port$/)
      has("encryption", "ok", /^only this machine/)
      has("clock", "ok", /Z$/)
      has("node", "ok", /^Node /)
      const plain = yield* runInProcess(cwd, ["doctor", ...ANY_PORTS])
      assert.match(plain.out, /^ok {4}configuration: its settings are valid\n/)
    }).pipe(Effect.scoped)
  )

  it.live("sees a running server, its ports and its data", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const server = yield* serve(cwd, "--demo")
      const { code, has } = yield* doctor(cwd, "--demo", "--port", new URL(server.http).port, "--tcp-port", "off")
      assert.strictEqual(code, 0)
      has("database", "ok", /version \d+ of the tables; a server of this machine uses it$/)
      has("invariants", "ok", /^the data of \d+ chats is consistent$/)
      has("port", "ok", /is in use, while the server of this database runs$/)
    }).pipe(Effect.scoped)
  )

  it.live("names faults of the database", () =>
    Effect.gen(function* () {
      const cwd = yield* prepared
      const flags = [...ANY_PORTS, "--database", "sqlite:p.db"]
      const whole = yield* doctor(cwd, ...flags)
      assert.strictEqual(whole.code, 0)
      whole.has("database", "ok", /no server of this machine uses it$/)

      execute(join(cwd, "p.db"), "PRAGMA foreign_keys = OFF; INSERT INTO sessions VALUES ('0', 99, 'chat', '', 0, 0)")
      const damaged = yield* doctor(cwd, ...flags)
      assert.deepInclude(damaged, { code: 1, err: "parley: a server cannot run like this (1 to mend)\n" })
      damaged.has(
        "invariants",
        "fail",
        /^1 violations, for example: a session refers to user 99/,
        /^see: parley db check/
      )

      execute(join(cwd, "p.db"), "PRAGMA user_version = 3")
      const old = yield* doctor(cwd, ...flags)
      assert.strictEqual(old.code, 0)
      old.has("database", "warn", /has version 3 of the tables/, /^back it up: the next start converts it/)

      execute(join(cwd, "p.db"), "PRAGMA user_version = 99")
      const newer = yield* doctor(cwd, ...flags)
      assert.strictEqual(newer.code, 1)
      newer.has("database", "fail", /has version 99/, /^use a newer Parley/)

      execute(join(cwd, "other.db"), "CREATE TABLE t (x)")
      const other = yield* doctor(cwd, ...ANY_PORTS, "--database", "sqlite:other.db")
      other.has("database", "fail", /it is not a database of Parley$/, /--database/)
      const memory = yield* doctor(cwd, ...ANY_PORTS, "--database", "memory:")
      memory.has("database", "warn", /in memory$/, /--database/)
      const unreachable = yield* doctor(cwd, ...ANY_PORTS, "--database", "postgres://ann:secret@127.0.0.1:1/parley")
      assert.strictEqual(unreachable.code, 1)
      unreachable.has(
        "database",
        "fail",
        /postgres:\/\/ann@127\.0\.0\.1:1\/parley cannot be reached/,
        /^start its server/
      )
      assert.notInclude(JSON.stringify(unreachable.lines), "secret")
    }).pipe(Effect.scoped)
  )

  it.live("names folders that cannot be written", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { code, has } = yield* doctor(
        cwd,
        ...ANY_PORTS,
        "--files",
        "/proc/files",
        "--database",
        "sqlite:/proc/p.db"
      )
      assert.strictEqual(code, 1)
      has("files folder", "fail", /^\/proc cannot be written: /, /^give it to the user who runs the server/)
      has("database folder", "fail", /^\/proc cannot be written: /, /^give it to the user who runs the server/)
    }).pipe(Effect.scoped)
  )

  it.live("names ports and addresses that cannot be used", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const port = yield* takenPort
      const taken = yield* doctor(cwd, "--port", port, "--tcp-port", port)
      assert.strictEqual(taken.code, 1)
      taken.has("port", "fail", /is in use by another program$/, /choose another port with --port$/)
      taken.has("TCP port", "fail", /is in use by another program$/, /choose another port with --tcp-port$/)
      // An address of the documentation (RFC 5737), which no machine has.
      const foreign = yield* doctor(cwd, "--host", "192.0.2.1", "--port", port, "--tcp-port", "off")
      foreign.has("port", "fail", /cannot be used \(EADDRNOTAVAIL\)$/, /--host/)
    }).pipe(Effect.scoped)
  )

  it.live("names settings that are invalid or dangerous", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const invalid = yield* doctor(cwd, "--port", "many")
      assert.strictEqual(invalid.code, 1)
      invalid.has("configuration", "fail", /port/, /docs\/configuration\.md/)
      invalid.has("node", "ok", /^Node /)
      const open = yield* doctor(cwd, ...ANY_PORTS, "--host", "0.0.0.0", "--origins", "http://app.example")
      assert.strictEqual(open.code, 0)
      open.has("encryption", "warn", /without encryption$/, /proxy with TLS/)
      open.has("raw TCP", "warn", /without encryption$/, /--tcp-port off/)
      open.has("origins", "warn", /http:\/\/app\.example/, /https/)
      const proxied = yield* doctor(cwd, ...ANY_PORTS, "--trusted-proxies", "127.0.0.1")
      proxied.has("encryption", "ok", /through 127\.0\.0\.1/)
      const demo = yield* doctor(cwd, ...ANY_PORTS, "--host", "0.0.0.0", "--demo")
      assert.strictEqual(demo.code, 1)
      demo.has("configuration", "fail", /--demo is for this machine only/, /drop --demo/)
    }).pipe(Effect.scoped)
  )
})

describe("the machine", () => {
  it("needs a supported Node", () => {
    assert.strictEqual(examineNode("22.18.0").status, "fail")
    assert.strictEqual(examineNode("22.19.0").status, "ok")
    assert.strictEqual(examineNode("24.0.0").status, "ok")
  })

  it("needs open files for its connections", () => {
    const limits = (hard: string): string =>
      `Limit  Soft Limit  Hard Limit  Units\nMax open files            1024    ${hard}    files\n`
    assert.deepInclude(examineOpenFiles(limits("1024"))[0], {
      status: "warn",
      text: "at most 1024 open files, one for each connection"
    })
    assert.strictEqual(examineOpenFiles(limits("524288"))[0]?.status, "ok")
    assert.strictEqual(examineOpenFiles(limits("unlimited"))[0]?.status, "ok")
    assert.deepStrictEqual(examineOpenFiles(undefined), [])
  })

  it("needs a clock that agrees with the database", () => {
    const now = Date.UTC(2026, 10, 30)
    assert.strictEqual(examineClock(now, undefined).status, "ok")
    assert.strictEqual(examineClock(now, { newestAt: now, time: now + 1000 }).status, "ok")
    assert.strictEqual(examineClock(1000, undefined).status, "fail")
    assert.match(examineClock(now, { newestAt: 0, time: now - 60_000 }).text, /differs from the database's by 60 s$/)
    assert.match(
      examineClock(now, { newestAt: now + 3_600_000, time: null }).text,
      /is 3600 s before the newest message/
    )
  })

  it("needs free space", () => {
    assert.strictEqual(examineSpace("files folder", "/data", 1e6).status, "fail")
    assert.strictEqual(examineSpace("files folder", "/data", 5e8).status, "warn")
    assert.strictEqual(examineSpace("files folder", "/data", 5e10).status, "ok")
  })
})
