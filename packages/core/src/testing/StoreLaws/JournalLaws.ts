/** Laws of the journal, by which nodes that share a store learn what others have changed. */
import * as Effect from "effect/Effect"
import type { Change } from "../../model/Journal.ts"
import type { Write } from "../../ports/Store.ts"
import {
  append,
  appending,
  batch,
  createChat,
  law,
  newChat,
  newUser,
  NO_CHAT,
  NOW,
  pair,
  post,
  posting,
  refused,
  same,
  type StoreLaw,
  type Storing
} from "./Law.ts"

/** Maximum number of changes and entries in these laws. */
const ALL = 1000

/** Returns the changes by the commits of `work`. */
const changesBy = Effect.fnUntraced(function* (
  store: Storing,
  work: Effect.Effect<unknown, unknown>
): Effect.fn.Return<ReadonlyArray<Change>, unknown> {
  const { change } = yield* store.journal.newest
  yield* work
  const page = yield* store.journal.changes(change, ALL)
  yield* same("complete", page.complete, true)
  return page.entries.map((entry) => entry.change)
})

export const journalLaws: ReadonlyArray<StoreLaw> = [
  law(
    "the journal has each new or changed user and chat, by rising ids, page by page",
    Effect.fnUntraced(function* (store) {
      yield* same("newest of an empty store", yield* store.journal.newest, { change: 0, entry: 0 })
      yield* same("an empty journal", yield* store.journal.changes(0, ALL), { entries: [], complete: true })
      const [a, b] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const entry = yield* append(store, chat.id, a, { _tag: "Changed", name: "n", added: [b] })
      yield* store.commit(batch({ _tag: "ChangeUser", user: b, change: { disabled: true } }))
      const page = yield* store.journal.changes(0, ALL)
      const ids = page.entries.map(({ id }) => id)
      yield* same(
        "ids from 1, rising",
        ids,
        [...new Set(ids)].filter((id) => id >= 1).sort((x, y) => x - y)
      )
      const created = yield* store.entries([{ chat: chat.id, after: 0, limit: 1 }])
      yield* same(
        "changes",
        page.entries.map(({ change }) => change),
        [
          { _tag: "UserChanged", user: a, renamed: false },
          { _tag: "UserChanged", user: b, renamed: false },
          { _tag: "ChatChanged", chat: chat.id, entry: created[0]?.id, seq: 1 },
          { _tag: "ChatChanged", chat: chat.id, entry: entry.id, seq: 2 },
          { _tag: "UserChanged", user: b, renamed: false }
        ]
      )
      yield* same("newest", yield* store.journal.newest, { change: ids.at(-1), entry: entry.id })
      yield* same("a page", (yield* store.journal.changes(ids[0] ?? 0, 2)).entries, page.entries.slice(1, 3))
      yield* same("after the newest", yield* store.journal.changes(ids.at(-1) ?? 0, ALL), {
        entries: [],
        complete: true
      })
    })
  ),
  law(
    "the journal has each ended session once, and whether a login replaced it",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const save = (hash: string, keep: number): Write => ({
        _tag: "SaveSession",
        session: { hash, user: a, kind: "chat", device: "", createdAt: NOW, usedAt: NOW },
        keep
      })
      const commit = (...writes: ReadonlyArray<Write>) => changesBy(store, store.commit(batch(...writes)))
      const ended = (hash: string, replaced: boolean) => ({ _tag: "SessionEnded", user: a, hash, replaced })
      yield* same("a login", yield* commit(save("h1", 1)), [])
      yield* same("a second login", yield* commit(save("h2", 1)), [ended("h1", true)])
      yield* same("a use", yield* commit({ _tag: "TouchSession", hash: "h2", usedAt: NOW + 1 }), [])
      const end = { _tag: "EndSession", hash: "h2" } as const
      yield* same("a logout", yield* commit(end), [ended("h2", false)])
      yield* same("a repeated logout", yield* commit(end), [])
      yield* commit(save("h5", 9))
      yield* same("a replacement", yield* commit({ _tag: "EndSession", hash: "h5", replaced: true }), [
        ended("h5", true)
      ])
      yield* commit(save("h3", 9))
      yield* commit(save("h4", 9), { _tag: "TouchSession", hash: "h4", usedAt: NOW + 1 })
      yield* same("all sessions", yield* commit({ _tag: "EndSessions", user: a }), [
        ended("h4", false),
        ended("h3", false)
      ])
      yield* same("no session", yield* commit({ _tag: "EndSessions", user: a }), [])
    })
  ),
  law(
    "the journal has no messages, cursors, preferences and records, but each noted change",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const message = yield* post(store, chat.id, a, "m")
      const silent = Effect.gen(function* () {
        yield* post(store, chat.id, a, "m2")
        yield* append(store, chat.id, a, { _tag: "Recalled", message: message.id })
        yield* store.commit(
          batch(
            { _tag: "SetPreference", chat: chat.id, user: a, star: true },
            {
              _tag: "MoveCursor",
              cursor: { chat: chat.id, user: a, device: "", pushed: 1, delivered: 1, acked: [], read: 0 }
            },
            { _tag: "SaveSettings", user: a, settings: "{}" },
            { _tag: "PutRecord", record: { dialect: "d", kind: "k", key: "x", value: 1 } }
          )
        )
      })
      yield* same("silent", yield* changesBy(store, silent), [])
      const noted: ReadonlyArray<Extract<Write, { readonly _tag: "NoteChange" }>> = [
        { _tag: "NoteChange", change: { _tag: "RecordsChanged", dialect: "d", kind: "k" } },
        { _tag: "NoteChange", change: { _tag: "DirectoryChanged", ids: ["é", "2"] } },
        { _tag: "NoteChange", change: { _tag: "DirectoryChanged", ids: null } }
      ]
      yield* same("results", yield* store.commit(batch(...noted)), [
        { _tag: "Done" },
        { _tag: "Done" },
        { _tag: "Done" }
      ])
      yield* same(
        "noted",
        yield* changesBy(store, store.commit(batch(...noted))),
        noted.map(({ change }) => change)
      )
    })
  ),
  law(
    "a refused batch leaves nothing in the journal",
    Effect.fnUntraced(function* (store) {
      const [a, b] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      yield* post(store, chat.id, a, "taken")
      const writes: ReadonlyArray<Write> = [
        { _tag: "CreateUser", user: newUser("lost") },
        { _tag: "ChangeUser", user: a, change: { realname: "lost" } },
        { _tag: "CreateChat", chat: newChat("lost", [b]), by: b },
        appending(chat.id, a, { _tag: "Changed", name: "lost" }),
        { _tag: "NoteChange", change: { _tag: "RecordsChanged", dialect: "d", kind: "k" } }
      ]
      for (const last of [appending(chat.id, a, posting("taken")), appending(NO_CHAT, a, posting("n"))]) {
        const work = refused("a batch", store.commit(batch(...writes, last)))
        yield* same("changes", yield* changesBy(store, work), [])
      }
      const work = store.commit(batch({ _tag: "ChangeUser", user: a, change: { realname: "kept" } }))
      yield* same("the next one", yield* changesBy(store, work), [{ _tag: "UserChanged", user: a, renamed: true }])
    })
  ),
  law(
    "appended entries of all chats are read by id, page by page",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const one = (yield* createChat(store, "c1", [a])).chat.id
      const two = (yield* createChat(store, "c2", [a])).chat.id
      const { entry: before } = yield* store.journal.newest
      const entries = yield* Effect.forEach([one, two, two, one], (chat, n) => post(store, chat, a, `m${n}`))
      const located = entries.map(({ id, chat, seq }) => ({ id, chat, seq }))
      yield* same("all", yield* store.journal.appended(before, ALL), located)
      yield* same("a page", yield* store.journal.appended(located[0]?.id ?? 0, 2), located.slice(1, 3))
      yield* same("from the beginning", (yield* store.journal.appended(0, ALL)).length, 6)
      yield* same("after the newest", yield* store.journal.appended(located.at(-1)?.id ?? 0, ALL), [])
    })
  )
]
