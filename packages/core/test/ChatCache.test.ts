/** A full cache of chats drops the one used longest ago, by id and by gid alike. */
import { assert, describe, it } from "@effect/vitest"
import { createdChat, type StoredChat } from "@parley/core/Chat"
import type { ChatRef } from "@parley/core/Command"
import { UserCache } from "@parley/core/UserCache"
import { ChatId } from "@parley/core/Ids"
import { Store } from "@parley/core/Store"
import { ChatCache } from "@parley/core/ChatCache"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { Deferred, Effect, Fiber } from "effect"

const stored = (id: number): StoredChat => {
  const chat = createdChat(
    {
      gid: `gid${id}`,
      name: "",
      type: "group",
      public: false,
      subject: 0,
      createdBy: null,
      owner: null,
      admins: [],
      senders: "all",
      createdAt: 0,
      attributes: {},
      members: []
    },
    ChatId(id)
  )
  return { chat, head: { seq: 1, posted: 0, activeAt: 0 } }
}

const id = (number: number): ChatRef => ({ id: ChatId(number) })
const gid = (number: number): ChatRef => ({ gid: `gid${number}` })

const table: ReadonlyArray<{ readonly name: string; readonly uses: ReadonlyArray<ChatRef>; readonly reads: string }> = [
  { name: "reads each chat once", uses: [id(1), gid(1), id(1), gid(2), id(2)], reads: "1 2" },
  { name: "drops the oldest when none is used again", uses: [id(1), id(2), id(3), id(1)], reads: "1 2 3 1" },
  { name: "keeps what was used by id", uses: [id(1), id(2), id(1), id(3), id(1), id(2)], reads: "1 2 3 2" },
  { name: "keeps what was used by gid", uses: [id(1), id(2), gid(1), id(3), gid(1), id(1), gid(2)], reads: "1 2 3 2" },
  { name: "drops the gid with its chat", uses: [gid(1), gid(2), gid(3), gid(1)], reads: "1 2 3 1" }
]

describe("ChatCache of two chats", () => {
  for (const { name, uses, reads } of table) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const store = yield* Store
        const read: Array<number> = []
        const reading = (number: number) =>
          Effect.sync(() => {
            read.push(number)
            return stored(number)
          })
        const chats = new ChatCache(
          Store.of({
            ...store,
            chats: (ids) => Effect.forEach(ids, reading),
            chatByGid: (of) => reading(Number(of.slice("gid".length)))
          }),
          new UserCache(store),
          2
        )
        for (const ref of uses) assert.isDefined(yield* chats.find(ref))
        assert.strictEqual(read.join(" "), reads)
      }).pipe(Effect.provide(MemoryStore.layer))
    )
  }
})

describe("a load during which another node changes the chat", () => {
  it.effect.each([
    ["id", id(1)],
    ["gid", gid(1)],
    ["list of ids", undefined]
  ] as const)("is used once and not cached (by %s)", ([, ref]) =>
    Effect.gen(function* () {
      const store = yield* Store
      const reading = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      let version = 1
      const read = Effect.gen(function* () {
        const { chat, head } = stored(1)
        const found: StoredChat = { chat: { ...chat, version }, head }
        yield* Deferred.succeed(reading, undefined)
        if (version === 1) yield* Deferred.await(goOn)
        return found
      })
      const chats = new ChatCache(
        Store.of({ ...store, chats: () => Effect.map(read, (found) => [found]), chatByGid: () => read }),
        new UserCache(store),
        10
      )
      const find = Effect.suspend(() =>
        ref === undefined
          ? Effect.map(chats.findMany([ChatId(1)]), ([cached]) => cached?.chat.version)
          : Effect.map(chats.find(ref), (cached) => cached?.chat.version)
      )
      const load = yield* Effect.forkChild(find)
      yield* Deferred.await(reading)
      version = 2
      chats.changedElsewhere(ChatId(1))
      yield* Deferred.succeed(goOn, undefined)
      assert.strictEqual(yield* Fiber.join(load), 1)
      assert.strictEqual(yield* find, 2)
      assert.strictEqual(chats.peek(ChatId(1))?.chat.version, 2)
      version = 3
      assert.strictEqual(yield* find, 2, "cached again")
      chats.clear()
      assert.strictEqual(yield* find, 3)
    }).pipe(Effect.provide(MemoryStore.layer))
  )
})

it.effect("a list of chats has those that are invalidated while others are loaded", () =>
  Effect.gen(function* () {
    const store = yield* Store
    const reading = yield* Deferred.make<void>()
    const goOn = yield* Deferred.make<void>()
    const chats = new ChatCache(
      Store.of({
        ...store,
        chats: (ids) =>
          Effect.gen(function* () {
            if (ids.includes(ChatId(2))) {
              yield* Deferred.succeed(reading, undefined)
              yield* Deferred.await(goOn)
            }
            return ids.map((one) => stored(one))
          })
      }),
      new UserCache(store),
      10
    )
    yield* chats.find(id(1))
    const load = yield* Effect.forkChild(chats.findMany([ChatId(1), ChatId(2)]))
    yield* Deferred.await(reading)
    chats.invalidate(ChatId(1))
    yield* Deferred.succeed(goOn, undefined)
    assert.deepStrictEqual(
      (yield* Fiber.join(load)).map(({ chat }) => chat.id),
      [ChatId(1), ChatId(2)]
    )
  }).pipe(Effect.provide(MemoryStore.layer))
)
