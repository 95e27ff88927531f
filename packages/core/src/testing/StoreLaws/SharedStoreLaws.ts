/** Laws of a store that several nodes share: each check runs on two instances of one fresh, empty database. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { ChatId, UserId } from "../../model/Ids.ts"
import type { Write } from "../../ports/Store.ts"
import {
  append,
  appending,
  batch,
  chatAt,
  createChat,
  createUser,
  dice,
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
  sorted,
  type Storing
} from "./Law.ts"

/** One sentence that is true of every shared store, and its check on two instances of it. */
export interface SharedStoreLaw {
  /** The law, in one sentence. */
  readonly name: string
  /** `repetitions`: number of commits of each instance in the laws about concurrent ones. */
  readonly check: (one: Storing, other: Storing, repetitions: number) => Effect.Effect<void, unknown>
}

const CONCURRENT = { concurrency: "unbounded" } as const

/** Fails unless the chat's sequence is 1, 2, 3, …, its ids rise along it, and its head is its last entry. */
const isWhole = Effect.fnUntraced(function* (store: Storing, chat: ChatId) {
  const log = yield* logOf(store, chat)
  yield* same(
    "sequence",
    log.map(({ seq }) => seq),
    log.map((_, index) => index + 1)
  )
  const ids = log.map(({ id }) => id)
  yield* same(
    "ids along the sequence",
    ids,
    [...new Set(ids)].sort((x, y) => x - y)
  )
  let posted = 0
  yield* same(
    "messages up to each entry",
    log.map((entry) => entry.posted),
    log.map(({ body }) => (body._tag === "Posted" ? ++posted : posted))
  )
  const { chat: facts, head } = yield* chatAt(store, chat)
  yield* same("head", [head.seq, head.posted], [log.length, posted])
  yield* same("version", facts.version, 1 + log.filter(({ body }) => body._tag === "Changed").length)
  return log
})

/** Commits both writes at once, one by each instance; returns the results in that order. */
const race = (one: Storing, other: Storing, first: Write, second: Write = first) =>
  Effect.all([Effect.result(one.commit(batch(first))), Effect.result(other.commit(batch(second)))], CONCURRENT)

/** Laws of a store that several nodes share. */
export const sharedStoreLaws: ReadonlyArray<SharedStoreLaw> = [
  {
    name: "a commit of one instance that has returned is read by the other, which continues from it",
    check: Effect.fnUntraced(function* (one, other) {
      const [a, b] = yield* pair(one)
      const { chat } = yield* createChat(other, "c", [a, b])
      const first = yield* post(one, chat.id, a, "m1")
      yield* same("the log", (yield* logOf(other, chat.id)).at(-1), first)
      const second = yield* post(other, chat.id, b, "m2")
      const change = yield* append(one, chat.id, a, { _tag: "Changed", name: "n" })
      yield* same("sequences", [first.seq, second.seq, change.seq], [2, 3, 4])
      yield* same("ids rise", second.id > first.id && change.id > second.id, true)
      const elsewhere = yield* createChat(other, "d", [b])
      const later = yield* post(one, elsewhere.chat.id, b, "m3")
      yield* same("also in another chat", later.id > change.id, true)
      yield* same("facts", yield* chatAt(other, chat.id), yield* chatAt(one, chat.id))
      yield* same("users", (yield* createUser(other, "late")).id > b, true)
      yield* isWhole(other, chat.id)
    })
  },
  {
    name: "a version or a revision that the other instance has changed is a conflict",
    check: Effect.fnUntraced(function* (one, other) {
      const [a, b] = yield* pair(one)
      const { chat } = yield* createChat(one, "c", [a])
      const message = yield* post(one, chat.id, a, "m")
      // Both instances have read the chat.
      yield* post(other, chat.id, a, "m2")
      yield* append(one, chat.id, a, { _tag: "Changed", added: [b] })
      const stale = {
        expectedVersions: [{ chat: chat.id, version: 1 }],
        writes: [appending(chat.id, a, posting("m3"))]
      }
      const conflict = yield* refused("an outdated version", other.commit(stale))
      yield* same("the conflict", conflict, { _tag: "VersionConflict", chats: [chat.id], messages: [] })
      yield* append(other, chat.id, a, { _tag: "Recalled", message: message.id })
      const recall: Write = {
        _tag: "Amend",
        chat: chat.id,
        by: a,
        device: null,
        at: NOW,
        body: { _tag: "Recalled", message: message.id },
        revision: message.id
      }
      const revised = yield* refused("an outdated revision", one.commit(batch(recall)))
      yield* same("the conflict", revised, { _tag: "VersionConflict", chats: [], messages: [message.id] })
      const changes = [appending(chat.id, a, { _tag: "Changed", name: "x" })]
      const racing = { expectedVersions: [{ chat: chat.id, version: 2 }], writes: changes }
      const outcomes = yield* Effect.all(
        [one, other].map((store) => Effect.result(store.commit(racing))),
        CONCURRENT
      )
      yield* same("one of two changes wins", outcomes.filter(Result.isSuccess).length, 1)
      yield* isWhole(one, chat.id)
    })
  },
  {
    name: "concurrent posts of both instances leave a sequence of 1, 2, 3, … with rising ids in every chat",
    check: Effect.fnUntraced(function* (one, other, repetitions) {
      const [a, b] = yield* pair(one)
      const chats = yield* Effect.forEach(["c0", "c1", "c2"], (gid) => createChat(one, gid, [a, b]))
      const posts = (store: Storing, name: string) =>
        Effect.forEach(
          Array.from({ length: repetitions }),
          (_, n) => {
            const { chat } = chats[n % chats.length] ?? { chat: { id: NO_CHAT } }
            return store.commit(batch(appending(chat.id, a, posting(`${name}${n}`))))
          },
          { ...CONCURRENT, discard: true }
        )
      yield* Effect.all([posts(one, "x"), posts(other, "y")], CONCURRENT)
      let messages = 0
      for (const { chat } of chats) {
        const log = yield* isWhole(other, chat.id)
        messages += log.length - 1
      }
      yield* same("messages", messages, 2 * repetitions)
      yield* same("appended", (yield* one.journal.appended(0, 4 * repetitions)).length, messages + chats.length)
    })
  },
  {
    name: "batches that name chats in opposite orders are all committed",
    check: Effect.fnUntraced(function* (one, other, repetitions) {
      const [a] = yield* pair(one)
      const chats = yield* Effect.forEach(["c0", "c1"], (gid) => createChat(one, gid, [a]))
      const ids = chats.map(({ chat }) => chat.id)
      const commits = (store: Storing, name: string, order: ReadonlyArray<ChatId>) =>
        Effect.forEach(
          Array.from({ length: repetitions }),
          (_, n) => store.commit(batch(...order.map((chat) => appending(chat, a, posting(`${name}${n}/${chat}`))))),
          { ...CONCURRENT, discard: true }
        )
      yield* Effect.all([commits(one, "x", ids), commits(other, "y", ids.toReversed())], CONCURRENT)
      for (const id of ids) yield* same("entries", (yield* isWhole(one, id)).length, 1 + 2 * repetitions)
    })
  },
  {
    name: "of two messages with one gid exactly one is stored, and the other is a duplicate that names it",
    check: Effect.fnUntraced(function* (one, other, repetitions) {
      const [a] = yield* pair(one)
      const first = (yield* createChat(one, "c0", [a])).chat.id
      const second = (yield* createChat(one, "c1", [a])).chat.id
      for (let n = 0; n < repetitions; n++) {
        const gid = `m${n}`
        const chat = n % 2 === 0 ? first : second
        const outcomes = yield* race(one, other, appending(first, a, posting(gid)), appending(chat, a, posting(gid)))
        const [message] = yield* other.messagesByGid([gid])
        const [found] = outcomes.flatMap((outcome) => (Result.isFailure(outcome) ? [outcome.failure] : []))
        yield* same(
          "stored",
          outcomes.flatMap((outcome) =>
            Result.isSuccess(outcome) && outcome.success[0]?._tag === "Entry" ? [outcome.success[0].entry.id] : []
          ),
          [message?.id]
        )
        yield* same("duplicate", found?._tag === "Duplicate" ? found.messages.map(({ id }) => id) : found, [
          message?.id
        ])
      }
      yield* isWhole(one, first)
      yield* isWhole(other, second)
    })
  },
  {
    name: "of two new chats, accounts or records with one key exactly one is stored",
    check: Effect.fnUntraced(function* (one, other) {
      const [a] = yield* pair(one)
      const record = { dialect: "d", kind: "k", key: "x", value: 1 }
      const expected = { _tag: "PutRecord", record: { ...record, key: "y" }, expected: null } as const
      const writes: ReadonlyArray<readonly [Write, loser: string]> = [
        [{ _tag: "CreateChat", chat: newChat("c", [a]), by: a }, "Duplicate"],
        [{ _tag: "CreateUser", user: newUser("ann") }, "Duplicate"],
        [{ _tag: "PutRecord", record, once: true }, "Duplicate"],
        [expected, "VersionConflict"]
      ]
      for (const [write, loser] of writes) {
        const outcomes = yield* race(one, other, write)
        yield* same(
          write._tag,
          outcomes.flatMap((outcome) => (Result.isFailure(outcome) ? [outcome.failure._tag] : [])),
          [loser]
        )
      }
    })
  },
  {
    name: "of concurrent logins that replace each other one session is left, and each other one ended once",
    check: Effect.fnUntraced(function* (one, other, repetitions) {
      const [a] = yield* pair(one)
      const { change } = yield* one.journal.newest
      const login = (hash: string): Write => ({
        _tag: "SaveSession",
        session: { hash, user: a, kind: "chat", device: "", createdAt: NOW, usedAt: NOW },
        keep: 1
      })
      const hashes = Array.from({ length: repetitions }, (_, n) => [`x${n}`, `y${n}`] as const)
      const results = yield* Effect.forEach(hashes, ([x, y]) => race(one, other, login(x), login(y)), CONCURRENT)
      const ended = results.flat().flatMap((outcome) => {
        const [result] = Result.isSuccess(outcome) ? outcome.success : []
        return result?._tag === "Sessions" ? result.ended : []
      })
      const left = (yield* other.sessionsOf(a)).map(({ hash }) => hash)
      yield* same("left", left.length, 1)
      const others = sorted(
        hashes.flat().filter((hash) => hash !== left[0]),
        (hash) => hash
      )
      yield* same(
        "ended",
        sorted(ended, (hash) => hash),
        others
      )
      const journal = yield* other.journal.changes(change, 4 * repetitions)
      const told = journal.entries.map(({ change: one }) => (one._tag === "SessionEnded" ? one.hash : one._tag))
      yield* same(
        "in the journal",
        sorted(told, (hash) => hash),
        others
      )
    })
  },
  {
    name: "a login by one instance while the other ends all sessions or disables the user is refused or ended",
    check: Effect.fnUntraced(function* (one, other, repetitions) {
      for (let n = 0; n < repetitions; n++) {
        const user = (yield* createUser(one, `user${n}`)).id
        const session = { hash: `h${n}`, user, kind: "chat", device: "", createdAt: NOW, usedAt: NOW } as const
        const epoch = yield* one.sessionEpoch(user)
        const end = batch(
          { _tag: "ChangeUser", user, change: { disabled: n % 2 === 0 } },
          { _tag: "EndSessions", user }
        )
        const login = batch({ _tag: "SaveSession", session, keep: 1, epoch })
        yield* Effect.all([Effect.result(one.commit(login)), other.commit(end)], CONCURRENT)
        yield* same("left", yield* one.sessionsOf(user), [])
      }
    })
  },
  {
    name: "a refused batch of one instance harms no batch of the other",
    check: Effect.fnUntraced(function* (one, other, repetitions) {
      const [a] = yield* pair(one)
      const { chat } = yield* createChat(one, "c", [a])
      yield* post(one, chat.id, a, "taken")
      const roll = dice(11)
      const batches = Array.from({ length: 2 * repetitions }, (_, n) => {
        const good = appending(chat.id, a, posting(`m${n}`))
        const kind = roll(4)
        const bad = [appending(chat.id, a, posting("taken")), appending(NO_CHAT, a, posting(`n${n}`))][kind]
        return { ok: bad === undefined, gid: `m${n}`, batch: batch(good, ...(bad === undefined ? [] : [bad])) }
      })
      const outcomes = yield* Effect.forEach(
        batches,
        (each, n) => Effect.result((n % 2 === 0 ? one : other).commit(each.batch)),
        CONCURRENT
      )
      yield* same(
        "outcomes",
        outcomes.map(Result.isSuccess),
        batches.map(({ ok }) => ok)
      )
      const good = batches.filter(({ ok }) => ok).map(({ gid }) => gid)
      const found = yield* one.messagesByGid(batches.map(({ gid }) => gid))
      yield* same(
        "stored",
        sorted(
          found.map(({ gid }) => gid),
          (gid) => gid
        ),
        sorted(good, (gid) => gid)
      )
      yield* isWhole(other, chat.id)
    })
  },
  {
    name: "cursors that both instances move only move forward",
    check: Effect.fnUntraced(function* (one, other, repetitions) {
      const [a] = yield* pair(one)
      const { chat } = yield* createChat(one, "c", [a])
      const cursor = (n: number): Write => ({
        _tag: "MoveCursor",
        cursor: { chat: chat.id, user: a, device: "", pushed: n, delivered: n, acked: [], read: n }
      })
      const order = Array.from({ length: repetitions }, (_, n) => n + 1)
      yield* Effect.forEach(order, (n) => race(one, other, cursor(n), cursor(repetitions - n + 1)), CONCURRENT)
      const [moved] = yield* other.cursorsOf(a, "")
      yield* same("the farthest", [moved?.pushed, moved?.delivered, moved?.read], Array(3).fill(repetitions))
    })
  },
  {
    name: "the journal that one instance reads has all changes that both have committed",
    check: Effect.fnUntraced(function* (one, other, repetitions) {
      const users = yield* Effect.forEach(
        Array.from({ length: repetitions }),
        (_, n) => createUser(n % 2 === 0 ? one : other, `user${n}`),
        CONCURRENT
      )
      const { change } = yield* one.journal.newest
      const told = (yield* other.journal.changes(0, 4 * repetitions)).entries
      yield* same(
        "users",
        sorted(
          told.flatMap(({ change: each }): ReadonlyArray<UserId> => (each._tag === "UserChanged" ? [each.user] : [])),
          (id) => id
        ),
        sorted(
          users.map(({ id }) => id),
          (id) => id
        )
      )
      yield* same("the newest", told.at(-1)?.id, change)
      const { id } = yield* createUser(one, "late")
      const next = (yield* other.journal.changes(change, 9)).entries
      yield* same(
        "the next one",
        next.map((entry) => entry.change),
        [{ _tag: "UserChanged", user: id, renamed: false }]
      )
    })
  }
]
