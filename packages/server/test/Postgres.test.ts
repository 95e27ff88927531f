/** The server on PostgreSQL: one or several nodes on one database. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { hostname } from "node:os"
import { startCluster } from "../../../scripts/postgres/cluster.ts"
import { createDatabase, execute } from "../../../scripts/postgres/database.ts"
import { contents, historyOf, idsOf, newGid, newGroup, online } from "./clients.ts"
import { runInProcess } from "./inProcessCommand.ts"
import { complaintsIn, folder, serve } from "./serverProcess.ts"

const newDatabase = Effect.promise(() => createDatabase("18"))

/** Statements after which no chat can be created. */
const REFUSE_CHATS = [
  "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no more chats'; END $$",
  "CREATE TRIGGER refuse BEFORE INSERT ON parley.chats FOR EACH ROW EXECUTE FUNCTION refuse()"
]

const readiness = (http: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${http}/readyz`)
    await response.body?.cancel()
    return response.status
  })

/** Waits until `/readyz` has this status; the server checks at most once a second. */
const untilReadiness = (http: string, status: number) =>
  readiness(http).pipe(
    Effect.filterOrFail((found) => found === status),
    Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 200 }),
    Effect.orDie
  )

/** Checks the output of `node list --json`: nodes by their start, with their addresses and at least one connection. */
const nodesAre = (output: string, addresses: ReadonlyArray<string>, self?: string) =>
  Effect.sync(() => {
    const rows = JSON.parse(output) as ReadonlyArray<Readonly<Record<string, unknown>>>
    assert.lengthOf(rows, addresses.length)
    for (const [index, address] of addresses.entries()) {
      const { node, started, lease, connections, version, ...facts } = rows[index] ?? {}
      assert.deepStrictEqual(facts, { host: hostname(), address, this: address === self })
      assert.match(String(node), /^[0-9a-f]{16}$/)
      assert.match(String(started), /Z$/)
      assert.isString(version)
      assert.isBelow(Number(lease), 10)
      assert.include([1, 2], connections)
    }
  })

describe("a server on PostgreSQL", () => {
  it.live("is one of several nodes: messages, removals and commands reach the users of the others", () =>
    Effect.gen(function* () {
      const database = yield* newDatabase
      const [here, there] = [yield* folder, yield* folder]
      const one = yield* serve(here, "--demo", "--database", database)
      const other = yield* serve(there, "--demo", "--database", database)
      const alice = yield* online(one.http, "alice")
      const bob = yield* online(other.http, "bob")
      const carol = yield* online(other.http, "carol")
      const gid = yield* newGroup(alice, "bob", "carol")
      yield* alice.say(gid, "from one")
      yield* bob.untilMessage("from one")
      yield* bob.say(gid, "from the other")
      yield* alice.untilMessage("from the other")
      const bobs = idsOf(alice).get("bob") ?? 0
      yield* alice.get("addmember", { gid, members: [{ id: bobs }], join: false })
      yield* alice.say(gid, "without bob")
      yield* carol.untilMessage("without bob")
      assert.isFalse(contents(bob.delivered).includes("without bob"))
      assert.notStrictEqual(
        (yield* bob.ask("message", [{ gid: newGid(), cgid: gid, content: "late" }])).result,
        "success"
      )

      // A command of another machine, which no control socket leads to a node.
      const elsewhere = yield* folder
      const command = (...words: ReadonlyArray<string>) =>
        runInProcess(elsewhere, [...words, "--database", database], { TMPDIR: elsewhere })
      assert.match((yield* command("db", "check")).out, / entries, .*; no violations\n$/)
      const examined = yield* command("doctor", "--port", "0", "--tcp-port", "off")
      assert.match(examined.out, /^ok {4}database: .* has version \d+ of the tables; /m)
      assert.match(examined.out, /^ok {4}invariants: the data of /m)
      assert.match(examined.out, /^ok {4}clock: /m)
      assert.strictEqual((yield* command("user", "disable", "carol")).code, 0)
      yield* carol.untilClosed
      // One of this machine, which a node runs.
      const added = yield* runInProcess(here, [
        "user",
        "add",
        "zoe",
        "--password",
        "correct horse battery",
        "--database",
        database
      ])
      assert.deepStrictEqual([added.code, added.err], [0, ""])
      assert.include((yield* command("user", "list")).out, "zoe")
      yield* nodesAre((yield* command("node", "list", "--json")).out, [one.http, other.http])
      const listed = yield* runInProcess(here, ["node", "list", "--json", "--database", database])
      yield* nodesAre(listed.out, [one.http, other.http], one.http)

      one.child.kill("SIGKILL")
      yield* one.ended
      const again = yield* serve(here, "--demo", "--database", database)
      const returned = yield* online(again.http, "alice")
      assert.deepStrictEqual(contents(yield* historyOf(returned, gid)), ["from one", "from the other", "without bob"])
      other.child.kill("SIGTERM")
      const { code, err } = yield* other.ended
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(complaintsIn(err), [])
      assert.isFalse(err.includes("postgres:postgres@"))
    }).pipe(Effect.scoped)
  )

  it.live("prints one line if its database cannot be used, and commands create no tables by themselves", () =>
    Effect.gen(function* () {
      const database = yield* newDatabase
      const cwd = yield* folder
      const missing = database.replace("postgres@", "postgres:secret@").replace(/[^/]+$/, "nowhere")
      const refused = yield* runInProcess(cwd, ["serve", "--database", missing])
      const name = missing.replace(":secret", "")
      assert.deepStrictEqual(
        [refused.code, refused.err.trimEnd()],
        [1, `parley: The database ${name} cannot be opened: database "nowhere" does not exist.`]
      )
      const unreachable = yield* runInProcess(cwd, [
        "user",
        "list",
        "--database",
        "postgres://parley@127.0.0.1:1/parley"
      ])
      assert.deepStrictEqual(
        [unreachable.code, unreachable.err.trimEnd()],
        [
          1,
          "parley: The database postgres://parley@127.0.0.1:1/parley cannot be reached: connect ECONNREFUSED 127.0.0.1:1."
        ]
      )
      const early = yield* runInProcess(cwd, ["user", "list", "--database", database])
      assert.strictEqual(early.code, 1)
      assert.include(early.err, `the database ${database} has no tables of Parley`)
      const created = yield* runInProcess(cwd, ["user", "list", "--create", "--database", database])
      assert.strictEqual(created.code, 0)
    }).pipe(Effect.scoped)
  )

  it.live("prints the reason if nothing can be written", () =>
    Effect.gen(function* () {
      const database = yield* newDatabase
      const cwd = yield* folder
      assert.strictEqual((yield* runInProcess(cwd, ["user", "list", "--create", "--database", database])).code, 0)
      yield* Effect.promise(() => execute(database, ...REFUSE_CHATS))
      const unwritable = yield* runInProcess(cwd, ["serve", "--port", "0", "--tcp-port", "off", "--database", database])
      assert.strictEqual(unwritable.code, 1)
      assert.match(unwritable.err, /^parley: the database could not be written: no more chats$/m)
    }).pipe(Effect.scoped)
  )

  it.live("is not ready while PostgreSQL is down, and recovers by itself", () =>
    Effect.gen(function* () {
      const cluster = yield* Effect.acquireRelease(
        Effect.promise(() => startCluster("18")),
        (started) => Effect.promise(() => started.remove())
      )
      const server = yield* serve(yield* folder, "--demo", "--database", cluster.url("postgres"))
      const alice = yield* online(server.http, "alice")
      const gid = yield* newGroup(alice, "bob")
      yield* alice.say(gid, "before")
      yield* Effect.promise(() => cluster.kill())
      yield* untilReadiness(server.http, 503)
      yield* Effect.promise(() => cluster.start())
      yield* untilReadiness(server.http, 200)
      yield* alice.say(gid, "after")
      assert.deepStrictEqual(contents(yield* historyOf(alice, gid)), ["before", "after"])
    }).pipe(Effect.scoped)
  )
})
