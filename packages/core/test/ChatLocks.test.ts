/** Locks of chats: in the order asked for, shared where that can be, bounded, and never waiting for one another. */
import { assert, describe, it } from "@effect/vitest"
import { ChatLocks, type LockHolder, type LockMode, type LockRequest } from "../src/engine/ChatLocks.ts"
import { ChatId } from "@parley/core/Ids"
import { Effect, Exit, Fiber } from "effect"

const wanting = (mode: LockMode, ...chats: ReadonlyArray<number>): LockRequest =>
  new Map(chats.map((chat) => [ChatId(chat), mode]))

/** A command that wants locks, and the order in which such commands got them. */
const scene = (locks: ChatLocks) => {
  const granted: Array<string> = []
  const ask = Effect.fnUntraced(function* (name: string, wanted: LockRequest) {
    const holder = locks.holder()
    const fiber = yield* Effect.forkChild(
      Effect.tap(holder.acquire(wanted), () => Effect.sync(() => granted.push(name)))
    )
    yield* Effect.yieldNow
    return { holder, fiber }
  })
  /** Lets those who were granted a lock go on. */
  const release = (holder: LockHolder) =>
    Effect.andThen(
      Effect.sync(() => holder.release()),
      Effect.yieldNow
    )
  return { ask, release, granted }
}

describe("a lock of a chat", () => {
  it.effect("is granted in the order of requests; shared requests are granted together with adjacent ones only", () =>
    Effect.gen(function* () {
      const { ask, release, granted } = scene(new ChatLocks())
      const first = yield* ask("first", wanting("exclusive", 1))
      const a = yield* ask("a", wanting("shared", 1))
      const b = yield* ask("b", wanting("shared", 1))
      const second = yield* ask("second", wanting("exclusive", 1))
      const c = yield* ask("c", wanting("shared", 1))
      assert.deepStrictEqual(granted, ["first"])
      yield* release(first.holder)
      assert.deepStrictEqual(granted, ["first", "a", "b"], "c does not overtake the second")
      yield* release(a.holder)
      assert.deepStrictEqual(granted, ["first", "a", "b"])
      yield* release(b.holder)
      assert.deepStrictEqual(granted, ["first", "a", "b", "second"])
      yield* release(second.holder)
      assert.deepStrictEqual(granted, ["first", "a", "b", "second", "c"])
      yield* release(c.holder)
    })
  )

  it.effect("does not affect other chats, and is removed after its last release", () =>
    Effect.gen(function* () {
      const locks = new ChatLocks()
      const { ask, release, granted } = scene(locks)
      const one = yield* ask("one", wanting("exclusive", 1))
      assert.isFalse(locks.isOpen(ChatId(1)))
      assert.isTrue(locks.isOpen(ChatId(2)))
      const other = yield* ask("other", wanting("exclusive", 2))
      assert.deepStrictEqual(granted, ["one", "other"])
      yield* release(one.holder)
      yield* release(other.holder)
      assert.isTrue(locks.isOpen(ChatId(1)))
      const reader = yield* ask("reader", wanting("shared", 1))
      assert.isTrue(locks.isOpen(ChatId(1)), "who shares it is in nobody's way")
      yield* ask("writer", wanting("exclusive", 1))
      assert.isFalse(locks.isOpen(ChatId(1)), "the writer is not to wait forever")
      yield* release(reader.holder)
      assert.deepStrictEqual(granted, ["one", "other", "reader", "writer"])
    })
  )

  it.effect("is passed on when a waiter is interrupted", () =>
    Effect.gen(function* () {
      const locks = new ChatLocks()
      const { ask, release, granted } = scene(locks)
      const reader = yield* ask("reader", wanting("shared", 1))
      const writer = yield* ask("writer", wanting("exclusive", 1))
      yield* ask("later reader", wanting("shared", 1))
      assert.deepStrictEqual(granted, ["reader"])
      yield* Fiber.interrupt(writer.fiber)
      yield* Effect.yieldNow
      assert.deepStrictEqual(granted, ["reader", "later reader"])
      yield* release(reader.holder)

      // Of two chats it has one by then.
      const held = yield* ask("held", wanting("exclusive", 3))
      const both = yield* ask("both", wanting("exclusive", 2, 3))
      assert.isFalse(locks.isOpen(ChatId(2)))
      yield* Fiber.interrupt(both.fiber)
      yield* release(both.holder)
      assert.isTrue(locks.isOpen(ChatId(2)))
      yield* release(held.holder)
      assert.isTrue(locks.isOpen(ChatId(3)))
    })
  )

  it.effect("has a bounded queue", () =>
    Effect.gen(function* () {
      const { ask, release, granted } = scene(new ChatLocks(2))
      const first = yield* ask("first", wanting("exclusive", 1))
      const second = yield* ask("second", wanting("exclusive", 1))
      yield* ask("third", wanting("shared", 1))
      const fourth = yield* ask("fourth", wanting("shared", 1))
      const exit = yield* Fiber.await(fourth.fiber)
      assert.include(JSON.stringify(exit), "Busy")
      assert.isTrue(Exit.isFailure(exit))
      yield* release(first.holder)
      yield* release(second.holder)
      assert.deepStrictEqual(granted, ["first", "second", "third"])
    })
  )

  it.effect("of several chats is acquired in one order, whatever the order of the request", () =>
    Effect.gen(function* () {
      const locks = new ChatLocks()
      const rounds = Array.from({ length: 300 }, (_, n) => n)
      yield* Effect.forEach(
        rounds,
        (n) => {
          const holder = locks.holder()
          const chats = n % 3 === 0 ? [1, 2, 3] : n % 3 === 1 ? [3, 1] : [2, 3, 1]
          return holder
            .acquire(wanting(n % 4 === 0 ? "shared" : "exclusive", ...chats))
            .pipe(Effect.andThen(Effect.yieldNow), Effect.ensuring(Effect.sync(() => holder.release())))
        },
        { concurrency: "unbounded", discard: true }
      )
      for (const chat of [1, 2, 3]) assert.isTrue(locks.isOpen(ChatId(chat)))
    })
  )

  it.effect("of several chats is taken without waiting only if all are free", () =>
    Effect.gen(function* () {
      const locks = new ChatLocks()
      const { ask, release } = scene(locks)
      const other = yield* ask("other", wanting("exclusive", 2))
      const holder = locks.holder()
      assert.isFalse(holder.tryTake(wanting("exclusive", 1, 2)))
      assert.isTrue(locks.isOpen(ChatId(1)), "nothing was taken")
      yield* release(other.holder)
      assert.isTrue(holder.tryTake(wanting("exclusive", 1, 2)))
      assert.isTrue(holder.holds(wanting("shared", 1, 2)))
      assert.isFalse(locks.isOpen(ChatId(2)))
      holder.release()
      assert.isTrue(holder.tryTake(wanting("shared", 1)))
      assert.isFalse(holder.holds(wanting("shared", 1)), "what is open need not be held")
    })
  )
})
