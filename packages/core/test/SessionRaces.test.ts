/**
 * Logins, logouts, changes of passwords and disabling of one user at the same time, each interleaving forced. Source:
 * PROTOCOLS, "Kinds of tokens": logout, password change and disabling end tokens even while requests are under way.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { ClientSession } from "@parley/core/ClientSession"
import { Hub } from "@parley/core/Hub"
import type * as Parley from "@parley/core/Parley"
import { Sessions } from "@parley/core/Sessions"
import { StorageFailed, type Store, type WriteBatch } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { HeldStore } from "./HeldStore.ts"
import { online, people } from "./harness.ts"
import { engineOn } from "./directoryFixture.ts"

/** md5 of "correct-horse-7" and of "other-horse-8". */
const OLD = "d374a7bdfbe7dfa86bc2807569bacd5d"
const NEW = "5798d1970ba75c1e7c5a52c7169ac15a"

const KINDS = ["token", "chat"] as const

/** An engine that has ann, on a store that can be held. */
const withFixture = <A, E>(test: (held: HeldStore) => Effect.Effect<A, E, Parley.Services | Store>) =>
  Effect.suspend(() => {
    const held = new HeldStore(MemoryStore.make())
    return Effect.provide(
      Effect.andThen(people({ account: "ann", password: "correct-horse-7" }), test(held)),
      engineOn(held.store)
    )
  })

/** The same work on an engine that has just been started on the store: nothing is in its memory. */
const restarted = <A, E>(held: HeldStore, work: Effect.Effect<A, E, Parley.Services | Store>) =>
  Effect.provide(work, engineOn(held.store))

const login = Effect.fnUntraced(function* (kind: "chat" | "token", secret = OLD) {
  const { session } = yield* (yield* Sessions).login({
    account: "ann",
    secret,
    kind,
    device: "",
    address: "10.0.0.1"
  })
  return session
})

const isGood = Effect.fnUntraced(function* (token: string) {
  return (yield* (yield* Sessions).resume(token)) !== undefined
})

const storedOf = (held: HeldStore, user: Parameters<typeof held.store.sessionsOf>[0]) =>
  Effect.map(held.store.sessionsOf(user), (all) => all.map(({ hash }) => hash))

describe.each(KINDS)("a logout (%s)", (kind) => {
  it.effect("ends a token during its lookup", () =>
    withFixture((held) =>
      Effect.gen(function* () {
        const { token } = yield* login(kind)
        yield* restarted(
          held,
          Effect.gen(function* () {
            const sessions = yield* Sessions
            const reading = held.hold("session", "after")
            const lookup = yield* Effect.forkChild(sessions.resume(token))
            yield* reading.reached
            const found = yield* sessions.resume(token)
            assert(found)
            yield* sessions.end(found.session)
            reading.release()
            assert.isUndefined(yield* Fiber.join(lookup))
            assert.isFalse(yield* isGood(token))
          })
        )
      })
    )
  )

  it.effect("ends a token that is used during the commit of the logout", () =>
    withFixture((held) =>
      Effect.gen(function* () {
        const sessions = yield* Sessions
        for (const when of ["before", "after"] as const) {
          const session = yield* login(kind)
          const committing = held.hold("commit", when, "EndSession")
          const logout = yield* Effect.forkChild(sessions.end(session))
          yield* committing.reached
          yield* sessions.resume(session.token)
          committing.release()
          yield* Fiber.join(logout)
          assert.isTrue(session.ended)
          assert.isFalse(yield* isGood(session.token))
          assert.lengthOf(yield* storedOf(held, session.user), 0)
        }
      })
    )
  )

  it.effect("that cannot be stored is refused, and the token stays valid", () => {
    const store = MemoryStore.make()
    let failing = true
    const failed = new StorageFailed({ operation: "commit", cause: "full" })
    const ends = (batch: WriteBatch) => batch.writes.some(({ _tag }) => _tag === "EndSession")
    const commit: Store["Service"]["commit"] = (batch) =>
      failing && ends(batch) ? Effect.fail(failed) : store.commit(batch)
    return Effect.gen(function* () {
      yield* people({ account: "ann", password: "correct-horse-7" })
      const sessions = yield* Sessions
      const session = yield* login(kind)
      assert.strictEqual((yield* Effect.flip(sessions.end(session))).reason._tag, "Unavailable")
      assert.isTrue(yield* isGood(session.token))
      failing = false
      yield* sessions.end(session)
      assert.isFalse(yield* isGood(session.token))
    }).pipe(Effect.provide(engineOn({ ...store, commit })))
  })

  it.effect("is not undone by a concurrent write of the last use", () =>
    withFixture((held) =>
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const session = yield* login(kind)
        yield* TestClock.adjust("2 hours")
        const saving = held.hold("commit", "before", "TouchSession")
        assert.isTrue(yield* isGood(session.token))
        yield* saving.reached
        yield* sessions.end(session)
        saving.release()
        yield* TestClock.adjust("1 second")
        assert.isFalse(yield* isGood(session.token))
        assert.lengthOf(yield* storedOf(held, session.user), 0)
      })
    )
  )

  it.effect("of one token leaves the others", () =>
    withFixture(() =>
      Effect.gen(function* () {
        const [first, second] = [yield* login("token"), yield* login(kind)]
        yield* (yield* Sessions).end(first)
        assert.isFalse(yield* isGood(first.token))
        assert.isTrue(yield* isGood(second.token))
      })
    )
  )
})

describe("a chat login whose client has disconnected", () => {
  it.effect.each(["password", "sessionEpoch"] as const)("replaces no newer one (gone at %s)", (what) =>
    withFixture((held) =>
      Effect.gen(function* () {
        const sessions = yield* Sessions
        let isAwaited = true
        const reading = held.hold(what, "after")
        const request = { account: "ann", secret: OLD, kind: "chat", device: "", address: "10.0.0.1" } as const
        const first = yield* Effect.forkChild(Effect.flip(sessions.login({ ...request, isAwaited: () => isAwaited })))
        yield* reading.reached
        const newer = yield* login("chat")
        isAwaited = false
        reading.release()
        assert.strictEqual((yield* Fiber.join(first)).reason._tag, "NotLoggedIn")
        assert.isFalse(newer.ended)
        assert.isTrue(yield* isGood(newer.token))
        assert.deepStrictEqual(yield* storedOf(held, newer.user), [newer.hash])
      })
    )
  )
})

/** Acts that end all sessions of ann. */
const endings = [
  ["a change of the password", Effect.flatMap(Users, (users) => users.setPassword("ann", "other-horse-8"))],
  ["disabling", Effect.flatMap(Users, (users) => users.setDisabled("ann", true))]
] as const

for (const [what, ending] of endings) {
  describe.each(KINDS)(`${what}, and a login at the same time (%s)`, (kind) => {
    const cursors = [
      ["sessionEpoch", "before", undefined],
      ["sessionEpoch", "after", undefined],
      ["password", "before", undefined],
      ["password", "after", undefined],
      ["commit", "before", "SaveSession"],
      ["commit", "after", "SaveSession"]
    ] as const
    it.effect.each(cursors)("with the old password: no session is left (%s, held %s)", ([cursor, when, tag]) =>
      withFixture((held) =>
        Effect.gen(function* () {
          const users = yield* Users
          const hold = held.hold(cursor, when, tag)
          const late = yield* Effect.forkChild(Effect.exit(login(kind)))
          yield* hold.reached
          yield* ending
          hold.release()
          const exit = yield* Fiber.join(late)
          if (Exit.isSuccess(exit)) {
            // It was committed before: then it ended with the others.
            assert.strictEqual(cursor, "commit")
            assert.isTrue(exit.value.ended)
            assert.isFalse(yield* isGood(exit.value.token))
          }
          const ann = yield* users.byAccount("ann")
          assert(ann)
          assert.lengthOf(yield* storedOf(held, ann.id), 0)
          yield* users.setDisabled("ann", false)
          if (Exit.isSuccess(exit)) assert.isFalse(yield* isGood(exit.value.token))
        })
      )
    )

    it.effect("during its commit leaves no session", () =>
      withFixture((held) =>
        Effect.gen(function* () {
          for (const when of ["before", "after"] as const) {
            const users = yield* Users
            yield* users.setPassword("ann", "correct-horse-7")
            yield* users.setDisabled("ann", false)
            const earlier = yield* login(kind)
            const hold = held.hold("commit", when, "EndSessions")
            const change = yield* Effect.forkChild(ending)
            yield* hold.reached
            const during = yield* Effect.exit(login(kind))
            yield* isGood(earlier.token)
            hold.release()
            yield* Fiber.join(change)
            assert.isFalse(yield* isGood(earlier.token))
            if (Exit.isSuccess(during)) assert.isFalse(yield* isGood(during.value.token))
            assert.lengthOf(yield* storedOf(held, earlier.user), 0)
          }
        })
      )
    )
  })

  describe(`${what} itself`, () => {
    it.effect("ends a token during its lookup", () =>
      withFixture((held) =>
        Effect.gen(function* () {
          const { token } = yield* login("token")
          yield* restarted(
            held,
            Effect.gen(function* () {
              const sessions = yield* Sessions
              const reading = held.hold("session", "after")
              const lookup = yield* Effect.forkChild(sessions.resume(token))
              yield* reading.reached
              yield* ending
              reading.release()
              assert.isUndefined(yield* Fiber.join(lookup))
              yield* (yield* Users).setDisabled("ann", false)
              assert.isFalse(yield* isGood(token))
            })
          )
        })
      )
    )

    it.effect("closes chat connections, and no connection attaches an ended session", () =>
      withFixture(() =>
        Effect.gen(function* () {
          const hub = yield* Hub
          const ann = yield* (yield* Users).byAccount("ann")
          assert(ann)
          const client = yield* online({ user: ann.id, device: null })
          const [held] = hub.sessionsOf(ann.id)
          const live = held?.live
          assert(held instanceof ClientSession && live)
          yield* ending
          yield* client.until(client.ended)
          assert.isTrue(live.ended)
          held.attachUser(live, ann, "online")
          assert.isUndefined(held.live)
          assert.strictEqual(hub.presence.status(ann.id), "offline")
        })
      )
    )
  })
}

describe("a login with the new password", () => {
  it.effect("during the change succeeds, even if it was verified before the change took effect", () =>
    withFixture((held) =>
      Effect.gen(function* () {
        const hold = held.hold("password", "before")
        const late = yield* Effect.forkChild(login("token", NEW))
        yield* hold.reached
        yield* (yield* Users).setPassword("ann", "other-horse-8")
        hold.release()
        assert.isTrue(yield* isGood((yield* Fiber.join(late)).token))
      })
    )
  )
})

describe("concurrent chat logins with a single session", () => {
  it.effect.each(["before", "after"] as const)("leave one session (the first commit held %s)", (when) =>
    withFixture((held) =>
      Effect.gen(function* () {
        const hold = held.hold("commit", when, "SaveSession")
        const first = yield* Effect.forkChild(login("chat"))
        yield* hold.reached
        const second = yield* login("chat")
        hold.release()
        const one = yield* Fiber.join(first)
        const good = yield* Effect.filter([one, second], ({ token }) => isGood(token))
        assert.deepStrictEqual(good, [when === "before" ? one : second])
        assert.deepStrictEqual(yield* storedOf(held, second.user), [good[0]?.hash])
      })
    )
  )

  it.effect("leave one of eight sessions", () =>
    withFixture((held) =>
      Effect.gen(function* () {
        const all = yield* Effect.all(
          Array.from({ length: 8 }, () => login("chat")),
          { concurrency: "unbounded" }
        )
        const good = yield* Effect.filter(all, ({ token }) => isGood(token))
        assert.lengthOf(good, 1)
        for (const { hash, user } of good) assert.deepStrictEqual(yield* storedOf(held, user), [hash])
      })
    )
  )
})
