import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { ChatId, EntryId, UserId } from "@parley/core/Ids"
import type { Changed, Entry } from "@parley/core/Log"
import type { Store } from "@parley/core/Store"
import {
  amending,
  appending,
  newChat,
  newUser,
  NO_ENTRY,
  posting,
  batch
} from "../../core/src/testing/StoreLaws/Law.ts"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { migrate, migrations } from "../src/internal/schema.ts"
import { folder } from "./folder.ts"

const [ANN, BEN] = [UserId(1), UserId(2)]
const [GROUP, OTHER] = [ChatId(1), ChatId(2)]

/** Entries of all kinds: ids 1 and 2 make the chats, 3 to 6 are messages, 5 in the other chat. */
const told = [
  batch({ _tag: "CreateUser", user: newUser("ann") }, { _tag: "CreateUser", user: newUser("ben") }),
  batch({ _tag: "CreateChat", by: ANN, chat: newChat("group", [ANN, BEN]) }),
  batch({ _tag: "CreateChat", by: BEN, chat: newChat("other", [BEN]) }),
  batch(appending(GROUP, ANN, posting("m1"))),
  batch(appending(GROUP, BEN, posting("m2"), { device: "phone" })),
  batch(appending(OTHER, BEN, posting("m3", { type: "broadcast" }))),
  batch(appending(GROUP, null, posting("m4"))),
  batch(
    amending(GROUP, ANN, { _tag: "Replaced", message: EntryId(3), contentType: "text", content: "better" }, EntryId(3)),
    amending(GROUP, BEN, { _tag: "Recalled", message: EntryId(4) }, EntryId(4)),
    appending(GROUP, ANN, { _tag: "Changed", name: "renamed", attributes: { colour: "red" } }),
    appending(GROUP, ANN, { _tag: "Changed", senders: [ANN, BEN], attributes: { committers: 1, "": "\ud800" } }),
    appending(GROUP, ANN, { _tag: "Changed", name: '"committers":', senders: "admins" }),
    appending(OTHER, BEN, { _tag: "Changed", senders: [BEN] })
  ),
  batch({ _tag: "HideMessage", user: BEN, message: EntryId(6) })
]

/** A change of facts as stored up to version 4. */
const storedChange = ({ senders, ...rest }: Changed): string =>
  JSON.stringify({ ...(senders !== undefined && { committers: senders }), ...rest, _tag: undefined })

/** The columns that version 1 had for an entry, in their order. */
const columns = ({ at, body, by, chat, id, device, posted, seq }: Entry) => [
  id,
  chat,
  seq,
  posted,
  at,
  by,
  device,
  body._tag,
  body._tag === "Posted" ? body.gid : null,
  body._tag === "Replaced" || body._tag === "Recalled" ? body.message : null,
  body._tag === "Posted" ? body.type : null,
  body._tag === "Posted" || body._tag === "Replaced" ? body.contentType : null,
  body._tag === "Posted" || body._tag === "Replaced"
    ? body.content
    : body._tag === "Changed"
      ? storedChange(body)
      : null,
  body._tag === "Posted" ? body.date : null
]

const everything = Effect.fnUntraced(function* (store: Store["Service"]) {
  const chats = [GROUP, OTHER]
  return {
    users: yield* store.allUsers,
    chats: yield* store.chats(chats),
    log: yield* store.entries(chats.map((chat) => ({ chat, after: 0, limit: 100 }))),
    parts: yield* Effect.forEach([0, 1, 3, 6], (after) => store.entries([{ chat: GROUP, after, limit: 2 }])),
    history: yield* Effect.forEach(chats, (chat) => store.history(chat, { from: 1, to: 100, hiddenFrom: BEN })),
    first: yield* store.history(GROUP, { from: 1, to: 1 }),
    messages: yield* store.messagesByGid(["m1", "m2", "m3", "m4", "m5"])
  }
})

/** A database of version 1 written by SQL statements, and a store in memory with the same data. */
const first = Effect.fnUntraced(function* (file: string) {
  const memory = MemoryStore.make()
  for (const one of told) yield* memory.commit(one)
  const database = new DatabaseSync(file)
  database.exec(
    `${migrations[0]}; PRAGMA application_id = ${0x50726c79}; PRAGMA user_version = 1; PRAGMA journal_mode = WAL`
  )
  for (const user of yield* memory.allUsers) {
    database
      .prepare(
        `INSERT INTO users (account, realname, avatar, role, dept, admin, organisation, disabled, created_at, since)
         VALUES (?, ?, '', '', 0, 0, NULL, 0, ?, ?)`
      )
      .run(user.account, user.realname, user.createdAt, 0)
  }
  for (const { chat } of yield* memory.chats([GROUP, OTHER])) {
    database
      .prepare(
        `INSERT INTO chats (gid, name, type, public, subject, created_by, owner, admins, committers, created_at,
           edited_by, edited_at, version, attributes, dissolved) VALUES (?, ?, ?, 0, 0, ?, ?, '[]', ?, ?, ?, ?, ?, ?, 0)`
      )
      .run(
        chat.gid,
        chat.name,
        chat.type,
        chat.createdBy,
        chat.owner,
        JSON.stringify(chat.senders),
        chat.createdAt,
        chat.editedBy,
        chat.editedAt,
        chat.version,
        JSON.stringify(chat.attributes)
      )
    let nth = 0
    for (const { joinSeq, joinedAt, user } of chat.members.values()) {
      database.prepare("INSERT INTO members VALUES (?, ?, ?, ?, ?)").run(chat.id, user, joinedAt, joinSeq, nth++)
    }
  }
  const insert = database.prepare(`INSERT INTO log VALUES (${Array.from({ length: 14 }, () => "?").join()})`)
  const log = yield* memory.entries([GROUP, OTHER].map((chat) => ({ chat, after: 0, limit: 100 })))
  for (const entry of log) insert.run(...columns(entry))
  database.exec(`INSERT INTO hidden_messages VALUES (${BEN}, 6)`)
  assert.deepStrictEqual(new Set(log.map(({ body }) => body._tag)).size, 5)
  return { database, memory }
})

const earlier: ReadonlyArray<readonly [what: string, become: (database: DatabaseSync) => void]> = [
  ["version 1", () => {}],
  ["version 2", (database) => assert.isUndefined(migrate(database, migrations.slice(0, 2)))],
  ["version 3", (database) => assert.isUndefined(migrate(database, migrations.slice(0, 3)))],
  ["version 4", (database) => assert.isUndefined(migrate(database, migrations.slice(0, 4)))],
  ["version 5", (database) => assert.isUndefined(migrate(database, migrations.slice(0, 5)))],
  [
    "version 2 whose process was killed before all was indexed",
    (database) => {
      assert.isUndefined(migrate(database, migrations.slice(0, 2)))
      database.exec("DELETE FROM log_by_chat WHERE id > 4; DELETE FROM log_by_gid WHERE id > 4")
      database.exec("UPDATE log_indexed SET upto = 4")
    }
  ]
]

describe("a database of an earlier version", () => {
  for (const [what, become] of earlier)
    it.effect(
      `tells the same once it is one of this version, and its log goes on: ${what}`,
      Effect.fnUntraced(function* () {
        const file = join(yield* folder, "parley.db")
        const { database, memory } = yield* first(file)
        become(database)
        database.close()
        yield* Effect.scoped(
          Effect.gen(function* () {
            const store = yield* SqliteStore.make({ file })
            assert.deepStrictEqual(yield* everything(store), yield* everything(memory))
            for (const gid of ["m4", "m5"]) {
              const next = batch(appending(OTHER, BEN, posting(gid)))
              assert.deepStrictEqual(
                yield* Effect.result(store.commit(next)),
                yield* Effect.result(memory.commit(next))
              )
            }
            // References to the log still hold.
            for (const hidden of [NO_ENTRY, EntryId(3)]) {
              const hide = batch({ _tag: "HideMessage", user: ANN, message: hidden })
              assert.strictEqual(
                (yield* Effect.result(store.commit(hide)))._tag,
                (yield* Effect.result(memory.commit(hide)))._tag
              )
            }
            assert.deepStrictEqual(yield* everything(store), yield* everything(memory))
          })
        )
        const after = new DatabaseSync(file)
        assert.deepStrictEqual(after.prepare("PRAGMA foreign_key_check").all(), [])
        assert.strictEqual(after.prepare("PRAGMA integrity_check").get()?.["integrity_check"], "ok")
        const referring = after.prepare("SELECT name FROM sqlite_schema WHERE sql GLOB '*log_rebuilt*'").all()
        assert.deepStrictEqual(referring, [])
        after.close()
      })
    )

  it.effect(
    "keeps where each user began in the system chats, though it had the newest entry of the store instead",
    Effect.fnUntraced(function* () {
      const file = join(yield* folder, "parley.db")
      const { database } = yield* first(file)
      assert.isUndefined(migrate(database, migrations.slice(0, 5)))
      const chat = (gid: string, type: string) =>
        database.exec(
          `INSERT INTO chats (gid, name, type, public, subject, admins, senders, created_at, edited_at, version,
             attributes, dissolved) VALUES ('${gid}', '', '${type}', 0, 0, '[]', '"all"', 0, 0, 1, '{}', 0)`
        )
      chat("system", "system")
      chat("later", "system")
      const newest = Number(Object.values(database.prepare("SELECT max(id) FROM log").get() ?? {})[0])
      // Entries newest + 1 … newest + 6: 1, 2 and 5 in the first system chat, 6 in the second.
      for (const [at, [id, seq]] of [
        [3, 1],
        [3, 2],
        [1, 900],
        [2, 900],
        [3, 3],
        [4, 1]
      ].entries()) {
        database.exec(
          `INSERT INTO log (id, chat, seq, posted, at, kind) VALUES (${newest + at + 1}, ${id}, ${seq}, 0, 0, 'Created')`
        )
        if (at === 1) {
          database.exec(`INSERT INTO log_by_chat SELECT chat, seq, id FROM log WHERE id > ${newest}`)
          database.exec(`UPDATE log_indexed SET upto = ${newest + 2}`)
        }
      }
      for (const after of [0, 1, 4, 5, 6]) {
        database.exec(
          `INSERT INTO users (account, realname, avatar, role, dept, admin, disabled, created_at, since)
           VALUES ('user${after}', '', '', '', 0, 0, 0, 0, ${newest + after})`
        )
      }
      assert.isUndefined(migrate(database))
      database.close()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* SqliteStore.make({ file })
          const users = (yield* store.allUsers).filter(({ account }) => account.startsWith("user"))
          assert.deepStrictEqual(
            users.map(({ since }) => since),
            [{}, { 3: 1 }, { 3: 2 }, { 3: 3 }, { 3: 3, 4: 1 }]
          )
        })
      )
    })
  )

  it.effect(
    "stays one when it cannot become one of this version",
    Effect.fnUntraced(function* () {
      const { database } = yield* first(join(yield* folder, "parley.db"))
      const dump = () =>
        ["log", "hidden_messages", "sqlite_schema"].map((table) => database.prepare(`SELECT * FROM ${table}`).all())
      const before = dump()
      assert.throws(() => migrate(database, [...migrations, "SELECT 1 FROM nowhere"]), /nowhere/)
      assert.deepStrictEqual(dump(), before)
      assert.strictEqual(database.prepare("PRAGMA user_version").get()?.["user_version"], 1)
      assert.strictEqual(database.prepare("PRAGMA foreign_keys").get()?.["foreign_keys"], 1)
      assert.isUndefined(migrate(database))
      assert.strictEqual(database.prepare("PRAGMA foreign_keys").get()?.["foreign_keys"], 1)
      database.close()
    })
  )
})
