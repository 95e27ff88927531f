/** Coverage of the log's indexes, and their recovery. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { pack } from "./pack.ts"
import { ChatId } from "@parley/core/Ids"
import { appending, newChat, newUser, posting, batch } from "../../core/src/testing/StoreLaws/Law.ts"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { Statements } from "../src/internal/Statements.ts"
import { Transactions } from "../src/internal/writer/Transactions.ts"
import { folder } from "./folder.ts"
import { each, here, NEVER } from "./indexPolicies.ts"

const CHAT = ChatId(1)
const ann = batch({ _tag: "CreateUser", user: newUser("ann") })
const chat = batch({ _tag: "CreateChat", chat: newChat("c", []), by: null })
const message = (gid: string) => batch(appending(CHAT, null, posting(gid)))

/** Reads the newest entry, the marks of the indexes and their sizes from the database. */
const extent = (file: string) => {
  const database = new DatabaseSync(file, { readOnly: true })
  const one = (sql: string) => Number(database.prepare(`SELECT (${sql}) AS one`).get()?.["one"])
  const found = {
    newest: one("SELECT max(id) FROM log"),
    upto: one("SELECT upto FROM log_indexed"),
    byChat: one("SELECT count(*) FROM log_by_chat"),
    byGid: one("SELECT count(*) FROM log_by_gid"),
    gids: one("SELECT gids FROM log_indexed")
  }
  database.close()
  return found
}

describe("the log's indexes", () => {
  it.effect(
    "have all entries when a store was closed, and nothing of what came since the last time before",
    Effect.fnUntraced(function* () {
      const file = join(yield* folder, "parley.db")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { store } = yield* here(file, each(4))
          for (const one of [ann, chat, message("a"), message("b")]) yield* store.commit(one)
          assert.deepStrictEqual(extent(file), { newest: 3, upto: 0, byChat: 0, byGid: 0, gids: 0 })
          yield* store.commit(message("c"))
          assert.deepStrictEqual(extent(file), { newest: 4, upto: 4, byChat: 4, byGid: 3, gids: 4 })
          yield* store.commit(message("d"))
          assert.deepStrictEqual(extent(file), { newest: 5, upto: 4, byChat: 4, byGid: 3, gids: 4 })
        })
      )
      assert.deepStrictEqual(extent(file), { newest: 5, upto: 5, byChat: 5, byGid: 4, gids: 5 })
    })
  )

  it.effect(
    "go on as far as was asked, oldest entries first",
    Effect.fnUntraced(function* () {
      const file = join(yield* folder, "parley.db")
      const { store, writer } = yield* here(file, NEVER)
      for (const one of [ann, chat, message("a"), message("b")]) yield* store.commit(one)
      writer.transactions.index(2, 1)
      assert.deepStrictEqual(extent(file), { newest: 3, upto: 2, byChat: 2, byGid: 1, gids: 1 })
      assert.deepStrictEqual([writer.transactions.unindexed, writer.transactions.bufferedGids], [1, 1])
      writer.transactions.index(7)
      assert.deepStrictEqual(extent(file), { newest: 3, upto: 3, byChat: 3, byGid: 2, gids: 3 })
      assert.strictEqual(writer.transactions.unindexed, 0)
    })
  )

  it.effect(
    "stay where they are while somebody else holds the database, and while the log itself cannot be indexed",
    Effect.fnUntraced(function* () {
      const file = join(yield* folder, "parley.db")
      const { store, writer } = yield* here(file, NEVER)
      for (const one of [ann, chat, message("a"), message("b")]) yield* store.commit(one)
      const other = new DatabaseSync(file)
      other.exec("BEGIN IMMEDIATE")
      assert.throws(() => writer.transactions.index(), /locked/)
      other.exec("UPDATE log SET seq = 1 WHERE id = 2; COMMIT")
      assert.throws(() => writer.transactions.index(), /UNIQUE/)
      assert.deepStrictEqual(extent(file), { newest: 3, upto: 0, byChat: 0, byGid: 0, gids: 0 })
      // Only that may be unflushed: acknowledged data is on disk.
      assert.strictEqual(writer.synchronous, 2)
      yield* store.commit(message("c"))
      assert.strictEqual((yield* store.entries([{ chat: CHAT, after: 0, limit: 10 }])).length, 4)
      other.exec("UPDATE log SET seq = 2 WHERE id = 2")
      other.close()
      assert.strictEqual(writer.transactions.index(), undefined)
      assert.deepStrictEqual(extent(file), { newest: 4, upto: 4, byChat: 4, byGid: 3, gids: 4 })
    })
  )

  it.effect(
    "are rebuilt when they contradict the log, which stays readable before and after",
    Effect.fnUntraced(function* () {
      const file = join(yield* folder, "parley.db")
      const { store, writer } = yield* here(file, NEVER)
      const whole = Effect.gen(function* () {
        assert.strictEqual((yield* Effect.flip(store.commit(message("b"))))._tag, "Duplicate")
        assert.deepStrictEqual(
          (yield* store.messagesByGid(["a", "b", "c"])).map((one) => one.id),
          [2, 3, 4]
        )
        assert.strictEqual((yield* store.entries([{ chat: CHAT, after: 0, limit: 10 }])).length, 4)
      })
      for (const one of [ann, chat, message("a"), message("b")]) yield* store.commit(one)
      writer.transactions.index(2)
      yield* store.commit(message("c"))
      const other = new DatabaseSync(file)
      other.exec("INSERT INTO log_by_gid VALUES (77, 77); INSERT INTO log_by_chat VALUES (1, 4, 77)")
      other.close()
      yield* whole
      assert.match(String(writer.transactions.index(2)), /UNIQUE.*log_by_chat/)
      assert.deepStrictEqual(extent(file), { newest: 4, upto: 4, byChat: 4, byGid: 3, gids: 4 })
      assert.strictEqual(writer.synchronous, 2)
      assert.strictEqual(writer.transactions.unindexed, 0)
      yield* whole
      yield* store.commit(message("d"))
      assert.strictEqual(writer.transactions.index(), undefined)
      assert.deepStrictEqual(extent(file), { newest: 5, upto: 5, byChat: 5, byGid: 4, gids: 5 })
    })
  )

  const killed = [
    ["without any", Infinity, 0, { newest: 4, upto: 0, byChat: 0, byGid: 0, gids: 0 }],
    ["while a gid waited", 2, 1, { newest: 4, upto: 4, byChat: 4, byGid: 2, gids: 1 }]
  ] as const
  for (const [how, entries, kept, left] of killed)
    it.effect(
      `are brought up to the log when a database is opened whose process was killed ${how}, and its gids are refused`,
      Effect.fnUntraced(function* () {
        const file = join(yield* folder, "parley.db")
        const child = spawn(
          process.execPath,
          [fileURLToPath(new URL("./unindexed.ts", import.meta.url)), file, `${entries}`, `${kept}`],
          {
            stdio: ["ignore", "pipe", "inherit"]
          }
        )
        yield* Effect.promise(() => once(child.stdout, "data"))
        child.kill("SIGKILL")
        yield* Effect.promise(() => once(child, "exit"))
        assert.deepStrictEqual(extent(file), left)
        const store = yield* SqliteStore.make({ file })
        assert.deepStrictEqual(extent(file), { newest: 4, upto: 4, byChat: 4, byGid: 3, gids: 4 })
        const log = yield* store.entries([{ chat: CHAT, after: 0, limit: 10 }])
        assert.deepStrictEqual(
          log.map(({ body, seq }) => [seq, body._tag === "Posted" ? body.gid : body._tag]),
          [
            [1, "Created"],
            [2, "a"],
            [3, "b"],
            [4, "c"]
          ]
        )
        for (const gid of ["a", "b", "c"]) {
          assert.strictEqual((yield* Effect.flip(store.commit(message(gid))))._tag, "Duplicate")
        }
      })
    )

  it.effect(
    "need not have a gid for it to be refused by a writer that never saw it",
    Effect.fnUntraced(function* () {
      const file = join(yield* folder, "parley.db")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { store } = yield* here(file, NEVER)
          for (const one of [ann, chat, message("a")]) yield* store.commit(one)
          const database = new DatabaseSync(file)
          const later = new Transactions(new Statements(database))
          const outcome = later.commit([message("a"), message("b")].map(pack))
          database.close()
          assert.strictEqual(outcome._tag, "Done")
          if (outcome._tag !== "Done") return
          assert.deepStrictEqual(
            outcome.refused.map(([index, { _tag }]) => [index, _tag]),
            [[0, "Duplicate"]]
          )
          assert.deepStrictEqual([...outcome.numbers], [3, 3, 2])
        })
      )
    })
  )
})

describe("a writer whose indexes contradict the log", () => {
  it.effect(
    "makes them anew, and says so",
    Effect.fnUntraced(function* () {
      const file = join(yield* folder, "parley.db")
      const child = spawn(process.execPath, [fileURLToPath(new URL("./inconsistentIndex.ts", import.meta.url)), file], {
        stdio: ["ignore", "pipe", "pipe"]
      })
      let [out, err] = ["", ""]
      child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
      child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()))
      yield* Effect.promise(() => once(child, "close"))
      assert.strictEqual(out, "a,b,c,d\n")
      assert.match(
        err,
        /PARLEY_LOG_INDEX.*The log's indexes contradicted the log: UNIQUE constraint failed: log_by_chat.chat, log_by_chat.seq\. /
      )
      assert.deepStrictEqual(extent(file), { newest: 5, upto: 5, byChat: 5, byGid: 4, gids: 5 })
    })
  )
})
