import { join } from "node:path"
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { ChatId, EntryId, UserId } from "@parley/core/Ids"
import type { WriteBatch } from "@parley/core/Store"
import { GroupCommit, start } from "../src/internal/writer/GroupCommit.ts"
import { HeadCache } from "../src/internal/writer/HeadCache.ts"
import { migrate } from "../src/internal/schema.ts"
import { Statements } from "../src/internal/Statements.ts"
import { UnindexedTail } from "../src/internal/log-index/UnindexedTail.ts"
import { Transactions } from "../src/internal/writer/Transactions.ts"
import { pack } from "./pack.ts"
import { folder } from "./folder.ts"

const ann: WriteBatch = {
  expectedVersions: [],
  writes: [
    {
      _tag: "CreateUser",
      user: {
        account: "ann",
        realname: "",
        avatar: "",
        role: "",
        dept: 0,
        admin: false,
        organisation: null,
        disabled: false,
        createdAt: 0,
        password: null
      }
    }
  ]
}

const chat = (gid: string): WriteBatch => ({
  expectedVersions: [],
  writes: [
    {
      _tag: "CreateChat",
      by: UserId(1),
      chat: {
        gid,
        name: "",
        type: "group",
        public: false,
        subject: 0,
        createdBy: UserId(1),
        owner: UserId(1),
        admins: [],
        senders: "all",
        createdAt: 0,
        attributes: {},
        members: [UserId(1)]
      }
    }
  ]
})

const message = (gid: string, content = gid): WriteBatch => ({
  expectedVersions: [],
  writes: [
    {
      _tag: "Append",
      chat: ChatId(1),
      by: UserId(1),
      device: null,
      at: 0,
      body: { _tag: "Posted", gid, type: "normal", contentType: "text", content, date: 0 }
    }
  ]
})

const prepared = (file: string): DatabaseSync => {
  const database = new DatabaseSync(file)
  assert.isUndefined(migrate(database))
  database.exec("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON")
  return database
}

/** A database that has a user, its writer, and the store's end of that. */
const running = Effect.gen(function* () {
  const file = join(yield* folder, "parley.db")
  const database = yield* Effect.acquireRelease(
    Effect.sync(() => prepared(file)),
    (open) => Effect.sync(() => open.close())
  )
  const worker = yield* Effect.promise(() => start(file))
  const groupCommit = new GroupCommit(worker)
  yield* groupCommit.commit(ann)
  return { groupCommit, database, worker }
})

describe("a writer that dies", () => {
  it.effect(
    "fails what waits, and whatever is committed later",
    Effect.fnUntraced(function* () {
      const { groupCommit, worker } = yield* running
      yield* groupCommit.commit(chat("c"))
      const waiting = Effect.forEach(
        Array.from({ length: 500 }, (_, n) => `m${n}`),
        (gid) => Effect.result(groupCommit.commit(message(gid, "x".repeat(10_000)))),
        { concurrency: "unbounded" }
      )
      const [outcomes] = yield* Effect.all([waiting, Effect.promise(() => worker.terminate())], {
        concurrency: "unbounded"
      })
      const failures = outcomes.flatMap((outcome) => (Result.isFailure(outcome) ? [outcome.failure._tag] : []))
      assert.deepStrictEqual([...new Set(failures)], ["StorageFailed"])
      assert.strictEqual((yield* Effect.flip(groupCommit.commit(message("late"))))._tag, "StorageFailed")
      yield* Effect.promise(() => groupCommit.close())
    })
  )

  it.effect(
    "fails whoever looks for messages by their gids, then and later",
    Effect.fnUntraced(function* () {
      const { groupCommit, worker } = yield* running
      // It is asked, and never comes to it.
      worker.postMessage = () => {}
      const [outcomes] = yield* Effect.all(
        [
          Effect.all([groupCommit.find(["m"]), groupCommit.find(["m"])].map(Effect.result), {
            concurrency: "unbounded"
          }),
          Effect.promise(() => worker.terminate())
        ],
        { concurrency: "unbounded" }
      )
      assert.strictEqual(outcomes.length, 2)
      for (const outcome of outcomes) {
        assert(Result.isFailure(outcome))
        assert.strictEqual(outcome.failure.operation, "messagesByGid")
      }
      assert.strictEqual((yield* Effect.flip(groupCommit.find(["m"]))).operation, "messagesByGid")
      yield* Effect.promise(() => groupCommit.close())
    })
  )

  it.effect(
    "does not start on what it cannot open",
    Effect.fnUntraced(function* () {
      const path = yield* folder
      const error = yield* Effect.flip(Effect.tryPromise(() => start(path)))
      assert.include(String(error.cause), "unable to open database file")
    })
  )
})

describe("lookups of messages by gid", () => {
  it.effect(
    "are told to those who asked for them, whatever is committed meanwhile, until the store is closed",
    Effect.fnUntraced(function* () {
      const { groupCommit } = yield* running
      for (const batch of [chat("c"), message("m1"), message("m2")]) yield* groupCommit.commit(batch)
      const [, ...found] = yield* Effect.all(
        [
          groupCommit.commit(message("m3")),
          groupCommit.find(["m2"]),
          groupCommit.find([]),
          groupCommit.find(["m1", "nothing", "m2"]),
          groupCommit.find(["nothing"]),
          Effect.andThen(groupCommit.commit(message("m4")), groupCommit.find(["m4", "m3"]))
        ],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        found.map((ids) => ids.map(Number)),
        [[3], [], [2, 3], [], [5, 4]]
      )
      const [closing] = yield* Effect.all(
        [Effect.result(groupCommit.find(["m1"])), Effect.promise(() => groupCommit.close())],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(closing, Result.succeed([EntryId(2)]))
      assert.strictEqual((yield* Effect.flip(groupCommit.find(["m1"])))._tag, "StorageFailed")
    })
  )

  it.effect(
    "and cannot be, fail it and nothing else",
    Effect.fnUntraced(function* () {
      const { groupCommit, database } = yield* running
      database.exec("ALTER TABLE log_by_gid RENAME TO elsewhere")
      assert.strictEqual((yield* Effect.flip(groupCommit.find(["m"]))).operation, "messagesByGid")
      database.exec("ALTER TABLE elsewhere RENAME TO log_by_gid")
      assert.deepStrictEqual(yield* groupCommit.find(["m"]), [])
      yield* Effect.promise(() => groupCommit.close())
    })
  )
})

describe("a batch that cannot be cloned", () => {
  it.effect(
    "fails, and the next one is committed",
    Effect.fnUntraced(function* () {
      const file = join(yield* folder, "parley.db")
      prepared(file).close()
      const groupCommit = new GroupCommit(yield* Effect.promise(() => start(file)))
      const broken = { dialect: "d", kind: "k", key: "x", value: () => 1 }
      const error = yield* Effect.flip(
        groupCommit.commit({ expectedVersions: [], writes: [{ _tag: "PutRecord", record: broken }] })
      )
      assert.strictEqual(error._tag, "StorageFailed")
      assert.strictEqual((yield* groupCommit.commit(ann)).length, 1)
      yield* Effect.promise(() => groupCommit.close())
    })
  )
})

describe("a disk that is full", () => {
  it.effect(
    "fails whole batches, and once there is room the log continues without a gap",
    Effect.fnUntraced(function* () {
      const database = prepared(join(yield* folder, "parley.db"))
      const writer = new Transactions(new Statements(database))
      for (const batch of [ann, chat("c"), message("m")]) {
        assert.deepInclude(writer.commit([pack(batch)]), { _tag: "Done", refused: [] })
      }
      const pages = Number(database.prepare("PRAGMA page_count").get()?.["page_count"])
      database.exec(`PRAGMA max_page_count = ${pages + 5}`)
      let failed = 0
      for (let n = 0; n < 20; n++) {
        const outcome = writer.commit([pack(message(`a${n}`, "x".repeat(3000))), pack(message(`b${n}`))])
        if (outcome._tag === "Failed" || outcome.refused.length > 0) failed++
      }
      assert.isAbove(failed, 0)
      database.exec("PRAGMA max_page_count = 100000")
      assert.deepInclude(writer.commit([pack(message("last"))]), { _tag: "Done", refused: [] })
      const log = database.prepare("SELECT seq, posted FROM log ORDER BY seq").all()
      assert.deepStrictEqual(
        log.map((row) => [row["seq"], row["posted"]]),
        log.map((_, index) => [index + 1, index])
      )
      database.close()
    })
  )
})

describe("a transaction that cannot be committed", () => {
  it.effect(
    "leaves nothing in memory of what it wrote",
    Effect.fnUntraced(function* () {
      const file = join(yield* folder, "parley.db")
      const database = prepared(file)
      const writer = new Transactions(new Statements(database))
      for (const batch of [ann, chat("c"), message("m1")]) writer.commit([pack(batch)])
      // Somebody else writes meanwhile, which the lock of a store would not let happen.
      const other = new DatabaseSync(file)
      other.exec("BEGIN IMMEDIATE")
      assert.strictEqual(writer.commit([pack(message("m2"))])._tag, "Failed")
      assert.deepStrictEqual(writer.find(["m1", "m2"]), [EntryId(2)])
      assert.strictEqual(writer.commit([pack(message("m2"))])._tag, "Failed")
      other.exec("INSERT INTO log (chat, seq, posted, at, kind, gid) VALUES (1, 3, 2, 0, 'Posted', 'theirs')")
      other.exec("COMMIT")
      other.close()
      const outcome = writer.commit([pack(message("m2")), pack(message("theirs"))])
      assert(outcome._tag === "Done")
      assert.deepStrictEqual([...outcome.numbers], [4, 4, 3])
      assert.deepStrictEqual(
        outcome.refused.map(([index, { _tag }]) => [index, _tag]),
        [[1, "Duplicate"]]
      )
      database.close()
    })
  )
})

describe("a log that cannot be read for a moment", () => {
  /** Fails the next reading of rows. */
  class Failing extends Statements {
    fails = false
    override lists<List extends ReadonlyArray<SQLOutputValue>>(
      sql: string,
      ...values: ReadonlyArray<SQLInputValue>
    ): Array<List> {
      if (!this.fails) return super.lists<List>(sql, ...values)
      this.fails = false
      throw new Error("disk I/O error")
    }
  }

  it("is not taken for a log without new entries", () => {
    const database = prepared(":memory:")
    const before = new Transactions(new Statements(database))
    for (const batch of [ann, chat("c"), message("m1"), message("m2")]) before.commit([pack(batch)])
    const db = new Failing(database)
    const writer = new Transactions(db)
    db.fails = true
    assert.throws(() => writer.index(), "disk I/O error")
    const outcome = writer.commit([pack(message("m1")), pack(message("m3"))])
    assert(outcome._tag === "Done")
    assert.deepStrictEqual(
      outcome.refused.map(([index, refusal]) => [index, refusal._tag]),
      [[0, "Duplicate"]]
    )
    assert.deepStrictEqual([...outcome.numbers], [4, 4, 3], "its place is behind theirs")
    writer.index()
    assert.strictEqual(writer.unindexed, 0)
    database.close()
  })
})

describe("the head cache", () => {
  it("is bounded, and evicted heads are read from the log again", () => {
    const database = prepared(":memory:")
    const db = new Statements(database)
    const writer = new Transactions(db)
    const chats = Array.from({ length: 30 }, (_, n) => chat(`c${n}`))
    assert.deepInclude(writer.commit([ann, ...chats].map(pack)), { _tag: "Done", refused: [] })
    const tail = new UnindexedTail()
    tail.follow(db)
    const headCache = new HeadCache(db, tail, 8)
    for (let round = 0; round < 2; round++) {
      for (let n = 1; n <= 30; n++) {
        assert.deepStrictEqual(headCache.get(ChatId(n)), { seq: 1, posted: 0, version: 1 })
        assert.isAtMost(headCache.size, 8)
      }
    }
    assert.isUndefined(headCache.get(ChatId(31)))
    database.close()
  })
})
