/** A copy of a database, made while messages are stored: whole, as of one moment. */
import { assert, describe, it } from "@effect/vitest"
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Effect, Fiber } from "effect"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import type { ChatId, UserId } from "@parley/core/Ids"
import { Progress } from "@parley/core/Progress"
import type { Store } from "@parley/core/Store"
import { append, createChat, pair, posting } from "../../core/src/testing/StoreLaws/Law.ts"
import { folder } from "./folder.ts"

/** About 8 MB: several steps of a copy. */
const MESSAGES = 4_000
const CONTENT = "x".repeat(2_000)

const post = (store: Store["Service"], chat: ChatId, by: UserId, count: number, name: string) =>
  Effect.forEach(
    Array.from({ length: count }, (_, index) => index),
    (index) => append(store, chat, by, posting(`${name}${index}`, { content: CONTENT })),
    { concurrency: 64, discard: true }
  )

const filled = Effect.gen(function* () {
  const directory = yield* folder
  const file = join(directory, "parley.db")
  const store = yield* SqliteStore.make({ file })
  const [ann, ben] = yield* pair(store)
  const { chat } = yield* createChat(store, "g", [ann, ben])
  yield* post(store, chat.id, ann, MESSAGES, "before")
  return { ann, chat: chat.id, directory, file, store, to: join(directory, "copy.db") }
})

const gidsOf = (store: Store["Service"], chat: ChatId) =>
  Effect.map(store.entries([{ chat, after: 0, limit: 100_000 }]), (pages) =>
    pages.flat().flatMap(({ seq, body }) => (body._tag === "Posted" ? [{ seq, gid: body.gid }] : []))
  )

describe("a backup", () => {
  it.live("has everything that was committed before, and one state of what is committed meanwhile", () =>
    Effect.gen(function* () {
      const { ann, chat, file, store, to } = yield* filled
      let isEnded = false
      let late = 0
      const senders = yield* Effect.forkChild(
        Effect.gen(function* () {
          while (!isEnded) yield* post(store, chat, ann, 16, `late${late++}-`)
        })
      )
      const reports: Array<readonly [number, number]> = []
      const size = yield* SqliteStore.backup({ file, to }).pipe(
        Effect.provideService(Progress, (done, total) => void reports.push([done, total]))
      )
      isEnded = true
      yield* Fiber.join(senders)
      assert.isAbove(late, 0)
      assert.isAbove(reports.length, 1)
      assert.strictEqual(statSync(to).size, size)
      assert.strictEqual(statSync(to).mode & 0o777, 0o600)

      const copy = yield* SqliteStore.make({ file: to })
      const copied = yield* gidsOf(copy, chat)
      assert.deepStrictEqual(
        copied.map(({ seq }) => seq),
        copied.map((_, index) => index + 2)
      )
      assert.isAtLeast(copied.length, MESSAGES)
      const all = yield* gidsOf(store, chat)
      assert.deepStrictEqual(copied, all.slice(0, copied.length))
      // It is a database of its own.
      yield* post(copy, chat, ann, 1, "own")
      assert.lengthOf(yield* gidsOf(copy, chat), copied.length + 1)
      assert.lengthOf(yield* gidsOf(store, chat), all.length)
    }).pipe(Effect.scoped)
  )

  it.live("of a database that nobody uses needs no other file", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const file = join(directory, "parley.db")
      yield* Effect.scoped(Effect.flatMap(SqliteStore.make({ file }), (store) => pair(store)))
      yield* SqliteStore.backup({ file, to: join(directory, "copy.db") })
      const database = new DatabaseSync(join(directory, "copy.db"), { readOnly: true })
      assert.deepInclude(database.prepare("PRAGMA integrity_check").get(), { integrity_check: "ok" })
      assert.deepInclude(database.prepare("SELECT count(*) AS users FROM users").get(), { users: 2 })
      database.close()
    }).pipe(Effect.scoped)
  )

  it.live("never replaces a file, and leaves nothing behind when it fails", () =>
    Effect.gen(function* () {
      const { directory, file, to } = yield* filled
      writeFileSync(to, "precious")
      const refused = yield* Effect.flip(SqliteStore.backup({ file, to }))
      assert.strictEqual(refused.message, `${to} exists already`)
      assert.strictEqual(readFileSync(to, "utf8"), "precious")
      const elsewhere = yield* Effect.flip(SqliteStore.backup({ file, to: join(directory, "none", "copy.db") }))
      assert.match(elsewhere.message, /^The database cannot be copied to .*none\/copy\.db: .*\.$/)
      const nothing = yield* Effect.flip(
        SqliteStore.backup({ file: join(directory, "none.db"), to: join(directory, "copy2.db") })
      )
      assert.match(nothing.message, /cannot be copied/)
      assert.deepStrictEqual(
        readdirSync(directory).filter((name) => name.includes("copy2") || name.includes("partial")),
        []
      )
      chmodSync(to, 0o600)
    }).pipe(Effect.scoped)
  )
})
