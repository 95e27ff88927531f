import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import { pack } from "./pack.ts"
import { ChatId } from "@parley/core/Ids"
import { appending, newChat, newUser, posting, unit } from "@parley/core/testing/StoreLaws/Law"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { Indexing, type News, PACE } from "../src/sqlite/Indexing.ts"
import { Statements } from "../src/sqlite/Statements.ts"
import { Transactions } from "../src/sqlite/Transactions.ts"
import { folder } from "./folder.ts"
import { each, here, NEVER } from "./paced.ts"

const CHAT = ChatId(1)
const ann = unit({ _tag: "CreateUser", user: newUser("ann") })
const chat = unit({ _tag: "CreateChat", chat: newChat("c", []), by: null })
const message = (gid: string) => unit(appending(CHAT, null, posting(gid)))

/** What the database itself has: the newest entry, how far the indexes go, and how many entries each of them has. */
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

const failing = (cause: unknown): never => assert.fail(String(cause))
const none: News = { failed: failing, remade: failing }

/** Writing that has so many entries to index, and takes them as asked; `fails` is thrown instead while there is any. */
const pretended = () => {
  const writing = {
    unindexed: 0,
    waiting: 0,
    asked: new Array<number>(),
    fails: undefined as unknown,
    index(this: void, most = Infinity) {
      writing.asked.push(most)
      if (writing.fails !== undefined) throw writing.fails
      writing.unindexed = Math.max(0, writing.unindexed - most)
    }
  }
  return writing
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
      assert.deepStrictEqual([writer.transactions.unindexed, writer.transactions.waiting], [1, 1])
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
      // What is not flushed must be nothing but that: whoever is answered is on the disk.
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
    "are made anew where they are at odds with the log, which stays readable before and after",
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

describe("a writer whose indexes are at odds with the log", () => {
  it.effect(
    "makes them anew, and says so",
    Effect.fnUntraced(function* () {
      const file = join(yield* folder, "parley.db")
      const child = spawn(process.execPath, [fileURLToPath(new URL("./atOdds.ts", import.meta.url)), file], {
        stdio: ["ignore", "pipe", "pipe"]
      })
      let [out, err] = ["", ""]
      child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
      child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()))
      yield* Effect.promise(() => once(child, "close"))
      assert.strictEqual(out, "a,b,c,d\n")
      assert.match(
        err,
        /PARLEY_LOG_INDEX.*The log's indexes were at odds with it: UNIQUE constraint failed: log_by_chat.chat, log_by_chat.seq\. /
      )
      assert.deepStrictEqual(extent(file), { newest: 5, upto: 5, byChat: 5, byGid: 4, gids: 5 })
    })
  )
})

describe("indexing", () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it("waits for enough entries, or for nothing to come any more", () => {
    vi.useFakeTimers()
    const writing = pretended()
    const indexing = new Indexing(writing, { entries: 10, gids: 0, idle: 100 }, none)
    writing.unindexed = 9
    indexing.answered()
    vi.advanceTimersByTime(99)
    indexing.answered()
    vi.advanceTimersByTime(99)
    assert.deepStrictEqual(writing.asked, [])
    vi.advanceTimersByTime(1)
    assert.strictEqual(writing.unindexed, 0)
    writing.unindexed = 10
    indexing.answered()
    assert.strictEqual(writing.unindexed, 0)
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("takes as many entries as are done in a twentieth of a second, but never falls behind", () => {
    vi.useFakeTimers()
    const writing = pretended()
    const { index } = writing
    const slow = {
      get unindexed() {
        return writing.unindexed
      },
      waiting: 0,
      index(most = Infinity) {
        const before = writing.unindexed
        index(most)
        vi.advanceTimersByTime((before - writing.unindexed) / 10)
      }
    }
    const indexing = new Indexing(slow, { entries: 4096, gids: 0, idle: 100 }, none)
    for (const [unindexed, left] of [
      [4096, 0],
      [4096, 3596],
      [4095, 4095],
      [6000, 4096]
    ] as const) {
      writing.unindexed = unindexed
      indexing.answered()
      assert.strictEqual(writing.unindexed, left)
    }
    vi.advanceTimersByTime(100_000)
    assert.strictEqual(writing.unindexed, 0)
    assert.deepStrictEqual(writing.asked.slice(0, 4), [8192, 500, 1904, 500])
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("takes as many as are done in that time, though it is gids that take the time", () => {
    vi.useFakeTimers()
    const writing = { ...pretended(), waiting: 30_000, most: new Array<number>() }
    const indexing = new Indexing(
      Object.assign(writing, {
        index: (most = Infinity, keep = 0) => {
          writing.most.push(most)
          writing.unindexed = 0
          const many = Math.min(most, Math.max(0, writing.waiting - keep))
          writing.waiting -= many
          vi.advanceTimersByTime(many / 20)
        }
      }),
      { entries: 8192, gids: 32_768, idle: 100 },
      none
    )
    writing.unindexed = 8192
    indexing.answered()
    vi.advanceTimersByTime(10_000)
    assert.strictEqual(writing.waiting, 0)
    assert.deepStrictEqual(writing.most.slice(0, 4), [8192, 8192, 1000, 1000])
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("lets gids wait for each other while messages come, and for nothing once none come", () => {
    vi.useFakeTimers()
    const writing = pretended()
    const kept: Array<number | undefined> = []
    const indexing = new Indexing(
      {
        get unindexed() {
          return writing.unindexed
        },
        get waiting() {
          return writing.waiting
        },
        index(most, keep = 0) {
          kept.push(keep)
          writing.waiting = keep
          writing.index(most)
        }
      },
      { entries: 10, gids: 50, idle: 100 },
      none
    )
    writing.unindexed = 10
    writing.waiting = 60
    indexing.answered()
    assert.deepStrictEqual([writing.unindexed, writing.waiting], [0, 50])
    vi.advanceTimersByTime(99)
    assert.strictEqual(writing.waiting, 50)
    vi.advanceTimersByTime(1)
    assert.strictEqual(writing.waiting, 0)
    assert.deepStrictEqual(kept, [50, 0])
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("that fails is tried again, ever less often, and tells why", () => {
    vi.useFakeTimers()
    const writing = pretended()
    const told: Array<unknown> = []
    const indexing = new Indexing(
      writing,
      { entries: 10, gids: 0, idle: 100 },
      { failed: (cause) => told.push(cause), remade: failing }
    )
    writing.fails = new Error("at odds")
    writing.unindexed = 10
    indexing.answered()
    for (const [unindexed, attempts] of [
      [11, 1],
      [19, 1],
      [20, 2],
      [39, 2],
      [40, 3]
    ] as const) {
      writing.unindexed = unindexed
      indexing.answered()
      assert.strictEqual(writing.asked.length, attempts)
    }
    vi.advanceTimersByTime(3_999)
    assert.strictEqual(writing.asked.length, 3)
    vi.advanceTimersByTime(1)
    assert.strictEqual(writing.asked.length, 4)
    assert.deepStrictEqual(
      told,
      Array.from({ length: 4 }, () => writing.fails)
    )
    vi.advanceTimersByTime(3_600_000)
    assert.isBelow(writing.asked.length, 20)
    writing.fails = undefined
    vi.advanceTimersByTime(600_000)
    assert.strictEqual(writing.unindexed, 0)
    writing.unindexed = 10
    indexing.answered()
    assert.strictEqual(writing.unindexed, 0)
    indexing.end()
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("tells nobody that the database was held by somebody else", () => {
    vi.useFakeTimers()
    const writing = pretended()
    const indexing = new Indexing(writing, PACE, none)
    writing.fails = Object.assign(new Error("database is locked"), { errcode: 5 })
    writing.unindexed = 1
    indexing.now()
    writing.fails = undefined
    vi.advanceTimersByTime(1_000)
    assert.strictEqual(writing.unindexed, 0)
  })
})
