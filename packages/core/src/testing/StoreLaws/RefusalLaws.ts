/** Laws of refused batches: duplicates and faulty ones, without a trace, and without harm to others. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { fromPosted } from "../../model/Message.ts"
import type { Entry, Posted } from "../../model/Log.ts"
import type { Write } from "../../ports/Store.ts"
import {
  amending,
  append,
  appending,
  chatAt,
  createChat,
  createUser,
  dice,
  law,
  logOf,
  LawBroken,
  newChat,
  newUser,
  NO_CHAT,
  NO_ENTRY,
  NO_USER,
  NOW,
  pair,
  people,
  post,
  posting,
  refused,
  same,
  batch,
  type StoreLaw
} from "./Law.ts"

const CONCURRENT = { concurrency: "unbounded" } as const

export const refusalLaws: ReadonlyArray<StoreLaw> = [
  law(
    "a message with a stored gid is a duplicate with the stored message as it stands now",
    Effect.fnUntraced(function* (store) {
      const [a, b] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a, b])
      const other = yield* createChat(store, "d", [a, b])
      const entry = yield* post(store, chat.id, a, "m")
      const body = { _tag: "Replaced", message: entry.id, contentType: "image", content: "new" } as const
      const { id: revision } = yield* append(store, chat.id, a, body)
      const expected = { ...fromPosted(entry as Entry<Posted>), contentType: "image", content: "new", revision }
      for (const id of [chat.id, other.chat.id]) {
        const error = yield* refused("duplicate", store.commit(batch(appending(id, b, posting("m")))))
        yield* same("refusal", error._tag === "Duplicate" ? error.messages : error, [expected])
      }
      yield* same("log", (yield* logOf(store, chat.id)).length, 3)
      yield* same("other log", (yield* logOf(store, other.chat.id)).length, 1)
    })
  ),
  law(
    "a batch with a duplicate gid at its end writes nothing",
    Effect.fnUntraced(function* (store) {
      const [a, b] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const stored = yield* Effect.forEach(["m1", "m2"], (gid) => post(store, chat.id, a, gid))
      const before = yield* chatAt(store, chat.id)
      const error = yield* refused(
        "duplicate",
        store.commit(
          batch(
            appending(chat.id, a, posting("m3")),
            appending(chat.id, a, { _tag: "Changed", name: "lost", added: [b] }),
            { _tag: "SetPreference", chat: chat.id, user: a, star: true },
            {
              _tag: "MoveCursor",
              cursor: { chat: chat.id, user: a, device: "", pushed: 9, delivered: 9, acked: [], read: 9 }
            },
            { _tag: "CreateUser", user: newUser("lost") },
            { _tag: "CreateChat", chat: newChat("lost", [a]), by: a },
            { _tag: "PutRecord", record: { dialect: "d", kind: "k", key: "lost", value: 1 } },
            { _tag: "AddFile", file: { chat: chat.id, title: "lost", size: 1, addedBy: a, at: NOW, blob: "b" } },
            appending(chat.id, a, posting("m2")),
            appending(chat.id, a, posting("m1"))
          )
        )
      )
      const found = error._tag === "Duplicate" ? error.messages.map((message) => message.id) : []
      yield* same(
        "duplicates",
        [...found].sort((x, y) => x - y),
        stored.map((entry) => entry.id)
      )
      yield* same("chat", yield* chatAt(store, chat.id), before)
      yield* same("log", (yield* logOf(store, chat.id)).length, 3)
      yield* same("message", yield* store.messagesByGid(["m3"]), [])
      yield* same("preferences", yield* store.preferences(a), [])
      yield* same("cursors", yield* store.cursorsIn(chat.id, [a]), [])
      yield* same("user", yield* store.usersByAccount(["lost"]), [])
      yield* same("new chat", yield* store.chatByGid("lost"), undefined)
      yield* same("chats of the added one", yield* store.chatsOf(b), [])
      yield* same("record", yield* store.record("d", "k", "lost"), undefined)
      yield* same("files", yield* store.files(chat.id), [])
      const next = yield* post(store, chat.id, a, "m3")
      yield* same("what comes next", [next.seq, next.posted], [4, 3])
    })
  ),
  law(
    "a chat with a stored gid is a duplicate with the stored chat",
    Effect.fnUntraced(function* (store) {
      const [a, b] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a, b])
      yield* post(store, chat.id, a, "m")
      const error = yield* refused(
        "duplicate",
        store.commit(batch({ _tag: "CreateChat", chat: newChat("c", [b], { name: "other" }), by: b }))
      )
      yield* same("refusal", error._tag === "Duplicate" ? error.chat : error, yield* chatAt(store, chat.id))
    })
  ),
  law(
    "of concurrent creations of one gid exactly one creates a chat",
    Effect.fnUntraced(function* (store) {
      const [a, b] = yield* pair(store)
      const outcomes = yield* Effect.forEach(
        Array.from({ length: 8 }),
        () => Effect.result(store.commit(batch({ _tag: "CreateChat", chat: newChat("c", [a, b]), by: a }))),
        CONCURRENT
      )
      const made = outcomes.flatMap((outcome) => (Result.isSuccess(outcome) ? outcome.success : []))
      yield* same("made", made.length, 1)
      const stored = yield* store.chatByGid("c")
      for (const outcome of outcomes) {
        if (Result.isSuccess(outcome)) continue
        const error = outcome.failure
        yield* same("the others", error._tag === "Duplicate" ? error.chat?.chat.id : error, stored?.chat.id)
      }
    })
  ),
  law(
    "a taken account is a duplicate that names it",
    Effect.fnUntraced(function* (store) {
      yield* createUser(store, "ann")
      const error = yield* refused(
        "duplicate",
        store.commit(batch({ _tag: "CreateUser", user: newUser("bob") }, { _tag: "CreateUser", user: newUser("ann") }))
      )
      yield* same("refusal", error._tag === "Duplicate" ? error.account : error, "ann")
      yield* same(
        "users",
        (yield* store.allUsers).map((user) => user.account),
        ["ann"]
      )
    })
  ),
  law(
    "an existing record that must be new is a duplicate with the stored one",
    Effect.fnUntraced(function* (store) {
      const record = { dialect: "d", kind: "k", key: "x", value: { n: 1 } }
      const once = (value: unknown): Write => ({ _tag: "PutRecord", record: { ...record, value }, once: true })
      yield* store.commit(batch(once({ n: 1 })))
      const error = yield* refused("duplicate", store.commit(batch(once({ n: 2 }))))
      yield* same("refusal", error._tag === "Duplicate" ? error.record : error, record)
      yield* same("record", yield* store.record("d", "k", "x"), record)
      yield* store.commit(batch({ _tag: "PutRecord", record: { ...record, value: null } }))
      yield* store.commit(batch(once({ n: 3 })))
      yield* same("after it was removed", (yield* store.record("d", "k", "x"))?.value, { n: 3 })
    })
  ),
  law(
    "a batch with a version conflict is refused as such, even if it has duplicates",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      yield* post(store, chat.id, a, "m")
      const writes = [appending(chat.id, a, posting("m"))]
      const error = yield* refused(
        "conflict",
        store.commit({ expectedVersions: [{ chat: chat.id, version: 7 }], writes })
      )
      yield* same("refusal", error._tag, "VersionConflict")
    })
  ),
  law(
    "a batch with the same unique key twice fails and writes nothing",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const twice: ReadonlyArray<Write> = [
        appending(chat.id, a, posting("m")),
        { _tag: "CreateUser", user: newUser("twin") },
        { _tag: "CreateChat", chat: newChat("twin", [a]), by: a },
        { _tag: "PutRecord", record: { dialect: "d", kind: "k", key: "twin", value: 1 }, once: true }
      ]
      for (const one of twice) {
        const error = yield* refused(one._tag, store.commit(batch(one, one)))
        yield* same("refusal", error._tag, "StorageFailed")
      }
      yield* same("log", (yield* logOf(store, chat.id)).length, 1)
      yield* same("users", yield* store.usersByAccount(["twin"]), [])
      yield* same("chats", yield* store.chatByGid("twin"), undefined)
      yield* same("records", yield* store.records("d", "k"), [])
    })
  ),
  law(
    "a batch with an unknown chat, user or message fails and writes nothing",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const cursor = { chat: chat.id, user: a, device: "", pushed: 1, delivered: 1, acked: [], read: 1 }
      const preference = { _tag: "SetPreference", chat: chat.id, user: a, star: true } as const
      const file = { chat: chat.id, title: "t", size: 1, addedBy: a, at: NOW, blob: "b" }
      const session = { hash: "h", user: a, kind: "chat", device: "", createdAt: NOW, usedAt: NOW } as const
      const broken: ReadonlyArray<Write> = [
        appending(NO_CHAT, a, posting("n")),
        appending(chat.id, NO_USER, posting("n")),
        amending(chat.id, a, { _tag: "Recalled", message: NO_ENTRY }, NO_ENTRY),
        appending(chat.id, a, { _tag: "Changed", added: [NO_USER] }),
        appending(chat.id, a, { _tag: "Changed", owner: NO_USER }),
        { _tag: "CreateChat", chat: newChat("n", [a, NO_USER]), by: a },
        { _tag: "CreateChat", chat: newChat("n", [a], { owner: NO_USER }), by: a },
        { ...preference, chat: NO_CHAT },
        { ...preference, user: NO_USER },
        { _tag: "MoveCursor", cursor: { ...cursor, chat: NO_CHAT } },
        { _tag: "MoveCursor", cursor: { ...cursor, user: NO_USER } },
        { _tag: "HideMessage", user: NO_USER, message: (yield* post(store, chat.id, a, "m")).id },
        { _tag: "HideMessage", user: a, message: NO_ENTRY },
        { _tag: "ChangeUser", user: NO_USER, change: { realname: "n" } },
        { _tag: "SaveSettings", user: NO_USER, settings: "{}" },
        { _tag: "SaveSession", session: { ...session, user: NO_USER } },
        { _tag: "EndSessions", user: NO_USER },
        { _tag: "AddFile", file: { ...file, chat: NO_CHAT } },
        { _tag: "AddFile", file: { ...file, addedBy: NO_USER } }
      ]
      for (const one of broken) {
        for (const writes of [[one], [appending(chat.id, a, posting("lost")), one]]) {
          const error = yield* refused(JSON.stringify(one), store.commit(batch(...writes)))
          yield* same(`refusal of ${JSON.stringify(one)}`, error._tag, "StorageFailed")
        }
      }
      yield* same("log", (yield* logOf(store, chat.id)).length, 2)
      yield* same("chat", (yield* chatAt(store, chat.id)).chat, chat)
      yield* same("chats", yield* store.chatByGid("n"), undefined)
      yield* same("next", (yield* post(store, chat.id, a, "lost")).seq, 3)
    })
  ),
  law(
    "refused batches do not harm concurrent ones",
    Effect.fnUntraced(function* (store) {
      const users = yield* people(store, 3)
      const [a] = users
      if (a === undefined) return
      const chats = yield* Effect.forEach(["c0", "c1", "c2"], (gid) => createChat(store, gid, users))
      yield* Effect.forEach(chats, ({ chat }) => post(store, chat.id, a, `taken in ${chat.id}`))
      const roll = dice(7)
      const batches = Array.from({ length: 120 }, (_, n) => {
        const { chat } = chats[roll(chats.length)] ?? { chat: { id: NO_CHAT } }
        const good = appending(chat.id, a, posting(`good ${n}`))
        const kind = roll(5)
        if (kind === 0) return { ok: false, batch: batch(good, appending(chat.id, a, posting(`taken in ${chat.id}`))) }
        if (kind === 1)
          return { ok: false, batch: { expectedVersions: [{ chat: chat.id, version: 9 }], writes: [good] } }
        if (kind === 2) return { ok: false, batch: batch(good, appending(NO_CHAT, a, posting(`bad ${n}`))) }
        if (kind === 3) return { ok: true, batch: batch(good, appending(chat.id, a, posting(`more ${n}`))) }
        return { ok: true, batch: { expectedVersions: [{ chat: chat.id, version: 1 }], writes: [good] } }
      })
      const outcomes = yield* Effect.forEach(batches, (one) => Effect.result(store.commit(one.batch)), CONCURRENT)
      for (const [n, outcome] of outcomes.entries()) {
        const wanted = batches[n]?.ok
        if (Result.isSuccess(outcome) !== wanted) {
          return yield* new LawBroken({ what: `batch ${n}`, expected: { ok: wanted }, actual: outcome })
        }
        const found = (yield* store.messagesByGid([`good ${n}`])).length
        yield* same(`message of batch ${n}`, found, wanted === true ? 1 : 0)
        if (Result.isSuccess(outcome)) {
          const entries = outcome.success.flatMap((one) => (one._tag === "Entry" ? [one.entry] : []))
          const [message] = yield* store.messagesByGid([`good ${n}`])
          yield* same(`result of batch ${n}`, [entries[0]?.id, entries[0]?.seq], [message?.id, message?.seq])
        }
      }
      for (const { chat } of chats) {
        const log = yield* logOf(store, chat.id)
        yield* same(
          "sequence",
          log.map((entry) => entry.seq),
          log.map((_, index) => index + 1)
        )
      }
    })
  )
]
