/** The list of all users: loaded once for concurrent callers, and updated by each change. */
import { assert, it } from "@effect/vitest"
import { UserCache } from "@parley/core/UserCache"
import { UserId } from "@parley/core/Ids"
import { StorageFailed, Store } from "@parley/core/Store"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import type { User } from "@parley/core/User"
import { Deferred, Effect, Exit, Fiber } from "effect"

const user = (id: number, realname = "A Name"): User => ({
  id: UserId(id),
  account: `user${id}`,
  realname,
  avatar: "",
  role: "",
  dept: 0,
  admin: false,
  organisation: null,
  disabled: false,
  createdAt: 0,
  since: {}
})

const open = Effect.fnUntraced(function* (read: Effect.Effect<ReadonlyArray<User>, StorageFailed>) {
  const store = yield* Store
  return new UserCache(Store.of({ ...store, allUsers: read }))
})

it.effect("concurrent callers share one load", () =>
  Effect.gen(function* () {
    let reads = 0
    const gate = yield* Deferred.make<void>()
    const directory = yield* open(
      Effect.gen(function* () {
        reads++
        yield* Deferred.await(gate)
        return [user(1), user(2)]
      })
    )
    const [first, second] = yield* Effect.all([Effect.forkChild(directory.all), Effect.forkChild(directory.all)])
    yield* Effect.yieldNow
    // The first caller may be interrupted without ending the read.
    yield* Fiber.interrupt(first)
    yield* Deferred.succeed(gate, undefined)
    assert.lengthOf(yield* Fiber.join(second), 2)
    assert.strictEqual(yield* directory.all, yield* directory.all)
    assert.strictEqual(reads, 1)
  }).pipe(Effect.provide(MemoryStore.layer))
)

it.effect("users created or changed during the load, and later, are included without another load", () =>
  Effect.gen(function* () {
    let reads = 0
    const gate = yield* Deferred.make<void>()
    const directory = yield* open(
      Effect.gen(function* () {
        reads++
        const users = [user(1), user(2), user(5)]
        yield* Deferred.await(gate)
        return users
      })
    )
    const requested = yield* Effect.forkChild(directory.all)
    yield* Effect.yieldNow
    directory.put(user(2, "Another Name"))
    directory.put(user(6))
    yield* Deferred.succeed(gate, undefined)
    const names = (users: ReadonlyArray<User>) => users.map(({ id, realname }) => `${id} ${realname}`)
    assert.deepStrictEqual(names(yield* Fiber.join(requested)), ["1 A Name", "2 Another Name", "5 A Name", "6 A Name"])
    const before = yield* directory.all
    directory.change(UserId(5), { realname: "Five" })
    directory.put(user(3))
    directory.put(user(3, "Three"))
    const after = yield* directory.all
    assert.deepStrictEqual(names(after), ["1 A Name", "2 Another Name", "3 Three", "5 Five", "6 A Name"])
    assert.strictEqual(directory.current(before), after)
    assert.strictEqual(directory.cached(), after)
    assert.strictEqual(reads, 1)
  }).pipe(Effect.provide(MemoryStore.layer))
)

it.effect("a failed load fails for all its callers, and the next call loads again", () =>
  Effect.gen(function* () {
    let fails = true
    const directory = yield* open(
      Effect.suspend(() =>
        fails
          ? Effect.andThen(Effect.yieldNow, Effect.fail(new StorageFailed({ operation: "allUsers", cause: "broken" })))
          : Effect.succeed([user(1)])
      )
    )
    const exits = yield* Effect.all([Effect.exit(directory.all), Effect.exit(directory.all)], { concurrency: 2 })
    assert.isTrue(exits.every(Exit.isFailure))
    fails = false
    assert.lengthOf(yield* directory.all, 1)
  }).pipe(Effect.provide(MemoryStore.layer))
)
