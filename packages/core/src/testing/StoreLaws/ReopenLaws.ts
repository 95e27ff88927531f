/** Laws of stores that outlive their process. */
import * as Effect from "effect/Effect"
import {
  append,
  appending,
  createChat,
  createUser,
  logOf,
  newChat,
  newUser,
  NO_USER,
  NOW,
  pair,
  post,
  posting,
  refused,
  same,
  sorted,
  batch,
  type Storing
} from "./Law.ts"

/** Opens and closes one store, which is empty when first opened. It is closed before it is opened again. */
export interface Reopening {
  /** Opens the store. */
  readonly open: () => Effect.Effect<Storing, unknown>
  /** Closes the store. */
  readonly close: () => Effect.Effect<void, unknown>
}

/** One law of a store that is closed and opened again: fails if it does not hold. */
export interface ReopenLaw {
  /** The law, in one sentence. */
  readonly name: string
  /** Fails if the law does not hold. */
  readonly check: (store: Reopening) => Effect.Effect<void, unknown>
}

/** Returns all facts that a store has about these chats and users. */
const everything = Effect.fnUntraced(function* (store: Storing) {
  const users = yield* store.allUsers
  const ids = yield* store.chatsOf(users[0]?.id ?? NO_USER)
  const chats = [...(yield* store.chats(ids))].sort((x, y) => x.chat.id - y.chat.id)
  return {
    users,
    passwords: yield* Effect.forEach(users, (user) => store.password(user.id)),
    settings: yield* Effect.forEach(users, (user) => store.settings(user.id)),
    sessions: yield* Effect.forEach(users, (user) => store.sessionsOf(user.id)),
    preferences: yield* Effect.forEach(users, (user) => store.preferences(user.id)),
    chats,
    logs: yield* Effect.forEach(ids, (id) => logOf(store, id)),
    histories: yield* Effect.forEach(chats, ({ chat, head }) =>
      store.history(chat.id, { from: 1, to: head.posted, ...(users[0] && { hiddenFrom: users[0].id }) })
    ),
    cursors: yield* Effect.forEach(chats, ({ chat }) =>
      store.cursorsIn(
        chat.id,
        users.map((user) => user.id)
      )
    ),
    files: yield* Effect.forEach(ids, (id) => store.files(id)),
    records: yield* store.records("d", "k"),
    journal: yield* store.journal.changes(0, 1000),
    newest: yield* store.journal.newest,
    systemChats: yield* store.systemChats,
    publicChats: yield* store.publicChats
  }
})

const fill = Effect.fnUntraced(function* (store: Storing) {
  const ann = (yield* createUser(store, "ann", { password: "p", organisation: 2 })).id
  const bob = (yield* createUser(store, "bob")).id
  const { chat } = yield* createChat(store, "c", [ann, bob], { public: true, attributes: { x: [1] } })
  yield* createChat(store, "system", [], { type: "system", createdBy: null, owner: null })
  const first = yield* post(store, chat.id, ann, "m1")
  const second = yield* post(store, chat.id, bob, "m2")
  yield* append(store, chat.id, ann, { _tag: "Replaced", message: first.id, contentType: "file", content: "new" })
  yield* append(store, chat.id, ann, { _tag: "Changed", name: "new", removed: [bob], admins: [ann] })
  yield* store.commit(
    batch(
      { _tag: "SetPreference", chat: chat.id, user: ann, star: true, mute: true },
      {
        _tag: "MoveCursor",
        cursor: { chat: chat.id, user: ann, device: "", pushed: 5, delivered: 2, acked: [4], read: 3 }
      },
      { _tag: "HideMessage", user: ann, message: second.id },
      { _tag: "SaveSettings", user: ann, settings: "{}" },
      {
        _tag: "SaveSession",
        session: { hash: "h", user: ann, kind: "token", device: "", createdAt: NOW, usedAt: NOW + 1 }
      },
      { _tag: "AddFile", file: { chat: chat.id, title: "t", size: 1, addedBy: ann, at: NOW, blob: "b" } },
      { _tag: "PutRecord", record: { dialect: "d", kind: "k", key: "x", value: { y: 1 } } }
    )
  )
  return { ann, chat: chat.id }
})

/** The laws of a durable store across restarts, for any test runner. */
export const reopenLaws: ReadonlyArray<ReopenLaw> = [
  {
    name: "committed data exists after reopening: the same facts, heads, logs and cursors",
    check: Effect.fnUntraced(function* ({ close, open }) {
      const store = yield* open()
      yield* fill(store)
      const before = yield* everything(store)
      yield* close()
      yield* same("after reopening", yield* everything(yield* open()), before)
      yield* close()
    })
  },
  {
    name: "sequences, numbers and ids continue after reopening",
    check: Effect.fnUntraced(function* ({ close, open }) {
      const before = yield* open()
      const { ann, chat } = yield* fill(before)
      const log = yield* logOf(before, chat)
      const last = log[log.length - 1]
      const newest = Math.max(...(yield* before.chatsOf(ann)))
      yield* close()
      const store = yield* open()
      const entry = yield* post(store, chat, ann, "m3")
      yield* same("sequence and number", [entry.seq, entry.posted], [(last?.seq ?? 0) + 1, 3])
      yield* same("the id rises", entry.id > (last?.id ?? 0), true)
      const made = yield* createChat(store, "new", [ann])
      yield* same("a new chat's id", made.chat.id > newest, true)
      const system = yield* createChat(store, "late", [], { type: "system", owner: null })
      yield* same("a new user's since", (yield* createUser(store, "carl")).since[system.chat.id], 1)
      yield* close()
    })
  },
  {
    name: "conflicts and duplicates are refused after reopening as before",
    check: Effect.fnUntraced(function* ({ close, open }) {
      const { ann, chat } = yield* fill(yield* open())
      yield* close()
      const store = yield* open()
      const message = batch(appending(chat, ann, posting("m1")))
      yield* same("message", (yield* refused("message", store.commit(message)))._tag, "Duplicate")
      const made = batch({ _tag: "CreateChat", chat: newChat("c", [ann]), by: ann })
      yield* same("chat", (yield* refused("chat", store.commit(made)))._tag, "Duplicate")
      const account = batch({ _tag: "CreateUser", user: newUser("ann") })
      yield* same("account", (yield* refused("account", store.commit(account)))._tag, "Duplicate")
      const old = { expectedVersions: [{ chat, version: 1 }], writes: [appending(chat, ann, posting("m4"))] }
      yield* same("version", (yield* refused("version", store.commit(old)))._tag, "VersionConflict")
      yield* close()
    })
  },
  {
    name: "batches being committed at the close are stored if they returned a result",
    check: Effect.fnUntraced(function* ({ close, open }) {
      const store = yield* open()
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const committed: Array<string> = []
      const commits = Effect.forEach(
        Array.from({ length: 200 }, (_, n) => `m${n}`),
        (gid) =>
          Effect.ignore(
            Effect.tap(store.commit(batch(appending(chat.id, a, posting(gid)))), () =>
              Effect.sync(() => committed.push(gid))
            )
          ),
        { concurrency: "unbounded", discard: true }
      )
      yield* Effect.all([commits, close()], { concurrency: "unbounded", discard: true })
      const found = yield* (yield* open()).messagesByGid(committed)
      yield* same(
        "messages",
        sorted(found, (message) => message.id).map((message) => message.gid),
        committed
      )
      yield* close()
    })
  }
]
