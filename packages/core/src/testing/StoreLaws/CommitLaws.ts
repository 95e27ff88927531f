/** Laws of `commit`: ids, sequences, the order of batches, and version conflicts. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import {
  amending,
  append,
  appending,
  chatAt,
  createChat,
  law,
  logOf,
  newChat,
  newUser,
  NO_CHAT,
  NOW,
  pair,
  post,
  posting,
  refused,
  same,
  batch,
  type StoreLaw
} from "./Law.ts"

const CONCURRENT = { concurrency: "unbounded" } as const

export const commitLaws: ReadonlyArray<StoreLaw> = [
  law(
    "a batch returns the result of each write at its index",
    Effect.fnUntraced(function* (store) {
      const [a, b] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a, b])
      const file = { chat: chat.id, title: "t", size: 3, addedBy: a, at: NOW, blob: "k" }
      const actual = yield* store.commit(
        batch(
          { _tag: "SetPreference", chat: chat.id, user: a, star: true },
          appending(chat.id, a, posting("m1"), { device: "phone" }),
          { _tag: "CreateUser", user: newUser("third") },
          { _tag: "AddFile", file },
          appending(chat.id, null, { _tag: "Changed", name: "n" }, { at: NOW + 1 }),
          { _tag: "CreateChat", chat: newChat("d", [b]), by: b }
        )
      )
      yield* same(
        "tags",
        actual.map((one) => one._tag),
        ["Preference", "Entry", "User", "File", "Entry", "Chat"]
      )
      const entries = actual.flatMap((one) => (one._tag === "Entry" ? [one.entry] : []))
      yield* same("entries", entries, (yield* logOf(store, chat.id)).slice(1))
      yield* same(
        "sequences, numbers and origins",
        entries.map((one) => [one.seq, one.posted, one.at, one.by, one.device, one.body._tag]),
        [
          [2, 1, NOW, a, "phone", "Posted"],
          [3, 1, NOW + 1, null, null, "Changed"]
        ]
      )
      for (const one of actual) {
        if (one._tag === "User") yield* same("user", [one.user], yield* store.users([one.user.id]))
        if (one._tag === "File") yield* same("file", one.file, yield* store.file(one.file.id))
        if (one._tag === "Chat") yield* same("chat", one.stored, yield* chatAt(store, one.stored.chat.id))
      }
    })
  ),
  law(
    "a batch without writes returns no results, and conflicts if a chat has changed",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      yield* same("result", yield* store.commit({ expectedVersions: [{ chat: chat.id, version: 1 }], writes: [] }), [])
      const error = yield* refused(
        "conflict",
        store.commit({ expectedVersions: [{ chat: chat.id, version: 2 }], writes: [] })
      )
      yield* same("refusal", error._tag, "VersionConflict")
    })
  ),
  law(
    "an entry has a higher id than all entries whose commits had returned, in whichever chats",
    Effect.fnUntraced(function* (store) {
      const [a, b] = yield* pair(store)
      const one = yield* createChat(store, "c1", [a, b])
      const two = yield* createChat(store, "c2", [a, b])
      const ids: Array<number> = []
      for (let n = 0; n < 6; n++) {
        const { chat } = n % 2 === 0 ? one : two
        ids.push((yield* post(store, chat.id, a, `m${n}`)).id)
      }
      yield* same(
        "ids",
        ids,
        [...new Set(ids)].sort((x, y) => x - y)
      )
      yield* same(
        "integers from 1",
        ids.every((id) => Number.isSafeInteger(id) && id >= 1),
        true
      )
    })
  ),
  law(
    "fifty concurrent commits leave a sequence of 1, 2, 3, … in every chat",
    Effect.fnUntraced(function* (store) {
      const [a, b] = yield* pair(store)
      const chats = yield* Effect.forEach(["c0", "c1", "c2"], (gid) => createChat(store, gid, [a, b]))
      yield* Effect.forEach(
        Array.from({ length: 50 }),
        (_, n) =>
          store.commit(
            batch(
              ...chats.flatMap(({ chat }, index) =>
                (n + index) % 3 === 0
                  ? [appending(chat.id, a, posting(`${n}/${index}`))]
                  : [
                      appending(chat.id, a, posting(`${n}/${index}`)),
                      appending(chat.id, b, { _tag: "Changed", name: `${n}` })
                    ]
              )
            )
          ),
        CONCURRENT
      )
      for (const { chat } of chats) {
        const log = yield* logOf(store, chat.id)
        yield* same(
          "sequence",
          log.map((entry) => entry.seq),
          log.map((_, index) => index + 1)
        )
        let posted = 0
        const counts = log.map((entry) => (entry.body._tag === "Posted" ? ++posted : posted))
        yield* same(
          "messages up to each entry",
          log.map((entry) => entry.posted),
          counts
        )
        yield* same("messages", posted, 50)
        const ids = log.map((entry) => entry.id)
        yield* same(
          "ids along the sequence",
          ids,
          [...ids].sort((x, y) => x - y)
        )
        const { chat: now, head } = yield* chatAt(store, chat.id)
        yield* same("head", [head.seq, head.posted], [log.length, 50])
        yield* same("version", now.version, 1 + log.filter((entry) => entry.body._tag === "Changed").length)
      }
    })
  ),
  law(
    "batches of one store take effect in the order in which commit was called",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const gids = Array.from({ length: 40 }, (_, n) => `m${n}`)
      yield* Effect.forEach(gids, (gid) => store.commit(batch(appending(chat.id, a, posting(gid)))), CONCURRENT)
      const log = yield* logOf(store, chat.id)
      yield* same(
        "order",
        log.flatMap((entry) => (entry.body._tag === "Posted" ? [entry.body.gid] : [])),
        gids
      )
    })
  ),
  law(
    "the next read sees the writes of a commit",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      for (let n = 1; n <= 20; n++) {
        const entry = yield* post(store, chat.id, a, `m${n}`)
        yield* same("head", (yield* chatAt(store, chat.id)).head, { seq: n + 1, posted: n, activeAt: NOW })
        yield* same("entry", yield* store.entries([{ chat: chat.id, after: n, limit: 5 }]), [entry])
      }
    })
  ),
  law(
    "a commit based on an older version conflicts and writes nothing",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      yield* append(store, chat.id, a, { _tag: "Changed", name: "new" })
      for (const version of [1, 3]) {
        for (const writes of [
          [appending(chat.id, a, posting("m"))],
          [appending(chat.id, a, { _tag: "Changed", name: "lost" }), { _tag: "EndSession", hash: "h" } as const]
        ]) {
          const error = yield* refused(
            "conflict",
            store.commit({ expectedVersions: [{ chat: chat.id, version }], writes })
          )
          yield* same("refusal", error._tag === "VersionConflict" ? error.chats : error, [chat.id])
        }
      }
      yield* same("log", (yield* logOf(store, chat.id)).length, 2)
      yield* same("messages", yield* store.messagesByGid(["m"]), [])
      const actual = yield* store.commit({
        expectedVersions: [{ chat: chat.id, version: 2 }],
        writes: [appending(chat.id, a, posting("m"))]
      })
      yield* same("with the present version", actual.length, 1)
    })
  ),
  law(
    "a conflict names every chat that has changed or does not exist, and no other",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const [one, two, three] = yield* Effect.forEach(["1", "2", "3"], (gid) => createChat(store, gid, [a]))
      if (one === undefined || two === undefined || three === undefined) return
      yield* append(store, one.chat.id, a, { _tag: "Changed", name: "new" })
      yield* append(store, three.chat.id, a, { _tag: "Changed", name: "new" })
      const expectedVersions = [one.chat.id, two.chat.id, three.chat.id, NO_CHAT].map((chat) => ({ chat, version: 1 }))
      const error = yield* refused(
        "conflict",
        store.commit({ expectedVersions, writes: [appending(two.chat.id, a, posting("m"))] })
      )
      yield* same("refusal", error._tag === "VersionConflict" ? error.chats : error, [
        one.chat.id,
        three.chat.id,
        NO_CHAT
      ])
      yield* same("log", (yield* logOf(store, two.chat.id)).length, 1)
    })
  ),
  law(
    "of concurrent changes based on one version exactly one takes effect",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const outcomes = yield* Effect.forEach(
        Array.from({ length: 10 }),
        (_, n) =>
          Effect.result(
            store.commit({
              expectedVersions: [{ chat: chat.id, version: 1 }],
              writes: [appending(chat.id, a, { _tag: "Changed", name: `${n}` })]
            })
          ),
        CONCURRENT
      )
      yield* same("winners", outcomes.filter(Result.isSuccess).length, 1)
      const losers = outcomes.flatMap((outcome) => (Result.isFailure(outcome) ? [outcome.failure._tag] : []))
      yield* same("losers", [...new Set(losers)], ["VersionConflict"])
      yield* same("version", (yield* chatAt(store, chat.id)).chat.version, 2)
    })
  ),
  law(
    "messages, preferences and cursors leave a chat's version unchanged",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const entry = yield* post(store, chat.id, a, "m")
      const cursor = { chat: chat.id, user: a, device: "", pushed: 2, delivered: 2, acked: [], read: 2 }
      yield* store.commit({
        expectedVersions: [{ chat: chat.id, version: 1 }],
        writes: [
          { _tag: "SetPreference", chat: chat.id, user: a, star: true, hide: true, mute: true },
          { _tag: "MoveCursor", cursor },
          amending(chat.id, a, { _tag: "Recalled", message: entry.id }, entry.id)
        ]
      })
      yield* same("version", (yield* chatAt(store, chat.id)).chat.version, 1)
    })
  )
]
