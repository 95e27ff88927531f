/** Sessions that an operator or a later chat login ends. Source: PROTOCOLS, "Duplicate login". */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { Hub } from "@parley/core/Hub"
import { Sessions } from "@parley/core/Sessions"
import { Users } from "@parley/core/Users"
import { Chats } from "./Commands.ts"
import { online, people } from "./harness.ts"
import { RIGHT, WRONG, withFixture, login, reasonOf } from "./sessionsFixture.ts"

describe("an operator's change", () => {
  it.effect("of a password ends the user's sessions, closes their connections and refuses the old one", () =>
    withFixture(
      Effect.gen(function* () {
        const users = yield* Users
        const sessions = yield* Sessions
        const [ann] = yield* people({ account: "ann", password: "correct-horse-7" })
        assert(ann)
        const { session } = yield* login("ann", RIGHT, "token")
        const client = yield* online(ann)
        yield* users.setPassword("ann", "other-horse-8")
        yield* client.until(client.ended)
        assert.isUndefined(yield* sessions.resume(session.token))
        assert.strictEqual(yield* reasonOf(login("ann", RIGHT)), "WrongPassword")
        assert.strictEqual((yield* login("ann", WRONG)).user.account, "ann")
      })
    )
  )

  it.effect("of many users takes effect whole or not at all", () =>
    withFixture(
      Effect.gen(function* () {
        const users = yield* Users
        yield* people("ann")
        const taken = yield* Effect.flip(users.add([{ account: "new" }, { account: "ann" }]))
        assert.deepStrictEqual(taken.reason, { _tag: "AccountTaken", account: "ann" })
        const bad = yield* Effect.flip(users.add([{ account: "new" }, { account: "a b" }]))
        assert.strictEqual(bad.reason._tag, "Invalid")
        assert.deepStrictEqual(
          (yield* users.list).map(({ account }) => account),
          ["ann"]
        )
      })
    )
  )
})

describe("one live chat session for a user", () => {
  it.effect("the earlier connection is notified, gets nothing more, and is closed after a grace", () =>
    withFixture(
      Effect.gen(function* () {
        const hub = yield* Hub
        const [ann] = yield* people("ann")
        assert(ann)
        yield* (yield* Chats).create(ann, { gid: "g", members: [] })
        const first = yield* online(ann)
        const second = yield* online(ann)
        yield* first.until(() => first.of("takenOver").length === 1)
        assert.strictEqual(hub.sessionsOf(ann.user).length, 1)
        assert.isFalse(first.ended())
        yield* TestClock.adjust("1 second")
        yield* first.until(first.ended)
        assert.isFalse(second.ended())
        yield* second.leave
        assert.strictEqual(hub.presence.status(ann.user), "offline")
      })
    )
  )

  it.effect("devices of protocols with several of them exist beside it, and beside each other", () =>
    withFixture(
      Effect.gen(function* () {
        const hub = yield* Hub
        const sessions = yield* Sessions
        const [ann] = yield* people("ann")
        assert(ann)
        const phone = yield* sessions.issue(ann.user, "device", "phone")
        const pad = yield* sessions.issue(ann.user, "device", "pad")
        const clients = [
          yield* online(ann, { resume: phone.token }),
          yield* online(ann),
          yield* online(ann, { resume: pad.token })
        ]
        assert.strictEqual(hub.sessionsOf(ann.user).length, 3)
        for (const client of clients) assert.deepStrictEqual(client.of("takenOver"), [])
        const later = yield* online(ann)
        yield* TestClock.adjust("1 second")
        const [first, chat, last] = clients
        assert(first && chat && last)
        yield* chat.until(chat.ended)
        for (const client of [first, last, later]) assert.isFalse(client.ended())
        for (const { token } of [phone, pad]) assert.isDefined(yield* sessions.resume(token))
      })
    )
  )

  it.effect("a connection that has logged in again within the grace is not closed", () =>
    withFixture(
      Effect.gen(function* () {
        const hub = yield* Hub
        const [ann] = yield* people("ann")
        assert(ann)
        const first = yield* online(ann)
        const second = yield* online(ann)
        yield* first.until(() => first.of("takenOver").length === 1)
        yield* first.enterAgain
        yield* TestClock.adjust("1 second")
        yield* second.until(second.ended)
        assert.isFalse(first.ended())
        assert.strictEqual(hub.sessionsOf(ann.user).length, 1)
      })
    )
  )
})
