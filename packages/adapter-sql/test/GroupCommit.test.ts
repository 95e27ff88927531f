/** Which batches share a transaction: all in flight together under load; a lone one does not wait. */
import { join } from "node:path"
import { setImmediate as turn } from "node:timers/promises"
import type { Worker } from "node:worker_threads"
import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import { ChatId, UserId } from "@parley/core/Ids"
import type { MessageAppend } from "@parley/core/Store"
import { GroupCommit, start } from "../src/internal/writer/GroupCommit.ts"
import { migrate } from "../src/internal/schema.ts"
import { type ToWriter, unpack } from "../src/internal/writer/protocol.ts"
import { DatabaseSync } from "node:sqlite"
import { folder } from "./folder.ts"

/** A writer with the sizes of its transactions and the number of its end requests. */
const counted = Effect.gen(function* () {
  const file = join(yield* folder, "parley.db")
  const database = new DatabaseSync(file)
  migrate(database)
  database.exec("PRAGMA journal_mode = WAL")
  database.exec(
    `INSERT INTO users (id, account, realname, avatar, role, dept, admin, disabled, created_at, since)
     VALUES (1, 'a', '', '', '', 0, 0, 0, 0, 0)`
  )
  database.exec("INSERT INTO chats VALUES (1, 'c', '', 'group', 0, 0, 1, 1, '[]', '\"all\"', 0, NULL, 0, 1, '{}', 0)")
  database.exec("INSERT INTO log (id, chat, seq, posted, at, kind) VALUES (1, 1, 1, 0, 0, 'Created')")
  database.exec("INSERT INTO log_by_chat VALUES (1, 1, 1); UPDATE log_indexed SET upto = 1")
  database.close()
  const worker: Worker = yield* Effect.promise(() => start(file))
  const sizes: Array<number> = []
  const ends: Array<ToWriter> = []
  const send = worker.postMessage.bind(worker)
  worker.postMessage = (message: ToWriter) => {
    if (message._tag === "Commit") sizes.push(unpack(message.contents).length)
    else ends.push(message)
    send(message)
  }
  const groupCommit = yield* Effect.acquireRelease(
    Effect.sync(() => new GroupCommit(worker)),
    (open) => Effect.promise(() => open.close())
  )
  let count = 0
  const post = (settled: () => void): void => {
    const gid = `m${count++}`
    const body = { _tag: "Posted", gid, type: "normal", contentType: "text", content: gid, date: 0 } as const
    const message: MessageAppend = { chat: ChatId(1), version: 1, by: UserId(1), device: null, at: 0, body }
    groupCommit.appendMessage(message, (entry) => {
      assert.strictEqual(entry?.body.gid, gid)
      settled()
    })
  }
  return { close: Effect.promise(() => groupCommit.close()), ends, file, groupCommit, post, sizes }
})

afterEach(() => {
  vi.restoreAllMocks()
})

describe("a transaction", () => {
  it.effect("delays by whole milliseconds: timers truncate fractions", () =>
    Effect.gen(function* () {
      const timers = vi.spyOn(globalThis, "setTimeout")
      const { post } = yield* counted
      for (let round = 0; round < 5; round++) {
        // Two were under way together, and one comes: it waits for the other.
        for (const count of [2, 1]) {
          const settled = Array.from({ length: count }, () => new Promise<void>((resolve) => post(resolve)))
          yield* Effect.promise(() => Promise.all(settled))
        }
      }
      const waits = timers.mock.calls.map(([, milliseconds]) => milliseconds ?? 0)
      assert.include(waits, 2)
      assert.deepStrictEqual(waits.map(Math.ceil), waits)
    })
  )

  it.effect("collects all batches in flight together, though they arrived in two parts", () =>
    Effect.gen(function* () {
      const { post, sizes } = yield* counted
      yield* Effect.promise(
        () =>
          new Promise<void>((resolve) => {
            // Each of 16 sends again as soon as it is answered, until 20 transactions are over; the last 8 come late.
            let left = 16
            const again = (): void => {
              if (sizes.length < 20) post(again)
              else if (--left === 0) resolve()
            }
            for (let index = 0; index < 8; index++) post(again)
            void turn()
              .then(() => turn())
              .then(() => {
                for (let index = 0; index < 8; index++) post(again)
              })
          })
      )
      assert.strictEqual(sizes[19], 16, sizes.join(" "))
      assert.strictEqual(sizes[0], 8, "they began apart")
    })
  )

  it.effect("of one batch begins in the next tick, even after one of many", () =>
    Effect.gen(function* () {
      const { post, sizes } = yield* counted
      const all = (count: number) =>
        Effect.promise(() =>
          Promise.all(Array.from({ length: count }, () => new Promise<void>((resolve) => post(resolve))))
        )
      yield* all(1)
      yield* all(1)
      const before = sizes.length
      let settled = false
      post(() => (settled = true))
      yield* Effect.promise(() => turn())
      yield* Effect.promise(() => turn())
      assert.strictEqual(sizes.length, before + 1, "it is on its way")
      // Others were likely to come: it waits for them, and goes without them.
      yield* all(8)
      yield* all(1)
      assert.isTrue(settled)
      assert.strictEqual(sizes.at(-1), 1)
    })
  )
})

describe("a store that is closed", () => {
  for (const waiting of [4, 0]) {
    it.effect(`twice commits what waits (${waiting}), and ends its writer once`, () =>
      Effect.gen(function* () {
        const { close, ends, post, sizes } = yield* counted
        let settled = 0
        for (let index = 0; index < waiting; index++) post(() => settled++)
        yield* Effect.all([close, close], { concurrency: "unbounded" })
        yield* close
        assert.deepStrictEqual([settled, sizes, ends], [waiting, waiting > 0 ? [waiting] : [], [{ _tag: "End" }]])
      })
    )
  }
})

/** A writer on whose log messages called "lost" fail; `RAISE` of this kind. */
const failing = Effect.fnUntraced(function* (kind: "ROLLBACK" | "ABORT") {
  const { groupCommit, file, sizes } = yield* counted
  const database = new DatabaseSync(file)
  database.exec(
    `CREATE TRIGGER lost BEFORE INSERT ON log WHEN NEW.gid = 'lost' BEGIN SELECT RAISE(${kind}, 'no room'); END`
  )
  database.close()
  const append = (gid: string, device: string | null = null) =>
    new Promise<string | undefined>((resolve) => {
      const body = { _tag: "Posted", gid, type: "normal", contentType: "text", content: gid, date: 0 } as const
      groupCommit.appendMessage({ chat: ChatId(1), version: 1, by: UserId(1), device, at: 0, body }, (entry) =>
        resolve(entry?.body.gid)
      )
    })
  return { append, sizes }
})

describe("after a message that failed", () => {
  it.effect("none of the same sender's is stored that waited for the next transaction", () =>
    Effect.gen(function* () {
      const { append, sizes } = yield* failing("ROLLBACK")
      const lost = append("lost")
      while (sizes.length === 0) yield* Effect.promise(() => turn())
      // The first transaction is with the writer, whose answer arrives in a later turn.
      const later = [append("m2"), append("m3"), append("n1", "phone")]
      assert.deepStrictEqual(yield* Effect.promise(() => Promise.all([lost, ...later])), [
        undefined,
        undefined,
        undefined,
        "n1"
      ])
      assert.strictEqual(yield* Effect.promise(() => append("m4")), "m4")
    })
  )

  it.effect("none of the same sender's is stored in the same transaction", () =>
    Effect.gen(function* () {
      const { append, sizes } = yield* failing("ABORT")
      const sent = ["m1", "lost", "m2"].map((gid) => append(gid))
      const other = append("n1", "phone")
      assert.deepStrictEqual(yield* Effect.promise(() => Promise.all([...sent, other])), [
        "m1",
        undefined,
        undefined,
        "n1"
      ])
      assert.deepStrictEqual(sizes, [4])
    })
  )
})
