/** `SqliteStore.verify`: a database is whole after use, and each kind of damage is found and named. */
import { assert, describe, it } from "@effect/vitest"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Effect } from "effect"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { Progress } from "@parley/core/Progress"
import type { Finding } from "@parley/core/StoreInvariants"
import { Store } from "@parley/core/Store"
import { storeLaws } from "@parley/core/testing/StoreLaws"
import { share } from "../../../scripts/repetitions.ts"
import { fill } from "../../core/test/verifiedStore.ts"
import { NOW, post } from "../../core/src/testing/StoreLaws/Law.ts"
import { folder } from "./folder.ts"
import { each, threaded } from "./indexPolicies.ts"

/** Statements that damage the data of `fill` (users 1 to 3, chat 1 with entries 1 to 12 of its log), and what is found. */
const DAMAGES: ReadonlyArray<readonly [name: string, sql: string, part: Finding["part"], text: RegExp]> = [
  ["a gap in a log", "DELETE FROM log WHERE gid = 'm3'", "log", /has sequence 5, and the one before it 3$/],
  [
    "a wrong number of messages",
    "UPDATE log SET posted = 9 WHERE gid = 'm4'",
    "log",
    /counts 9 messages, and the log has 4$/
  ],
  [
    "a second first entry",
    "UPDATE log SET kind = 'Created' WHERE seq = 11 AND chat = 1",
    "log",
    /only the first is Created$/
  ],
  [
    "a change of no message",
    "UPDATE log SET target = 1 WHERE kind = 'Recalled'",
    "log",
    /changes 1, which is no earlier message/
  ],
  ["a message twice", "UPDATE log SET gid = 'm3' WHERE gid = 'm4'", "log", /^several messages have the gid m3$/],
  [
    "a chat without a log",
    "INSERT INTO chats SELECT 9, 'x', name, type, public, subject, created_by, owner, admins, senders, created_at, edited_by, edited_at, version, attributes, dissolved FROM chats WHERE id = 1",
    "log",
    /^the chat has no log$/
  ],
  [
    "facts that are not the log's",
    "UPDATE chats SET name = 'Other' WHERE id = 1",
    "log",
    /^name is "Other", and by the log "Renamed"$/
  ],
  [
    "a member who is missing",
    "DELETE FROM members WHERE user = 3",
    "members",
    /^joined by entry 8 of the log, and is not stored as a member$/
  ],
  [
    "a member since another entry",
    "UPDATE members SET join_seq = 1 WHERE user = 2",
    "members",
    /^joined by entry 10 of the log, not 1$/
  ],
  [
    "a member who has left",
    "UPDATE log SET content = '{}' WHERE seq = 10 AND chat = 1",
    "members",
    /^a member is stored who has left by the log$/
  ],
  [
    "a read mark after the log",
    "UPDATE places SET read = 99 WHERE device = ''",
    "cursors",
    /^the cursor is read up to 99, and the log ends at 12$/
  ],
  [
    "a cursor after the log",
    "UPDATE places SET pushed = 13 WHERE device = 'phone'",
    "cursors",
    /^the cursor of device phone is pushed up to 13, and the log ends at 12$/
  ],
  [
    "acknowledgements below the floor",
    "UPDATE places SET acked = '[2]' WHERE device = ''",
    "cursors",
    /has acknowledged 2 above 3/
  ],
  [
    "a history from after the log",
    `UPDATE users SET since = '{"2":7}' WHERE id = 1`,
    "cursors",
    /^the history begins after 7, and the log ends at 2$/
  ],
  [
    "a place that is missing in the index",
    "DELETE FROM log_by_chat WHERE chat = 1 AND seq = 4",
    "indexes",
    /^log_by_chat lacks entry \d+ with sequence 4$/
  ],
  [
    "a place that is too many in the index",
    "INSERT INTO log_by_chat VALUES (1, 77, 3)",
    "indexes",
    /^log_by_chat has entry 3 at 1\/77, and the log does not$/
  ],
  [
    "a message that is missing in the index",
    "DELETE FROM log_by_gid WHERE id = (SELECT id FROM log WHERE gid = 'm1')",
    "indexes",
    /^log_by_gid lacks message \d+$/
  ],
  [
    "a gid that is too many in the index",
    "INSERT INTO log_by_gid VALUES (5, 1)",
    "indexes",
    /^log_by_gid has entry 1 for another gid$/
  ],
  [
    "an index that is said to be ahead",
    "UPDATE log_indexed SET upto = 500",
    "indexes",
    /^log_indexed ends at 500, and the log at \d+$/
  ],
  ["an index without its end", "DELETE FROM log_indexed", "indexes", /^log_indexed has 0 rows instead of one$/],
  ["a session of nobody", "UPDATE sessions SET user = 99", "references", /^a session refers to user 99/],
  ["a file of no chat", "UPDATE files SET chat = 99", "references", /^file 1 refers to chat 99/],
  ["a preference of nobody", "UPDATE preferences SET user = 99", "references", /^a preference refers to user 99/],
  [
    "an author who does not exist",
    "UPDATE log SET author = 99 WHERE gid = 'm5'",
    "references",
    /^entry \d+ is by user 99/
  ],
  ["an owner who does not exist", "UPDATE chats SET owner = 99 WHERE id = 2", "references", /^it is owned by user 99/],
  [
    "a hidden entry that is no message",
    "UPDATE hidden_messages SET message = 1",
    "references",
    /^entry 1 is hidden, and is not a message$/
  ]
]

/** A filled database whose indexes have the whole log. */
const filled = Effect.gen(function* () {
  const file = join(yield* folder, "parley.db")
  yield* Effect.scoped(Effect.flatMap(threaded(file, each(1)), fill))
  return file
})

const execute = (file: string, sql: string): void => {
  const database = new DatabaseSync(file, { enableForeignKeyConstraints: false })
  database.exec(sql)
  database.close()
}

describe("verifying a database", () => {
  it.live("finds nothing in one that is used, whether its indexes are complete or behind", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "parley.db")
      const store = yield* SqliteStore.make({ file })
      const { ann, chat } = yield* fill(store)
      const found = yield* SqliteStore.verify({ file })
      assert.deepStrictEqual(found, {
        findings: [],
        count: 0,
        checked: { users: 3, chats: 2, entries: 14, members: 3, cursors: 2, sessions: 1 }
      })
      yield* post(store, chat, ann, "m6")
      assert.strictEqual((yield* SqliteStore.verify({ file })).checked.entries, 15)
      assert.strictEqual((yield* SqliteStore.verify({ file: yield* filled })).count, 0)
    }).pipe(Effect.scoped)
  )

  for (const [name, sql, part, text] of DAMAGES) {
    it.live(`finds ${name}`, () =>
      Effect.gen(function* () {
        const file = yield* filled
        execute(file, sql)
        const found = yield* SqliteStore.verify({ file })
        const ofPart = found.findings.filter((finding) => finding.part === part)
        assert.isTrue(
          ofPart.some((finding) => text.test(finding.text)),
          JSON.stringify(found.findings)
        )
      }).pipe(Effect.scoped)
    )
  }

  it.live("counts what it does not list, and reports progress", () =>
    Effect.gen(function* () {
      const file = yield* filled
      execute(
        file,
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         INSERT INTO log (chat, seq, posted, at, kind) SELECT 1, 12 + i, 5, 0, 'Created' FROM n`
      )
      const reports: Array<readonly [number, number]> = []
      const found = yield* SqliteStore.verify({ file }).pipe(
        Effect.provideService(Progress, (done, total) => void reports.push([done, total]))
      )
      assert.lengthOf(found.findings, 100)
      assert.isAtLeast(found.count, 20_000)
      assert.deepStrictEqual(reports, [
        [10_000, 20_014],
        [20_000, 20_014]
      ])
    }).pipe(Effect.scoped)
  )

  it.live("refuses what is no database of this version, and creates nothing", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const messageOf = (file: string) =>
        Effect.map(Effect.flip(SqliteStore.verify({ file })), ({ message }) => message)
      const none = join(directory, "none.db")
      assert.match(yield* messageOf(none), /cannot be verified: there is no such file\.$/)
      const other = join(directory, "other.db")
      execute(other, "CREATE TABLE t (x)")
      assert.match(yield* messageOf(other), /it is not a database of Parley\.$/)
      const old = yield* filled
      execute(old, "PRAGMA user_version = 3")
      assert.match(yield* messageOf(old), /it has version 3, and this Parley verifies version \d+\.$/)
    }).pipe(Effect.scoped)
  )
})

describe("the database of a store", () => {
  for (const law of share(storeLaws, 6)) {
    it.live(`is whole after the law: ${law.name}`, () =>
      Effect.gen(function* () {
        const file = join(yield* folder, "parley.db")
        yield* law.check.pipe(Effect.provideServiceEffect(Store, SqliteStore.make({ file })))
        const { findings } = yield* SqliteStore.verify({ file })
        // Laws of cursors move them beyond the log, which the engine does not.
        assert.deepStrictEqual(
          findings.filter(({ part }) => part !== "cursors"),
          []
        )
      }).pipe(Effect.scoped)
    )
  }
})

describe("inspecting a database", () => {
  it.live("tells its version and its newest entry, whatever the version", () =>
    Effect.gen(function* () {
      const file = yield* filled
      const { supported, ...state } = yield* SqliteStore.inspect({ file })
      assert.deepStrictEqual(state, { version: supported, newestId: 14, newestAt: NOW, time: null })
      execute(file, "PRAGMA user_version = 99")
      assert.strictEqual((yield* SqliteStore.inspect({ file })).version, 99)
      assert.match(
        (yield* Effect.flip(SqliteStore.inspect({ file: `${file}.none` }))).message,
        /cannot be read: there is no such file\.$/
      )
    }).pipe(Effect.scoped)
  )
})
