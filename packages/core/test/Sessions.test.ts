/** Sessions and logins. Source: PROTOCOLS, "One access token store", "Passwords", "sid". */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { Clock, Effect, Exit } from "effect"
import { TestClock } from "effect/testing"
import { Hub } from "@parley/core/Hub"
import { Sessions } from "@parley/core/Sessions"
import { defaultSettings, Settings } from "@parley/core/Settings"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { engineLayer, online, people } from "./harness.ts"
import { engineOn } from "./directoryFixture.ts"
import { RIGHT, WRONG, withFixture, login, reasonOf } from "./sessionsFixture.ts"

describe("a session", () => {
  it.effect("is opaque, and stored as its hash only", () =>
    withFixture(
      Effect.gen(function* () {
        const store = yield* Store
        yield* people({ account: "ann", password: "correct-horse-7" })
        const { session } = yield* login("ann")
        assert.match(session.token, /^[A-Za-z0-9_-]{43}$/)
        const [stored] = yield* store.sessionsOf(session.user)
        assert.match(stored?.hash ?? "", /^[0-9a-f]{64}$/)
        assert.notInclude(JSON.stringify(stored), session.token)
      })
    )
  )

  it.effect("expires after a day without use, and is extended by use", () =>
    withFixture(
      Effect.gen(function* () {
        const sessions = yield* Sessions
        yield* people({ account: "ann", password: "correct-horse-7" })
        const { session } = yield* login("ann")
        for (let hours = 0; hours < 72; hours += 23) {
          yield* TestClock.adjust("23 hours")
          assert.strictEqual((yield* sessions.resume(session.token))?.user.account, "ann")
        }
        yield* TestClock.adjust("24 hours")
        assert.strictEqual(yield* sessions.resume(session.token), undefined)
      })
    )
  )

  it.effect("of a chat client ends with the next chat login; other tokens are independent of it", () =>
    withFixture(
      Effect.gen(function* () {
        const sessions = yield* Sessions
        yield* people({ account: "ann", password: "correct-horse-7" })
        const first = yield* login("ann")
        const token = yield* login("ann", RIGHT, "token")
        assert.isDefined(yield* sessions.resume(first.session.token))
        const second = yield* login("ann")
        assert.isUndefined(yield* sessions.resume(first.session.token))
        assert.isTrue(first.session.ended)
        assert.isDefined(yield* sessions.resume(second.session.token))
        assert.isDefined(yield* sessions.resume(token.session.token))
      })
    )
  )

  it.effect("of a chat client exists beside others if several are allowed", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      yield* people({ account: "ann", password: "correct-horse-7" })
      const first = yield* login("ann")
      yield* login("ann")
      assert.isDefined(yield* sessions.resume(first.session.token))
    }).pipe(Effect.provide(engineLayer), Effect.provideService(Settings, { ...defaultSettings, sessions: "multi" }))
  )

  it.effect("that ends closes its connections, except the requesting one", () =>
    withFixture(
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const hub = yield* Hub
        const [ann] = yield* people("ann")
        assert(ann)
        const client = yield* online(ann)
        const [held] = hub.sessionsOf(ann.user)
        assert(held?.live)
        yield* sessions.end(held.live, held.connection.id)
        assert.isFalse(client.ended())
        yield* sessions.end(held.live)
        yield* client.until(client.ended)
        assert.strictEqual(hub.presence.status(ann.user), "offline")
      })
    )
  )

  it.effect("is in use as long as a connection has it, even an idle one, and for its idle time after that", () =>
    withFixture(
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const store = yield* Store
        const hub = yield* Hub
        const [ann] = yield* people("ann")
        assert(ann)
        const client = yield* online(ann)
        const live = hub.sessionsOf(ann.user)[0]?.live
        assert(live)
        for (let days = 0; days < 3; days++) {
          yield* TestClock.adjust("24 hours")
          assert.isTrue(sessions.isValid(live, yield* Clock.currentTimeMillis))
          yield* TestClock.adjust("23 hours")
          const [stored] = yield* store.sessionsOf(ann.user)
          assert.isAtMost(
            (yield* Clock.currentTimeMillis) - (stored?.usedAt ?? 0),
            3_660_000,
            "its last use is written"
          )
        }
        assert.isFalse(client.ended())
        yield* client.leave
        yield* TestClock.adjust("23 hours")
        assert.isDefined(yield* sessions.resume(live.token))
        yield* TestClock.adjust("24 hours")
        assert.isUndefined(yield* sessions.resume(live.token))
      })
    )
  )

  it.effect("ends with its lifetime, however it is used, and its connections are closed", () =>
    withFixture(
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const store = yield* Store
        const [ann] = yield* people("ann")
        assert(ann)
        const client = yield* online(ann)
        const token = yield* sessions.issue(ann.user, "token")
        for (let hours = 0; hours < 23; hours++) {
          yield* TestClock.adjust("1 hour")
          assert.isDefined(yield* sessions.resume(token.token))
        }
        assert.isFalse(client.ended())
        yield* TestClock.adjust("61 minutes")
        assert.isUndefined(yield* sessions.resume(token.token))
        yield* client.until(client.ended)
        assert.lengthOf(
          (yield* store.sessionsOf(ann.user)).filter(({ kind }) => kind === "chat"),
          0
        )
      })
    ).pipe(Effect.provideService(Settings, { ...defaultSettings, sessionLifetime: 24 * 3600, sessionIdle: 2 * 3600 }))
  )

  it.effect("ends with its lifetime even if it is read from storage", () => {
    const store = MemoryStore.make()
    return Effect.gen(function* () {
      const { token } = yield* Effect.provide(
        Effect.gen(function* () {
          const [ann] = yield* people("ann")
          assert(ann)
          return yield* (yield* Sessions).issue(ann.user, "token")
        }),
        engineOn(store)
      )
      yield* TestClock.adjust("23 hours")
      const found = Effect.flatMap(Sessions, (sessions) => sessions.resume(token))
      assert.isDefined(yield* Effect.provide(found, engineOn(store)))
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(yield* Effect.provide(found, engineOn(store)))
    }).pipe(Effect.provideService(Settings, { ...defaultSettings, sessionLifetime: 24 * 3600 }))
  })

  it.effect.each([1, -1])("in use survives a step of the clock by a day (%d), also over a restart", (way) => {
    const store = MemoryStore.make()
    return Effect.gen(function* () {
      const clock = yield* Clock.Clock
      let offset = 0
      // The test's clock in all else.
      const stepped = Object.assign(Object.create(clock) as Clock.Clock, {
        currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + offset,
        currentTimeMillis: Effect.sync(() => clock.currentTimeMillisUnsafe() + offset)
      })
      yield* TestClock.adjust("30 days")
      const token = yield* Effect.gen(function* () {
        const sessions = yield* Sessions
        const [ann] = yield* people("ann")
        assert(ann)
        const client = yield* online(ann)
        const used = yield* sessions.issue(ann.user, "token")
        const unused = yield* sessions.issue(ann.user, "token")
        yield* TestClock.adjust("1 hour")
        assert.isDefined(yield* sessions.resume(used.token))
        offset = way * 24 * 3_600_000
        yield* TestClock.adjust("2 minutes")
        assert.isFalse(client.ended())
        assert.isDefined(yield* sessions.resume(used.token))
        // Time without use is measured independently of the wall clock.
        yield* TestClock.adjust("22 hours")
        assert.isDefined(yield* sessions.resume(used.token))
        yield* TestClock.adjust("1 hour")
        assert.isUndefined(yield* sessions.resume(unused.token))
        assert.isDefined(yield* sessions.resume(used.token))
        assert.isFalse(client.ended())
        return used.token
      }).pipe(Effect.provide(engineOn(store)), Effect.provideService(Clock.Clock, stepped))
      const found = Effect.flatMap(Sessions, (sessions) => sessions.resume(token))
      const again = Effect.provide(found, engineOn(store))
      assert.isDefined(yield* Effect.provideService(again, Clock.Clock, stepped))
    })
  })

  it.effect("is bounded per kind, and being connected is a use", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const [ann] = yield* people("ann")
      assert(ann)
      const client = yield* online(ann, { device: "listening" })
      yield* TestClock.adjust("10 minutes")
      const idle = yield* sessions.issue(ann.user, "chat", "idle")
      const tokens = yield* Effect.forEach(Array.from({ length: 10 }), () => sessions.issue(ann.user, "token"))
      assert.isFalse(client.ended())
      const good = yield* Effect.filter(tokens, ({ token }) => Effect.map(sessions.resume(token), (found) => !!found))
      assert.lengthOf(good, 3)
      assert.isDefined(yield* sessions.resume(idle.token))
      yield* TestClock.adjust("1 second")
      yield* Effect.forEach([1, 2], () => sessions.issue(ann.user, "chat"))
      assert.isFalse(client.ended(), "one that was used longer ago than the listener ends")
      assert.isUndefined(yield* sessions.resume(idle.token))
      for (const one of good.slice(0, 1)) yield* sessions.end(one)
      yield* Effect.forEach(Array.from({ length: 10 }), () => sessions.issue(ann.user, "chat"))
      const left = yield* Effect.filter(tokens, ({ token }) => Effect.map(sessions.resume(token), (found) => !!found))
      assert.lengthOf(left, 2)
    }).pipe(
      Effect.provide(engineLayer),
      Effect.provideService(Settings, { ...defaultSettings, sessions: "multi", sessionsPerUser: 3 })
    )
  )

  it.effect("is listed without its token, and ended by its public id", () =>
    withFixture(
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const [ann, ben] = yield* people("ann", "ben")
        assert(ann && ben)
        yield* TestClock.adjust("1 hour")
        const token = yield* sessions.issue(ann.user, "token", "phone")
        yield* TestClock.adjust("1 hour")
        const client = yield* online(ann)
        const id = token.hash.slice(0, 16)
        const [chat, other] = yield* sessions.list(ann.user)
        assert.deepStrictEqual(other, {
          id,
          kind: "token",
          device: "phone",
          createdAt: 3_600_000,
          usedAt: 3_600_000,
          connected: false
        })
        assert.deepInclude(chat, { kind: "chat", connected: true, usedAt: 7_200_000 })
        assert.isFalse(yield* sessions.endOne(ben.user, id))
        assert.isFalse(yield* sessions.endOne(ann.user, ""))
        assert.isTrue(yield* sessions.endOne(ann.user, id))
        assert.isUndefined(yield* sessions.resume(token.token))
        assert.isTrue(yield* sessions.endOne(ann.user, chat?.id ?? ""))
        yield* client.until(client.ended)
        assert.deepStrictEqual(yield* sessions.list(ann.user), [])
      })
    )
  )

  it.effect("that was replaced closes its connections, even if no connection has the new one", () =>
    withFixture(
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const [ann] = yield* people("ann")
        assert(ann)
        const client = yield* online(ann)
        yield* sessions.issue(ann.user, "chat")
        yield* TestClock.adjust("1 minute")
        yield* client.until(client.ended)
      })
    )
  )

  it.effect("is never found by garbage", () =>
    withFixture(
      Effect.gen(function* () {
        const sessions = yield* Sessions
        for (const token of ["", "x", "\u0000", "😀".repeat(50), "a".repeat(100_000)]) {
          assert.isUndefined(yield* sessions.resume(token))
        }
      })
    )
  )
})

describe("a login", () => {
  it.effect("is refused alike for a wrong password, an unknown account and a disabled user", () =>
    withFixture(
      Effect.gen(function* () {
        const users = yield* Users
        yield* people(
          { account: "ann", password: "correct-horse-7" },
          { account: "ben", password: "correct-horse-7" },
          "nopassword"
        )
        yield* users.setDisabled("ben", true)
        assert.strictEqual(yield* reasonOf(login("ann", WRONG)), "WrongPassword")
        assert.strictEqual(yield* reasonOf(login("nobody", RIGHT)), "WrongPassword")
        assert.strictEqual(yield* reasonOf(login("ben", RIGHT)), "WrongPassword")
        assert.strictEqual(yield* reasonOf(login("nopassword", RIGHT)), "WrongPassword")
      })
    )
  )

  it.effect("is throttled by account, even for concurrent attempts, until the window is over", () =>
    withFixture(
      Effect.gen(function* () {
        yield* people({ account: "ann", password: "correct-horse-7" })
        const attempts = Array.from({ length: 15 }, () => reasonOf(login("ann", WRONG)))
        const reasons = yield* Effect.all(attempts, { concurrency: "unbounded" })
        assert.strictEqual(reasons.filter((reason) => reason === "WrongPassword").length, 10)
        assert.strictEqual(yield* reasonOf(login("ann")), "TooManyAttempts")
        yield* TestClock.adjust("61 seconds")
        assert.isTrue(Exit.isSuccess(yield* Effect.exit(login("ann"))))
      })
    )
  )

  it.effect("is throttled by address, over many accounts", () =>
    withFixture(
      Effect.gen(function* () {
        yield* people({ account: "ann", password: "correct-horse-7" })
        for (let index = 0; index < 30; index++) yield* reasonOf(login(`guess${index}`, WRONG))
        assert.strictEqual(yield* reasonOf(login("ann")), "TooManyAttempts")
      })
    )
  )

  it.effect("that succeeds is not counted", () =>
    withFixture(
      Effect.gen(function* () {
        yield* people({ account: "ann", password: "correct-horse-7" })
        yield* Effect.forEach(Array.from({ length: 50 }), () => login("ann", RIGHT, "token"))
      })
    )
  )
})

describe("failed logins", () => {
  it.effect("are counted by a prefix of an overlong account", () =>
    withFixture(
      Effect.gen(function* () {
        const long = "x".repeat(100_000)
        for (let n = 0; n < defaultSettings.loginAttempts; n++) {
          assert.strictEqual(yield* reasonOf(login(`${long}${n}`, WRONG)), "WrongPassword")
        }
        assert.strictEqual(yield* reasonOf(login(`${long}again`, WRONG)), "TooManyAttempts")
      })
    )
  )
})
