/** External user directory: removed users, late responses, and changes. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Engine } from "@parley/core/Engine"
import { Hub } from "@parley/core/Hub"
import { type Refused, refuse } from "@parley/core/Refused"
import { Sessions } from "@parley/core/Sessions"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { Chats } from "./Commands.ts"
import { online } from "./harness.ts"
import { DirectoryFixture, uuid, withUsersOf } from "./directoryFixture.ts"
import { callerOf, reasonOf } from "./directoryCallers.ts"

describe("a user who is removed or disabled there", () => {
  for (const [what, change] of [
    ["is disabled", (directory: DirectoryFixture) => directory.alter("ann", { disabled: true })],
    ["is deleted", (directory: DirectoryFixture) => void directory.table.delete(uuid("ann"))]
  ] as const) {
    it.effect(`${what}: is logged out by an invalidation`, () => {
      const directory = new DirectoryFixture("ann", "ben")
      return withUsersOf(directory.port)(
        Effect.gen(function* () {
          const sessions = yield* Sessions
          const ann = yield* callerOf("ann")
          const { token } = yield* sessions.issue(ann.user, "token")
          const client = yield* online(ann)
          const other = yield* online(yield* callerOf("ben"))
          change(directory)
          assert.isDefined(yield* sessions.resume(token))
          yield* (yield* Users).invalidate([uuid("ann"), uuid("never-seen")])
          yield* client.until(client.ended)
          assert.isUndefined(yield* sessions.resume(token))
          assert.lengthOf(yield* (yield* Store).sessionsOf(ann.user), 0)
          assert.strictEqual((yield* reasonOf((yield* Chats).list(ann)))._tag, "NotLoggedIn")
          assert.isFalse(other.ended())
          assert.lengthOf(yield* (yield* Store).allUsers, 2)
        })
      )
    })

    it.effect(`${what}: is logged out after a while without one, even if idle`, () => {
      const directory = new DirectoryFixture("ann", "ben")
      return withUsersOf(directory.port)(
        Effect.gen(function* () {
          const client = yield* online(yield* callerOf("ann"))
          const other = yield* online(yield* callerOf("ben"))
          change(directory)
          yield* TestClock.adjust("121 seconds")
          yield* client.until(client.ended)
          assert.isFalse(other.ended())
        })
      )
    })
  }

  it.effect("is announced with a new name, and can log in again", () => {
    const directory = new DirectoryFixture("ann", "ben")
    return withUsersOf(directory.port)(
      Effect.gen(function* () {
        const users = yield* Users
        const ann = yield* callerOf("ann")
        const client = yield* online(yield* callerOf("ben"))
        directory.alter("ann", { realname: "Anna" })
        yield* users.invalidate([uuid("ann")])
        yield* client.until(() => client.of("renamed").length === 1)
        const kept = directory.table.get(uuid("ann"))
        assert(kept)
        directory.table.delete(uuid("ann"))
        yield* users.invalidate()
        assert.isUndefined(yield* users.byId(ann.user))
        directory.set(kept)
        yield* users.invalidate()
        assert.strictEqual((yield* users.byId(ann.user))?.realname, "Anna")
      })
    )
  })
})

describe("a late response", () => {
  it.effect("does not overwrite a newer one", () => {
    const directory = new DirectoryFixture("ann", "ben")
    const gates: Array<Deferred.Deferred<void>> = []
    let isGated = false
    /** Reads the table at once, and returns when the test opens the gate. */
    const late = <A, E>(answer: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Effect.flatMap(answer, (answered) => {
        if (!isGated) return Effect.succeed(answered)
        const gate = Deferred.makeUnsafe<void>()
        gates.push(gate)
        return Effect.as(Deferred.await(gate), answered)
      })
    const { find, findByAccount, change } = directory.fullPort
    return withUsersOf({
      change,
      find: (ids) => late(find(ids)),
      findByAccount: (accounts) => late(findByAccount(accounts))
    })(
      Effect.gen(function* () {
        const users = yield* Users
        const ann = yield* callerOf("ann")
        yield* TestClock.adjust("2 minutes")
        isGated = true
        const one = yield* Effect.forkChild(users.byAccount("ann"))
        const other = yield* Effect.forkChild(users.byAccount("ben"))
        yield* TestClock.adjust(0)
        assert.lengthOf(gates, 2)
        isGated = false
        directory.alter("ann", { disabled: true })
        directory.alter("ben", { disabled: true })
        yield* users.invalidate([uuid("ann"), uuid("ben")])
        assert.isTrue((yield* users.byId(ann.user))?.disabled)
        for (const gate of gates) yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(one)
        yield* Fiber.join(other)
        assert.isTrue((yield* users.byId(ann.user))?.disabled)
        assert.isTrue((yield* users.byAccount("ben"))?.disabled, "who was not known is asked for again")

        gates.length = 0
        yield* TestClock.adjust("2 minutes")
        isGated = true
        const third = yield* Effect.forkChild(users.byId(ann.user))
        yield* TestClock.adjust(0)
        isGated = false
        yield* users.change("ann", { realname: "Queen" })
        for (const gate of gates) yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(third)
        assert.strictEqual((yield* users.byId(ann.user))?.realname, "Queen")
      })
    )
  })
})

describe("changes of users", () => {
  it.effect("are refused if the directory has no change function, and nothing is written", () => {
    const directory = new DirectoryFixture("ann")
    return withUsersOf(directory.port)(
      Effect.gen(function* () {
        const users = yield* Users
        const { perform } = yield* Engine
        const ann = yield* callerOf("ann")
        const before = yield* (yield* Store).allUsers
        const attempts: ReadonlyArray<Effect.Effect<unknown, Refused>> = [
          perform(ann, { _tag: "RenameUser", name: "Queen" }),
          users.add([{ account: "new" }]),
          users.setPassword("ann", "secret"),
          users.setDisabled("ann", true),
          users.change("ann", { role: "boss" })
        ]
        for (const attempt of attempts) {
          const reason = yield* reasonOf(attempt)
          assert.deepInclude(reason, { _tag: "Rejected", code: "users_elsewhere" })
        }
        assert.deepStrictEqual(yield* (yield* Store).allUsers, before)
        assert.strictEqual((yield* users.byAccount("ann"))?.realname, "ann")
      })
    )
  })

  it.effect("are applied by a directory with one, and visible at once", () => {
    const directory = new DirectoryFixture("ann", "ben")
    return withUsersOf(directory.fullPort)(
      Effect.gen(function* () {
        const users = yield* Users
        const { perform } = yield* Engine
        const ann = yield* callerOf("ann")
        const client = yield* online(yield* callerOf("ben"))
        const renamed = yield* perform(ann, { _tag: "RenameUser", name: "Queen" })
        assert.strictEqual(renamed.realname, "Queen")
        assert.strictEqual(directory.table.get(uuid("ann"))?.realname, "Queen")
        assert.strictEqual((yield* users.byAccount("ann"))?.realname, "Queen")
        yield* client.until(() => client.of("renamed").length === 1)
        yield* users.setDisabled("ben", true)
        yield* client.until(client.ended)
        assert.isTrue(directory.table.get(uuid("ben"))?.disabled)
        assert.strictEqual((yield* Hub).size, 0)
      })
    )
  })

  it.effect("may be refused by the directory with its own reason", () => {
    const directory = new DirectoryFixture("ann")
    const veto = { _tag: "Rejected", code: "frozen", message: "Names are frozen this week." } as const
    return withUsersOf({ ...directory.port, change: () => Effect.fail(refuse(veto)) })(
      Effect.gen(function* () {
        const { perform } = yield* Engine
        const ann = yield* callerOf("ann")
        assert.deepStrictEqual(yield* reasonOf(perform(ann, { _tag: "RenameUser", name: "Queen" })), veto)
      })
    )
  })
})
