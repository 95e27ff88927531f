import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ChatId, UserId } from "@parley/core/Ids"
import type { WriteBatch } from "@parley/core/Store"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { BatchApplier } from "../src/internal/writer/ApplyBatch.ts"
import { migrate } from "../src/internal/schema.ts"
import { Statements } from "../src/internal/Statements.ts"
import { pack } from "./pack.ts"
import { folder } from "./folder.ts"

const committing = fileURLToPath(new URL("./commitLoop.ts", import.meta.url))

const making = (members: number): WriteBatch => ({
  expectedVersions: [],
  writes: [
    ...Array.from(
      { length: members },
      (_, n) =>
        ({
          _tag: "CreateUser",
          user: {
            account: `user${n}`,
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
        }) as const
    ),
    {
      _tag: "CreateChat",
      by: UserId(1),
      chat: {
        gid: "c",
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
        members: Array.from({ length: members }, (_, n) => UserId(n + 1))
      }
    }
  ]
})

const message = (gid: string): WriteBatch => ({
  expectedVersions: [{ chat: ChatId(1), version: 1 }],
  writes: [
    {
      _tag: "Append",
      chat: ChatId(1),
      by: UserId(1),
      device: null,
      at: 0,
      body: { _tag: "Posted", gid, type: "normal", contentType: "text", content: "hello", date: 0 }
    }
  ]
})

/** How many rows ten messages to a group of so many write. */
const rows = (members: number): number => {
  const database = new DatabaseSync(":memory:")
  assert.isUndefined(migrate(database))
  const applying = new BatchApplier(new Statements(database))
  const total = () => Number(database.prepare("SELECT total_changes() AS total").get()?.["total"])
  database.exec("BEGIN")
  assert.isUndefined(applying.apply(making(members), []))
  const before = total()
  for (let n = 0; n < 10; n++) assert.isUndefined(applying.apply(pack(message(`m${n}`)), []))
  database.exec("COMMIT")
  const after = total()
  database.close()
  return after - before
}

describe("the cost of a message", () => {
  it("is one row, whether the group has two members or a thousand", () => {
    assert.deepStrictEqual([rows(2), rows(1000)], [10, 10])
  })
})

describe("a process that is killed", () => {
  it.effect(
    "leaves everything that was answered",
    Effect.fnUntraced(function* () {
      const file = join(yield* folder, "parley.db")
      yield* Effect.scoped(Effect.flatMap(SqliteStore.make({ file }), (store) => store.commit(making(2))))
      const answered: Array<string> = []
      for (const wanted of [50, 400]) {
        const child = spawn(process.execPath, [committing, file], { stdio: ["ignore", "pipe", "inherit"] })
        let printed = ""
        child.stdout.on("data", (chunk: Buffer) => {
          printed += chunk.toString()
          if (printed.split("\n").length > wanted) child.kill("SIGKILL")
        })
        yield* Effect.promise(() => once(child, "close"))
        const lines = printed.split("\n").slice(0, -1)
        assert.isAtLeast(lines.length, wanted)
        answered.push(...lines)
      }
      yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* SqliteStore.make({ file })
          const found = yield* store.messagesByGid(answered)
          assert.strictEqual(found.length, answered.length)
          const log = yield* store.entries([{ chat: ChatId(1), after: 0, limit: 1_000_000 }])
          assert.deepStrictEqual(
            log.map((entry) => entry.seq),
            log.map((_, index) => index + 1)
          )
          // Batches are atomic: a lane continues after its last message in the log, acknowledged or not.
          const cursors = yield* store.cursorsIn(ChatId(1), [UserId(1)])
          for (const cursor of cursors) {
            const lane = log.flatMap(({ body }) =>
              body._tag === "Posted" && body.gid.split("/")[1] === cursor.device ? [body.date] : []
            )
            assert.strictEqual(cursor.read, Math.max(...lane))
          }
        })
      )
    })
  )
})
