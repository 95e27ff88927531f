/** Laws of sessions: concurrent logins and logouts of a user have one order. */
import * as Effect from "effect/Effect"
import type { UserId } from "../../model/Ids.ts"
import type { StoredSession } from "../../ports/Store.ts"
import { law, NO_USER, NOW, pair, refused, same, sorted, type StoreLaw, type Storing, batch, write } from "./Law.ts"

const sessionOf = (hash: string, user: UserId, more: Partial<StoredSession> = {}): StoredSession => ({
  hash,
  user,
  kind: "chat",
  device: "",
  createdAt: NOW,
  usedAt: NOW,
  ...more
})

/** Opens a session of which at most `keep` of its kind are left; returns the ended ones. */
const open = (store: Storing, session: StoredSession, keep: number, epoch?: number) =>
  Effect.map(
    write(store, "Sessions", { _tag: "SaveSession", session, keep, ...(epoch !== undefined && { epoch }) }),
    ({ ended }) => ended
  )

const hashesOf = (store: Storing, user: UserId) =>
  Effect.map(store.sessionsOf(user), (all) =>
    sorted(
      all.map(({ hash }) => hash),
      (hash) => hash
    )
  )

export const sessionLaws: ReadonlyArray<StoreLaw> = [
  law(
    "a session is found by its hash until it ends, and replaced under the same hash",
    Effect.fnUntraced(function* (store) {
      const [a, b] = yield* pair(store)
      const save = (session: StoredSession) => store.commit(batch({ _tag: "SaveSession", session }))
      const h1 = sessionOf("h1", a)
      const h2 = sessionOf("h2", a, { kind: "token", device: "phone", createdAt: NOW + 1 })
      yield* save(h1)
      yield* save(h2)
      yield* save(sessionOf("h3", b))
      yield* same("one", yield* store.session("h2"), h2)
      yield* save({ ...h1, usedAt: NOW + 60_000 })
      yield* same("used", yield* store.session("h1"), { ...h1, usedAt: NOW + 60_000 })
      yield* same(
        "all of a user",
        sorted(yield* store.sessionsOf(a), (session) => session.hash),
        [{ ...h1, usedAt: NOW + 60_000 }, h2]
      )
      yield* store.commit(batch({ _tag: "EndSession", hash: "h1" }, { _tag: "EndSession", hash: "unknown" }))
      yield* same("ended", yield* store.session("h1"), undefined)
      yield* same(
        "the others",
        (yield* store.sessionsOf(a)).map((session) => session.hash),
        ["h2"]
      )
      yield* same(
        "of another",
        (yield* store.sessionsOf(b)).map((session) => session.hash),
        ["h3"]
      )
    })
  ),
  law(
    "the last use of a session is stored, and never restores an ended one",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const session = sessionOf("h", a)
      yield* open(store, session, 1)
      yield* store.commit(batch({ _tag: "TouchSession", hash: "h", usedAt: NOW + 5 }))
      yield* same("used", yield* store.session("h"), { ...session, usedAt: NOW + 5 })
      yield* store.commit(batch({ _tag: "TouchSession", hash: "h", usedAt: NOW - 5 }))
      yield* same("a clock that was set back counts", yield* store.session("h"), { ...session, usedAt: NOW - 5 })
      yield* Effect.all(
        [
          store.commit(batch({ _tag: "EndSession", hash: "h" })),
          store.commit(batch({ _tag: "TouchSession", hash: "h", usedAt: NOW + 9 }))
        ],
        { concurrency: "unbounded" }
      )
      yield* same("ended", yield* store.session("h"), undefined)
    })
  ),
  law(
    "beyond the bound of their kind a user's least recently used sessions end, never the new one",
    Effect.fnUntraced(function* (store) {
      const [a, b] = yield* pair(store)
      yield* open(store, sessionOf("other", b), 1)
      yield* open(store, sessionOf("token", a, { kind: "token", usedAt: NOW - 100 }), 2)
      yield* same("room", yield* open(store, sessionOf("h1", a, { usedAt: NOW + 3 }), 3), [])
      yield* open(store, sessionOf("h2", a, { usedAt: NOW + 1 }), 3)
      yield* open(store, sessionOf("h3", a, { usedAt: NOW + 2 }), 3)
      yield* same("the least recently used", yield* open(store, sessionOf("h4", a), 3), ["h2"])
      yield* same("a lower bound, used last first", yield* open(store, sessionOf("h5", a, { usedAt: NOW - 1 }), 1), [
        "h1",
        "h3",
        "h4"
      ])
      yield* same("left", yield* hashesOf(store, a), ["h5", "token"])
      yield* same("of another user", yield* hashesOf(store, b), ["other"])
      yield* same("unbounded", (yield* store.commit(batch({ _tag: "SaveSession", session: sessionOf("h6", a) })))[0], {
        _tag: "Sessions",
        ended: []
      })
    })
  ),
  law(
    "of concurrently opened sessions that replace each other one is left, and each other one ended once",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      yield* open(store, sessionOf("token", a, { kind: "token" }), 1)
      const hashes = Array.from({ length: 8 }, (_, index) => `h${index}`)
      const ended = yield* Effect.forEach(hashes, (hash) => open(store, sessionOf(hash, a), 1), {
        concurrency: "unbounded"
      })
      const left = (yield* hashesOf(store, a)).filter((hash) => hash !== "token")
      yield* same("left", left.length, 1)
      yield* same(
        "ended",
        sorted(ended.flat(), (hash) => hash),
        hashes.filter((hash) => hash !== left[0])
      )
    })
  ),
  law(
    "all sessions of a user end at once, and a login based on the earlier epoch conflicts",
    Effect.fnUntraced(function* (store) {
      const [a, b] = yield* pair(store)
      yield* open(store, sessionOf("h1", a, { usedAt: NOW + 1 }), 5)
      yield* open(store, sessionOf("h2", a, { kind: "token" }), 5)
      yield* open(store, sessionOf("h3", b), 5)
      const epoch = yield* store.sessionEpoch(a)
      const ended = yield* write(store, "Sessions", { _tag: "EndSessions", user: a })
      yield* same("ended", ended.ended, ["h1", "h2"])
      yield* same("left", yield* hashesOf(store, a), [])
      yield* same("of another", yield* hashesOf(store, b), ["h3"])
      const late = yield* refused("a late login", open(store, sessionOf("late", a), 1, epoch))
      yield* same("late", late, { _tag: "VersionConflict", chats: [], messages: [] })
      yield* open(store, sessionOf("new", a), 1, yield* store.sessionEpoch(a))
      yield* same("new", yield* hashesOf(store, a), ["new"])
      yield* same("another's epoch", yield* open(store, sessionOf("h4", b), 5, yield* store.sessionEpoch(b)), [])
      yield* same("nobody's epoch", yield* store.sessionEpoch(NO_USER), 0)
    })
  ),
  law(
    "a login while all sessions end is refused, or ended with them",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const epoch = yield* store.sessionEpoch(a)
      const logins = Array.from({ length: 6 }, (_, index) =>
        Effect.exit(open(store, sessionOf(`h${index}`, a), 10, epoch))
      )
      const ending = store.commit(
        batch({ _tag: "ChangeUser", user: a, change: { password: "new" } }, { _tag: "EndSessions", user: a })
      )
      yield* Effect.all([...logins.slice(0, 3), ending, ...logins.slice(3)], { concurrency: "unbounded" })
      yield* same("left", yield* hashesOf(store, a), [])
      yield* same("password", yield* store.password(a), "new")
    })
  ),
  law(
    "a disabled user gets no session",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const disable = { _tag: "ChangeUser", user: a, change: { disabled: true } } as const
      yield* store.commit(batch(disable))
      const error = yield* refused("a session", open(store, sessionOf("h", a), 1, yield* store.sessionEpoch(a)))
      yield* same("refusal", error, { _tag: "VersionConflict", chats: [], messages: [] })
      yield* same("left", yield* hashesOf(store, a), [])
    })
  ),
  law(
    "a batch with a refused session writes nothing",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      yield* open(store, sessionOf("h1", a), 1)
      const settings = { _tag: "SaveSettings", user: a, settings: "lost" } as const
      const late = { _tag: "SaveSession", session: sessionOf("h2", a), keep: 1, epoch: 7 } as const
      yield* refused("a batch", store.commit(batch(settings, late)))
      const saved = { ...late, epoch: 0 }
      const once = {
        _tag: "PutRecord",
        record: { dialect: "d", kind: "k", key: "x", value: 1 },
        once: true
      } as const
      yield* store.commit(batch(once))
      yield* refused("a batch that ended a session", store.commit(batch(saved, { _tag: "EndSessions", user: a }, once)))
      yield* same("settings", yield* store.settings(a), null)
      yield* same("left", yield* hashesOf(store, a), ["h1"])
      yield* same("epoch", yield* store.sessionEpoch(a), 0)
    })
  )
]
