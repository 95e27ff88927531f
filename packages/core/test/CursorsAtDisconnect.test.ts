/** Acknowledgements of a connection that ends are written at once. Source: PROTOCOLS, "Offline queue". */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { Hub } from "@parley/core/Hub"
import type { UserId } from "@parley/core/Ids"
import type { Store } from "@parley/core/Store"
import { Chats, Messages } from "./Commands.ts"
import { HeldStore } from "./HeldStore.ts"
import { online, people } from "./harness.ts"
import { engineOn } from "./directoryFixture.ts"

const delivered = Effect.fnUntraced(function* (store: Store["Service"], user: UserId) {
  return (yield* store.cursorsOf(user, ""))[0]?.delivered
})

/** Until all fibers have done what they can without the clock. */
const settled = Effect.forEach(Array.from({ length: 20 }), () => Effect.yieldNow, { discard: true })

describe("acknowledgements of a connection that ends", () => {
  it.effect("are written without delay, and those of many connections together", () => {
    const held = new HeldStore(MemoryStore.make())
    let commits = 0
    const store: Store["Service"] = {
      ...held.store,
      commit: (batch) => {
        if (batch.writes.some(({ _tag }) => _tag === "MoveCursor")) commits++
        return held.store.commit(batch)
      }
    }
    return Effect.gen(function* () {
      const members = yield* people(...Array.from({ length: 30 }, (_, index) => `user${index}`))
      const [ann] = members
      assert(ann)
      yield* (yield* Chats).create(ann, { gid: "g", members: members.map(({ user }) => user) })
      const clients = yield* Effect.forEach(members, (member) => online(member))
      const [sent] = yield* (yield* Messages).send(ann, [{ gid: "m", chat: { gid: "g" }, content: "hello" }])
      assert(sent)
      const acknowledge = Effect.fnUntraced(function* (client: (typeof clients)[number]) {
        yield* client.until(() => client.of("Posted").length === 1)
        yield* client.acknowledge(sent.message.id)
        yield* client.leave
      })
      const writing = held.hold("commit", "before", "MoveCursor")
      const [first, ...others] = clients
      assert(first)
      yield* acknowledge(first)
      yield* writing.reached
      yield* Effect.forEach(others, acknowledge)
      writing.release()
      yield* settled
      for (const { user } of members) assert.strictEqual(yield* delivered(store, user), 2)
      assert.strictEqual(commits, 2)
    }).pipe(Effect.provide(engineOn(store)))
  })

  it.effect("are written even if their lookup was still pending", () => {
    const held = new HeldStore(MemoryStore.make())
    return Effect.gen(function* () {
      const [ann, id] = yield* Effect.gen(function* () {
        const [one, ben] = yield* people("ann", "ben")
        assert(one && ben)
        yield* (yield* Chats).create(ben, { gid: "g", members: [one.user] })
        const [sent] = yield* (yield* Messages).send(ben, [{ gid: "m", chat: { gid: "g" }, content: "hello" }])
        assert(sent)
        return [one, sent.message.id] as const
      }).pipe(Effect.provide(engineOn(held.store)))
      // An engine that has just started remembers no entry.
      yield* Effect.gen(function* () {
        const hub = yield* Hub
        const client = yield* online(ann)
        yield* client.until(() => client.of("Posted").length === 1)
        const looking = held.hold("locate", "after")
        const asking = yield* Effect.forkChild(client.acknowledge(id))
        yield* looking.reached
        yield* client.leave
        assert.isFalse(hub.isOnline(ann.user))
        looking.release()
        yield* Fiber.join(asking)
        yield* settled
        assert.strictEqual(yield* delivered(held.store, ann.user), 2)
      }).pipe(Effect.provide(engineOn(held.store)))
    })
  })
})
