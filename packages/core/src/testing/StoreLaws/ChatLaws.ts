/** Laws of chats: facts, heads, membership and preferences. */
import * as Effect from "effect/Effect"
import type { Chat } from "../../model/Chat.ts"
import { evolve, type Changed } from "../../model/Log.ts"
import {
  append,
  appending,
  chatAt,
  createChat,
  createUser,
  dice,
  law,
  logOf,
  NO_CHAT,
  NO_USER,
  NOW,
  pair,
  people,
  post,
  posting,
  same,
  sorted,
  batch,
  type StoreLaw
} from "./Law.ts"

export const chatLaws: ReadonlyArray<StoreLaw> = [
  law(
    "a new chat has the given facts, version 1, and its creation as the first entry",
    Effect.fnUntraced(function* (store) {
      const [a, b] = yield* pair(store)
      const created = yield* createChat(store, "c", [b, a, b], {
        name: "名字 🦊",
        type: "project",
        public: true,
        subject: 12,
        createdBy: b,
        owner: a,
        admins: [b],
        senders: [a, b],
        attributes: { note: "n", deep: { list: [1, "2", false, { x: null }] } }
      })
      const { admins, attributes, senders, createdBy, members, name, owner, subject, type } = created.chat
      yield* same(
        "facts",
        [name, type, created.chat.public, subject, createdBy, owner, admins, senders, attributes],
        ["名字 🦊", "project", true, 12, b, a, [b], [a, b], { note: "n", deep: { list: [1, "2", false, { x: null }] } }]
      )
      yield* same(
        "members, in the order given, each once",
        [...members.values()],
        [
          { user: b, joinedAt: NOW, joinSeq: 1 },
          { user: a, joinedAt: NOW, joinSeq: 1 }
        ]
      )
      const { dissolved, editedAt, editedBy, version } = created.chat
      yield* same(
        "the rest",
        { dissolved, editedAt, editedBy, version },
        {
          dissolved: false,
          editedAt: 0,
          editedBy: null,
          version: 1
        }
      )
      yield* same("head", created.head, { seq: 1, posted: 0, activeAt: 0 })
      yield* same("by id", yield* store.chats([created.chat.id]), [created])
      yield* same("by gid", yield* store.chatByGid("c"), created)
      const log = yield* logOf(store, created.chat.id)
      yield* same("log", log, [
        {
          id: log[0]?.id,
          chat: created.chat.id,
          seq: 1,
          posted: 0,
          at: NOW,
          by: b,
          device: null,
          body: { _tag: "Created" }
        }
      ])
    })
  ),
  law(
    "facts after changes equal evolve, change by change",
    Effect.fnUntraced(function* (store) {
      const users = yield* people(store, 5)
      const [a, b, c, d, e] = users
      if (a === undefined || b === undefined || c === undefined || d === undefined || e === undefined) return
      const created = yield* createChat(store, "c", [a, b], { admins: [b], attributes: { keep: 1, drop: 2 } })
      const changes: ReadonlyArray<Omit<Changed, "_tag">> = [
        { name: "new name" },
        { public: true },
        { public: false },
        { admins: [a, b] },
        { senders: [a, c] },
        { senders: "admins" },
        { added: [d, c, d, a] },
        { removed: [b, e] },
        { removed: [a], owner: c },
        { added: [b, a] },
        { removed: [d], added: [d, e] },
        { owner: null },
        { attributes: { drop: null, more: { x: [1] } } },
        { attributes: { keep: "other" }, name: "", senders: "all" },
        { admins: [e, d], removed: [e] },
        {},
        { dissolved: true }
      ]
      let facts = created.chat
      for (const [n, change] of changes.entries()) {
        const by = n % 3 === 0 ? null : a
        const entry = yield* append(store, created.chat.id, by, { _tag: "Changed", ...change }, { at: NOW + n })
        facts = evolve(facts, entry)
        const now = yield* chatAt(store, created.chat.id)
        yield* same(`facts after ${JSON.stringify(change)}`, now.chat, facts)
        yield* same("head", now.head, { seq: n + 2, posted: 0, activeAt: 0 })
      }
      yield* same("version", facts.version, 1 + changes.length)
    })
  ),
  law(
    "facts after any changes equal evolve, even with several changes in one batch",
    Effect.fnUntraced(function* (store) {
      const users = yield* people(store, 8)
      for (let seed = 1; seed <= 5; seed++) {
        const roll = dice(seed)
        const some = () => users.filter(() => roll(3) === 0)
        const created = yield* createChat(store, `c${seed}`, some(), { createdBy: null, owner: null })
        let facts: Chat = created.chat
        for (let n = 0; n < 12; n++) {
          const changes = Array.from({ length: 1 + roll(3) }, (): Changed => {
            const choice = roll(4)
            if (choice === 0) return { _tag: "Changed", added: some(), removed: some() }
            if (choice === 1) return { _tag: "Changed", admins: some(), removed: some() }
            if (choice === 2) return { _tag: "Changed", added: some(), senders: some() }
            return { _tag: "Changed", attributes: { [`k${roll(3)}`]: roll(2) === 0 ? null : n } }
          })
          const actual = yield* store.commit({
            expectedVersions: [{ chat: facts.id, version: facts.version }],
            writes: changes.map((change) => appending(facts.id, null, change, { at: NOW + n }))
          })
          for (const one of actual) if (one._tag === "Entry") facts = evolve(facts, one.entry)
          yield* same(`facts in chat ${seed}, step ${n}`, (yield* chatAt(store, facts.id)).chat, facts)
        }
      }
    })
  ),
  law(
    "a head counts entries and messages, and has the time of the newest message",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const head = Effect.map(chatAt(store, chat.id), (stored) => stored.head)
      yield* append(store, chat.id, a, { _tag: "Changed", name: "n" }, { at: NOW + 1 })
      yield* same("without a message", yield* head, { seq: 2, posted: 0, activeAt: 0 })
      yield* append(store, chat.id, a, posting("m1"), { at: NOW + 2 })
      const entry = yield* append(store, chat.id, a, posting("m2"), { at: NOW + 3 })
      yield* same("after two messages", yield* head, { seq: 4, posted: 2, activeAt: NOW + 3 })
      yield* append(store, chat.id, a, { _tag: "Recalled", message: entry.id }, { at: NOW + 4 })
      for (let n = 0; n < 5; n++) {
        yield* append(store, chat.id, a, { _tag: "Changed", name: `${n}` }, { at: NOW + 5 + n })
      }
      yield* same("after a recall and changes", yield* head, { seq: 10, posted: 2, activeAt: NOW + 3 })
    })
  ),
  law(
    "chats are read by id, including dissolved ones; unknown ids and gids are left out",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const one = yield* createChat(store, "c1", [a])
      const two = yield* createChat(store, "c2", [a])
      yield* append(store, two.chat.id, a, { _tag: "Changed", dissolved: true })
      const found = yield* store.chats([two.chat.id, NO_CHAT, one.chat.id, two.chat.id])
      yield* same(
        "chats",
        sorted(found, (stored) => stored.chat.id).map((stored) => stored.chat.gid),
        ["c1", "c2"]
      )
      yield* same("dissolved", (yield* store.chatByGid("c2"))?.chat.dissolved, true)
      yield* same("unknown gid", yield* store.chatByGid("C1"), undefined)
      yield* same("no ids", yield* store.chats([]), [])
    })
  ),
  law(
    "a user's chats are their own and the system's, without dissolved ones, by id",
    Effect.fnUntraced(function* (store) {
      const [a, b] = yield* pair(store)
      const alone = yield* createUser(store, "alone")
      const both = yield* createChat(store, "both", [a, b])
      const hers = yield* createChat(store, "hers", [a])
      const system = yield* createChat(store, "system", [], { type: "system", createdBy: null, owner: null })
      const left = yield* createChat(store, "left", [b, a])
      const dissolved = yield* createChat(store, "dissolved", [a, b])
      const old = yield* createChat(store, "old", [], { type: "system", createdBy: null, owner: null })
      yield* append(store, left.chat.id, a, { _tag: "Changed", removed: [a] })
      yield* append(store, dissolved.chat.id, a, { _tag: "Changed", dissolved: true })
      yield* append(store, old.chat.id, null, { _tag: "Changed", dissolved: true })
      yield* same("chats of a", yield* store.chatsOf(a), [both.chat.id, hers.chat.id, system.chat.id])
      yield* same("chats of b", yield* store.chatsOf(b), [both.chat.id, system.chat.id, left.chat.id])
      yield* same("of somebody alone", yield* store.chatsOf(alone.id), [system.chat.id])
      yield* append(store, hers.chat.id, a, { _tag: "Changed", added: [alone.id] })
      yield* same("after joining", yield* store.chatsOf(alone.id), [hers.chat.id, system.chat.id])
      yield* same("system chats", yield* store.systemChats, [system.chat.id])
    })
  ),
  law(
    "public chats are those public now and not dissolved, by id",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const [one, two, three, four] = yield* Effect.forEach([true, false, true, true], (open, n) =>
        createChat(store, `c${n}`, [a], { public: open })
      )
      if (one === undefined || two === undefined || three === undefined || four === undefined) return
      yield* same("at first", yield* store.publicChats, [one.chat.id, three.chat.id, four.chat.id])
      yield* append(store, one.chat.id, a, { _tag: "Changed", public: false })
      yield* append(store, two.chat.id, a, { _tag: "Changed", public: true })
      yield* append(store, four.chat.id, a, { _tag: "Changed", dissolved: true })
      yield* same("later", yield* store.publicChats, [two.chat.id, three.chat.id])
    })
  ),
  law(
    "each member has their own preference, and the latest one counts",
    Effect.fnUntraced(function* (store) {
      const [a, b] = yield* pair(store)
      const one = (yield* createChat(store, "c1", [a, b])).chat.id
      const two = (yield* createChat(store, "c2", [a, b])).chat.id
      const set = (chat: typeof one, user: typeof a, star: boolean, hide: boolean, mute: boolean) =>
        store.commit(batch({ _tag: "SetPreference", chat, user, star, hide, mute }))
      yield* set(one, a, true, false, false)
      yield* set(two, a, false, true, false)
      yield* set(one, b, false, false, true)
      yield* set(one, a, false, true, true)
      yield* same(
        "of a",
        sorted(yield* store.preferences(a), (preference) => preference.chat),
        [
          { chat: one, user: a, star: false, hide: true, mute: true },
          { chat: two, user: a, star: false, hide: true, mute: false }
        ]
      )
      yield* same("of b", yield* store.preferences(b), [{ chat: one, user: b, star: false, hide: false, mute: true }])
      yield* same("of nobody", yield* store.preferences(NO_USER), [])
    })
  ),
  law(
    "a preference keeps the flags that a write does not name, even of concurrent writes, and is returned whole",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { id: chat } = (yield* createChat(store, "c", [a])).chat
      const set = (flags: { readonly star?: boolean; readonly hide?: boolean; readonly mute?: boolean }) =>
        Effect.map(store.commit(batch({ _tag: "SetPreference", chat, user: a, ...flags })), ([written]) => written)
      const actual = yield* Effect.all([set({ star: true }), set({ mute: true }), set({ star: false, hide: true })], {
        concurrency: "unbounded"
      })
      const preference = { chat, user: a, star: false, hide: true, mute: true }
      yield* same("returned", actual, [
        { _tag: "Preference", preference: { ...preference, star: true, hide: false, mute: false } },
        { _tag: "Preference", preference: { ...preference, star: true, hide: false } },
        { _tag: "Preference", preference }
      ])
      yield* same("stored", yield* store.preferences(a), [preference])
    })
  ),
  law(
    "ids of chats and users are never reused, even after a refused batch",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const seen: Array<number> = []
      for (let n = 0; n < 3; n++) {
        const { chat } = yield* createChat(store, `c${n}`, [a])
        seen.push(chat.id)
        yield* post(store, chat.id, a, `m${n}`)
        yield* Effect.ignore(store.commit(batch({ _tag: "CreateChat", chat: { ...chat, members: [a] }, by: a })))
      }
      yield* same(
        "rising",
        seen,
        [...new Set(seen)].sort((x, y) => x - y)
      )
    })
  )
]
