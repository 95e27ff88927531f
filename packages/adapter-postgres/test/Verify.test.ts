/** `PgStore.verify`: a database is whole after use, and each kind of damage is found and named. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as PgStore from "@parley/adapter-postgres/PgStore"
import type { Finding } from "@parley/core/StoreInvariants"
import { missing, execute } from "../../../scripts/postgres/database.ts"
import { fill } from "../../core/test/verifiedStore.ts"
import { emptyTables, newSchema } from "./database.ts"

/** Statements that damage the data of `fill` (users 1 to 3, chat 1 with entries 1 to 12 of its log), and what is found. */
const DAMAGES: ReadonlyArray<readonly [name: string, sql: string, part: Finding["part"], text: RegExp]> = [
  ["a gap in a log", "DELETE FROM log WHERE gid = 'm3'", "log", /has sequence 5, and the one before it 3$/],
  ["ids that do not rise", "UPDATE log SET id = 1000 WHERE gid = 'm3'", "log", /follows entry 1000: ids must rise$/],
  [
    "a wrong number of messages",
    "UPDATE log SET posted = 9 WHERE gid = 'm4'",
    "log",
    /counts 9 messages, and the log has 4$/
  ],
  [
    "a change of no message",
    "UPDATE log SET target = 1 WHERE kind = 'Recalled'",
    "log",
    /changes 1, which is no earlier message/
  ],
  [
    "facts that are not the log's",
    "UPDATE chats SET public = false WHERE id = 1",
    "log",
    /^public is false, and by the log true$/
  ],
  [
    "a member who is missing",
    "DELETE FROM members WHERE member = 3",
    "members",
    /^joined by entry 8 of the log, and is not stored as a member$/
  ],
  [
    "a member since another entry",
    "UPDATE members SET join_seq = 1 WHERE member = 2",
    "members",
    /^joined by entry 10 of the log, not 1$/
  ],
  [
    "a read mark after the log",
    "UPDATE cursors SET read = 99 WHERE device = ''",
    "cursors",
    /^the cursor is read up to 99, and the log ends at 12$/
  ],
  [
    "acknowledgements below the floor",
    "UPDATE cursors SET acked = '[2]' WHERE device = ''",
    "cursors",
    /has acknowledged 2 above 3/
  ],
  [
    "a history from after the log",
    `UPDATE users SET since = '{"2":7}' WHERE id = 1`,
    "cursors",
    /^the history begins after 7, and the log ends at 2$/
  ],
  ["a gid that is missing", "DELETE FROM gids WHERE gid = 'm1'", "indexes", /^gids lacks message \d+$/],
  [
    "a gid that is too many",
    "INSERT INTO gids VALUES ('other', 1, 1)",
    "indexes",
    /^gids has a message 1 of chat 1 with a gid that the log does not have$/
  ],
  [
    "a head that is behind",
    "UPDATE heads SET seq = 11 WHERE chat = 1",
    "indexes",
    /^heads has sequence 11 and 5 messages, and the log ends at 12 with 5$/
  ],
  ["a head that is missing", "DELETE FROM heads WHERE chat = 1", "indexes", /^heads has sequence null/],
  ["an id twice", "UPDATE log SET id = 1 WHERE gid = 'system1'", "indexes", /^several entries have the id 1$/],
  [
    "ids that will be used again",
    "SELECT setval('entry_ids', 2)",
    "indexes",
    /^the sequence entry_ids is at 2, and the log has an entry \d+$/
  ],
  ["a session of nobody", "UPDATE sessions SET member = 99", "references", /^a session refers to user 99/],
  ["a file of no chat", "UPDATE files SET chat = 99", "references", /^file 1 refers to chat 99/],
  ["a preference of nobody", "UPDATE preferences SET member = 99", "references", /^a preference refers to user 99/],
  [
    "an author who does not exist",
    "UPDATE log SET author = 99 WHERE gid = 'm5'",
    "references",
    /^entry \d+ is by user 99/
  ],
  ["a log of no chat", "DELETE FROM chats WHERE id = 2", "references", /^the log is of a chat that does not exist$/],
  [
    "a hidden entry that is no message",
    "UPDATE hidden_messages SET message = 1",
    "references",
    /^entry 1 is hidden, and is not a message$/
  ]
]

const problem = missing("18")

describe.skipIf(problem !== undefined)("verifying a database", () => {
  it.effect("finds nothing in one that is used, and each damage in it", () =>
    Effect.gen(function* () {
      for (const [name, sql, part, text] of DAMAGES) {
        const options = yield* emptyTables("18")
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* fill(yield* PgStore.make(options))
            assert.deepStrictEqual(yield* PgStore.verify(options), {
              findings: [],
              count: 0,
              checked: { users: 3, chats: 2, entries: 14, members: 3, cursors: 2, sessions: 1 }
            })
          })
        )
        yield* Effect.promise(() => execute(options.url, "SET search_path = shared", sql))
        const { findings } = yield* PgStore.verify(options)
        assert.isTrue(
          findings.some((finding) => finding.part === part && text.test(finding.text)),
          `${name}: ${JSON.stringify(findings)}`
        )
      }
    })
  )

  it.effect("reads more rows than one page has", () =>
    Effect.gen(function* () {
      const options = yield* emptyTables("18")
      yield* Effect.scoped(Effect.flatMap(PgStore.make(options), fill))
      yield* Effect.promise(() =>
        execute(
          options.url,
          "SET search_path = shared",
          `INSERT INTO log (id, chat, seq, posted, at, author, kind, content)
           SELECT nextval('entry_ids'), 1, 12 + i, 5, 0, 1, 'Changed', '{}' FROM generate_series(1, 12000) AS i`,
          "UPDATE heads SET seq = 12012 WHERE chat = 1"
        )
      )
      const { supported, time, ...state } = yield* PgStore.inspect(options)
      assert.deepStrictEqual(state, { version: supported, newestId: 12_014, newestAt: 0 })
      assert.isAbove(time ?? 0, Date.UTC(2025, 0, 1))
      const found = yield* PgStore.verify(options)
      assert.deepStrictEqual(found.findings, [])
      assert.strictEqual(found.checked.entries, 12_014)
    })
  )

  it.effect("refuses a database without tables of this version, and creates none", () =>
    Effect.gen(function* () {
      const none = yield* newSchema("18")
      const failed = yield* Effect.flip(PgStore.verify(none))
      assert.match(failed.message, /cannot be verified: it has no tables of Parley\.$/)
      assert.deepInclude(yield* PgStore.inspect(none), { version: 0, newestId: 0 })
      assert.isFalse(yield* PgStore.exists(none))
    })
  )
})
