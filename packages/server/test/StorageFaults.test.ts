/** A running server whose storage fails: its files are deleted or replaced, or its disk is full. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Client, contents, historyOf, newGid, newGroup, online } from "./clients.ts"
import { runInProcess } from "./inProcessCommand.ts"
import { folder, serve } from "./serverProcess.ts"

const readiness = (http: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${http}/readyz`)
    return [response.status, await response.json()] as const
  })

/** Waits until `/readyz` has this status; the server checks at most once a second. */
const untilReadiness = (http: string, status: number) =>
  readiness(http).pipe(
    Effect.filterOrFail(
      ([found]) => found === status,
      (found) => found
    ),
    Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 100 }),
    Effect.orDie
  )

/** Sends a message; returns the result of its reply. */
const send = (client: Client, cgid: string, content: string) =>
  Effect.map(client.ask("message", [{ gid: newGid(), cgid, content }]), ({ result }) => result)

const DATABASE = "data/parley.db"

/** Returns the files beside the server's database, by the ends of their names. */
const all = ["", "-wal", "-shm"]

describe("a server whose database files are deleted", () => {
  it.live("refuses from the first message on, is not ready, logs a remedy, and creates no new database", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const server = yield* serve(cwd, "--demo")
      const alice = yield* online(server.http, "alice")
      const gid = yield* newGroup(alice, "bob")
      yield* alice.say(gid, "stored")
      assert.deepStrictEqual(yield* readiness(server.http), [200, { status: "ready" }])
      for (const suffix of all) rmSync(join(cwd, DATABASE + suffix))
      for (let turn = 0; turn < 3; turn++) assert.strictEqual(yield* send(alice, gid, `lost ${turn}`), "fail")
      const [, body] = yield* untilReadiness(server.http, 503)
      assert.deepStrictEqual(body, { status: "storage failing" })
      // Operator commands fail too, and create no database.
      const added = yield* runInProcess(cwd, ["user", "add", "zoe", "--password", "correct horse battery"])
      assert.strictEqual(added.code, 1)
      assert.isFalse(existsSync(join(cwd, DATABASE)))
      server.child.kill("SIGTERM")
      const { err } = yield* server.ended
      const said = err.split("\n").filter((line) => line.includes("was deleted while the database was open"))
      assert.isAtLeast(said.length, 1)
      assert.include(said.join("\n"), "restart the server")
      assert.isFalse(existsSync(join(cwd, DATABASE)))
    }).pipe(Effect.scoped)
  )

  it.live("loses no acknowledged write if only the write-ahead log is deleted", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const server = yield* serve(cwd, "--demo")
      const alice = yield* online(server.http, "alice")
      const gid = yield* newGroup(alice, "bob")
      yield* alice.say(gid, "stored", "stored too")
      rmSync(join(cwd, `${DATABASE}-wal`))
      assert.strictEqual(yield* send(alice, gid, "refused"), "fail")
      yield* untilReadiness(server.http, 503)
      server.child.kill("SIGKILL")
      yield* server.ended
      rmSync(join(cwd, `${DATABASE}-shm`), { force: true })
      const again = yield* serve(cwd, "--demo")
      const bob = yield* online(again.http, "bob")
      assert.includeMembers([...contents(yield* historyOf(bob, gid))], ["stored", "stored too"])
    }).pipe(Effect.scoped)
  )

  it.live.runIf(process.platform === "linux")("can be rescued from what the process has open, as documented", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const server = yield* serve(cwd, "--demo")
      const alice = yield* online(server.http, "alice")
      const gid = yield* newGroup(alice, "bob")
      yield* alice.say(gid, "stored")
      for (const suffix of all) rmSync(join(cwd, DATABASE + suffix))
      const script = [
        `pid=$(cat ${DATABASE}.holder)`,
        `number() { ls -l /proc/$pid/fd | grep "$1 (deleted)" | head -1 | awk '{ print $9 }'; }`,
        `cp /proc/$pid/fd/$(number parley.db) rescued.db`,
        `cp /proc/$pid/fd/$(number parley.db-wal) rescued.db-wal`
      ]
      execFileSync("sh", ["-ec", script.join("\n")], { cwd })
      server.child.kill("SIGKILL")
      yield* server.ended
      const again = yield* serve(cwd, "--demo", "--database", "sqlite:rescued.db")
      const bob = yield* online(again.http, "bob")
      assert.include(contents(yield* historyOf(bob, gid)), "stored")
    }).pipe(Effect.scoped)
  )
})

describe("a server whose files folder is deleted", () => {
  it.live("refuses uploads, and still accepts messages", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const server = yield* serve(cwd, "--demo")
      const alice = yield* online(server.http, "alice")
      const gid = yield* newGroup(alice, "bob")
      const upload = Effect.promise(async () => {
        const body = new FormData()
        body.set("gid", gid)
        body.append("files", new Blob(["content"]), "a.txt")
        const response = await fetch(`${server.http}/attach-upload.json`, {
          method: "POST",
          headers: { authorization: `Bearer ${alice.sid()}` },
          body
        })
        return response.status
      })
      assert.strictEqual(yield* upload, 200)
      rmSync(join(cwd, "data", "files"), { recursive: true })
      assert.strictEqual(yield* upload, 503)
      assert.isFalse(existsSync(join(cwd, "data", "files")))
      assert.strictEqual(yield* send(alice, gid, "still here"), "success")
      server.child.kill("SIGTERM")
      assert.include((yield* server.ended).err, "an upload could not be stored")
    }).pipe(Effect.scoped)
  )
})

describe.runIf(process.platform === "linux")("a server whose disk is full", () => {
  /** Maximum size of a file that the process may write, in bytes; then writes fail as on a full disk. */
  const limitFiles = (pid: number | undefined, bytes: number | "unlimited"): void => {
    execFileSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:`])
  }

  it.live("is not ready while commits fail, is ready again afterwards, and has all acknowledged writes", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const server = yield* serve(cwd, "--demo")
      const alice = yield* online(server.http, "alice")
      const gid = yield* newGroup(alice, "bob")
      yield* alice.say(gid, "before")
      assert.strictEqual((yield* readiness(server.http))[0], 200)

      const answered = ["before"]
      limitFiles(server.child.pid, statSync(join(cwd, `${DATABASE}-wal`)).size + 16_384)
      let failed = 0
      for (let turn = 0; turn < 200 && failed < 3; turn++) {
        const content = `message ${turn} ${"x".repeat(2000)}`
        if ((yield* send(alice, gid, content)) === "success") answered.push(content)
        else failed++
      }
      assert.strictEqual(failed, 3)
      assert.deepStrictEqual(yield* untilReadiness(server.http, 503), [503, { status: "storage failing" }])
      assert.strictEqual((yield* Effect.promise(() => fetch(`${server.http}/healthz`))).status, 200)

      limitFiles(server.child.pid, "unlimited")
      // The check itself suffices, without any message.
      assert.deepStrictEqual(yield* untilReadiness(server.http, 200), [200, { status: "ready" }])
      assert.strictEqual(yield* send(alice, gid, "after"), "success")
      answered.push("after")
      assert.deepStrictEqual([...contents(yield* historyOf(alice, gid))], answered)

      server.child.kill("SIGTERM")
      const { code, err } = yield* server.ended
      assert.strictEqual(code, 0)
      assert.strictEqual(err.split("\n").filter((line) => line.includes("storage recovered")).length, 1)
      assert.isAtMost(err.split("\n").filter((line) => line.includes("storage failing")).length, 2)
    }).pipe(Effect.scoped)
  )
})

describe("a mistyped --database", () => {
  it.live("of a command creates no database, except with --create", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const add = ["user", "add", "zoe", "--password", "correct horse battery"]
      for (const args of [["user", "list"], add, ["ha-key", "list"]]) {
        const { code, out, err } = yield* runInProcess(cwd, [...args, "--database", "sqlite:./tpyo/parley.db"])
        assert.deepStrictEqual([code, out], [1, ""])
        assert.strictEqual(
          err,
          `parley: there is no database ${join(cwd, "tpyo", "parley.db")}; give --database sqlite:<path>, or --create to create it\n`
        )
        assert.isFalse(existsSync(join(cwd, "tpyo")))
      }
      assert.isFalse(existsSync(join(cwd, "data")), "no folder for files either")
      const made = yield* runInProcess(cwd, [...add, "--create", "--database", "sqlite:./new/parley.db"])
      assert.deepInclude(made, { code: 0, err: "" })
      assert.isTrue(existsSync(join(cwd, "new", "parley.db")))
      assert.isFalse(existsSync(join(cwd, "data")))
      writeFileSync(join(cwd, "other.db"), readFileSync(join(cwd, "new", "parley.db")))
      const listed = yield* runInProcess(cwd, ["user", "list", "--database", "sqlite:./other.db"])
      assert.include(listed.out, "zoe")
    }).pipe(Effect.scoped)
  )
})
