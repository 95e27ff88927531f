/** External user directory: reads, caching, and failures. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { Engine } from "@parley/core/Engine"
import { UserDirectory } from "@parley/core/UserDirectory"
import { Hub } from "@parley/core/Hub"
import { UserId } from "@parley/core/Ids"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { Chats, Messages } from "./Commands.ts"
import { online } from "./harness.ts"
import { engineOn, DirectoryFixture, uuid, withUsersOf } from "./directoryFixture.ts"
import { callerOf, reasonOf } from "./directoryCallers.ts"

describe("users of an external directory", () => {
  it.effect("are read by account and by id; the store has only the mapping of ids", () => {
    const directory = new DirectoryFixture("ann")
    const facts = { realname: "Ann", avatar: "/a", role: "dev", dept: 3, admin: true, organisation: 9 }
    directory.alter("ann", facts)
    return withUsersOf(directory.port)(
      Effect.gen(function* () {
        yield* TestClock.setTime(1_700_000_000_000)
        const users = yield* Users
        const ann = yield* users.byAccount("ann")
        assert.deepInclude(ann, { account: "ann", ...facts, disabled: false, createdAt: 1_700_000_000_000 })
        assert.deepStrictEqual(yield* users.byExternalId(uuid("ann")), ann)
        assert(ann)
        assert.deepStrictEqual(yield* users.byId(ann.id), ann)
        const [row, ...others] = yield* (yield* Store).allUsers
        assert.lengthOf(others, 0)
        const blank = {
          realname: "",
          avatar: "",
          role: "",
          dept: 0,
          admin: false,
          organisation: null,
          disabled: false
        }
        assert.deepStrictEqual(row, {
          id: ann.id,
          account: uuid("ann"),
          ...blank,
          createdAt: ann.createdAt,
          since: ann.since
        })
      })
    )
  })

  it.effect("who do not exist get no id, however often they are looked up", () => {
    const directory = new DirectoryFixture("ann")
    return withUsersOf(directory.port)(
      Effect.gen(function* () {
        const users = yield* Users
        for (let n = 0; n < 50; n++) {
          assert.isUndefined(yield* users.byAccount(`nobody${n}`))
          assert.isUndefined(yield* users.byExternalId(uuid(`nobody${n}`)))
          assert.strictEqual((yield* reasonOf(users.setDisabled(`no${n}`, true)))._tag, "NoSuchUsers")
        }
        assert.lengthOf(yield* (yield* Store).allUsers, 0)
      })
    )
  })

  it.effect("get one id each, even concurrently, on several nodes, and after a restart", () => {
    const directory = new DirectoryFixture(...Array.from({ length: 20 }, (_, n) => `user${n}`))
    const store = MemoryStore.make()
    const seeAll = Effect.gen(function* () {
      const users = yield* Users
      const every = [...directory.table.values()]
      const ids = yield* Effect.forEach(
        [...every, ...every],
        ({ id, account }, index) => (index % 2 === 0 ? users.byExternalId(id) : users.byAccount(account)),
        { concurrency: "unbounded" }
      )
      return Object.fromEntries(ids.flatMap((user) => (user === undefined ? [] : [[user.account, user.id] as const])))
    })
    const node = Effect.provideService(Effect.provide(seeAll, engineOn(store)), UserDirectory, directory.port)
    return Effect.gen(function* () {
      const [one, two] = yield* Effect.all([node, node], { concurrency: "unbounded" })
      const later = yield* node
      assert.lengthOf(new Set(Object.values(one)), 20)
      assert.deepStrictEqual(two, one)
      assert.deepStrictEqual(later, one)
      assert.lengthOf(yield* store.allUsers, 20)
    })
  })

  it.effect("are loaded in bounded calls, and not again before they expire", () => {
    const names = Array.from({ length: 2500 }, (_, n) => `user${n}`)
    const directory = new DirectoryFixture(...names)
    return withUsersOf(directory.port)(
      Effect.gen(function* () {
        const { context } = yield* Engine
        const all = yield* context.users.byAccount(names)
        assert.lengthOf(all, 2500)
        const ids = all.map(({ id }) => id)
        yield* context.users.findMany(ids)
        assert.deepStrictEqual(directory.calls.splice(0), [
          ["findByAccount", 1000],
          ["findByAccount", 1000],
          ["findByAccount", 500]
        ])
        directory.alter("user7", { realname: "Seven" })
        yield* TestClock.adjust("59 seconds")
        assert.strictEqual((yield* context.users.byAccount(["user7"]))[0]?.realname, "user7")
        assert.lengthOf(directory.calls, 0)
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* context.users.byAccount(["user7"]))[0]?.realname, "Seven")
        assert.deepStrictEqual(directory.calls, [["findByAccount", 1]])
      })
    )
  })

  it.effect("are announced once when they get their id, and are in the list of all users from then on", () => {
    const directory = new DirectoryFixture("ann")
    return withUsersOf(directory.port)(
      Effect.gen(function* () {
        const { context } = yield* Engine
        const { newUsers } = yield* Hub
        yield* online(yield* callerOf("ann"))
        yield* context.users.all
        for (const account of ["ben", "eve"]) directory.set({ id: uuid(account), account })
        assert.strictEqual(newUsers.count, 0)
        const [ben] = yield* context.users.byAccount(["ben"])
        yield* context.users.byExternalId([uuid("eve")])
        yield* context.users.findMany([ben?.id ?? UserId(0)])
        yield* context.users.byAccount(["ben", "eve"])
        assert.strictEqual(newUsers.count, 2)
        assert.deepStrictEqual(
          (yield* context.users.all).map(({ account }) => account),
          ["ann", "ben", "eve"]
        )
      }).pipe(Effect.scoped)
    )
  })

  it.effect("with an invalid id or account are left out", () => {
    const directory = new DirectoryFixture("ann")
    directory.set({ id: "", account: "empty" })
    directory.set({ id: "x".repeat(256), account: "long" })
    directory.set({ id: uuid("spac"), account: "with space" })
    return withUsersOf(directory.fullPort)(
      Effect.gen(function* () {
        const users = yield* Users
        assert.deepStrictEqual(
          (yield* users.list).map(({ account }) => account),
          ["ann"]
        )
        assert.isUndefined(yield* users.byAccount("long"))
        assert.lengthOf(yield* (yield* Store).allUsers, 1)
      })
    )
  })

  it.effect("are all listed if the directory has a list, otherwise those seen before", () => {
    const directory = new DirectoryFixture("cleo", "ann", "ben")
    const listing = Effect.gen(function* () {
      const ann = yield* callerOf("ann")
      return (yield* (yield* Engine).perform(ann, { _tag: "ListUsers" })).map(({ account }) => account).sort()
    })
    return Effect.gen(function* () {
      assert.deepStrictEqual(yield* withUsersOf(directory.fullPort)(listing), ["ann", "ben", "cleo"])
      assert.deepStrictEqual(yield* withUsersOf(directory.port)(listing), ["ann"])
    })
  })

  it.effect("who change their account are found by the new one and not by the old", () => {
    const directory = new DirectoryFixture("ann")
    return withUsersOf(directory.port)(
      Effect.gen(function* () {
        const users = yield* Users
        const before = yield* users.byAccount("ann")
        directory.alter("ann", { account: "anna" })
        yield* users.invalidate([uuid("ann")])
        assert.isUndefined(yield* users.byAccount("ann"))
        assert.strictEqual((yield* users.byAccount("anna"))?.id, before?.id)
      })
    )
  })
})

describe("a directory that fails", () => {
  const conversation = Effect.gen(function* () {
    const ann = yield* callerOf("ann")
    const ben = yield* callerOf("ben")
    const { chat } = yield* (yield* Chats).create(ann, { gid: "g", members: [ben.user] })
    const messages = yield* Messages
    return { ann, ben, say: (gid: string) => messages.send(ann, [{ gid, chat, content: "x" }]) }
  })

  for (const state of ["fails", "hangs"] as const) {
    it.effect(`and ${state} keeps cached users working, and refuses others`, () => {
      const directory = new DirectoryFixture("ann", "ben", "cleo")
      return withUsersOf({ ...directory.port, timeout: 1000 })(
        Effect.gen(function* () {
          const { say } = yield* conversation
          const users = yield* Users
          directory.state = state
          yield* TestClock.adjust("2 minutes")
          directory.calls.length = 0
          const first = yield* Effect.forkChild(say("m1"))
          yield* TestClock.adjust("1 second")
          yield* Fiber.join(first)
          for (let n = 2; n < 20; n++) yield* say(`m${n}`)
          assert.lengthOf(directory.calls, 1, "one waits, and then nobody for a while")
          const unknown = yield* Effect.forkChild(reasonOf(users.byAccount("cleo")))
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual(yield* Fiber.join(unknown), { _tag: "Unavailable" })
          directory.state = "works"
          directory.alter("ann", { disabled: true })
          yield* TestClock.adjust("1 minute")
          assert.strictEqual((yield* reasonOf(say("m20")))._tag, "NotLoggedIn")
        })
      )
    })
  }
})
