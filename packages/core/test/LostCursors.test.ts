/** Pushes whose cursors were not written when the server was killed. Source: PROTOCOLS, "Offline queue", "Recall". */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import type { UserCaller as Caller } from "@parley/core/Event"
import { StorageFailed, type Store } from "@parley/core/Store"
import { Chats, Messages } from "./Commands.ts"
import { engineOn } from "./directoryFixture.ts"
import { online, people } from "./harness.ts"

/** The store as a server sees it that is killed before it writes any cursor. */
const withoutCursors = (store: Store["Service"]): Store["Service"] => ({
  ...store,
  commit: (batch) =>
    batch.writes.some(({ _tag }) => _tag === "MoveCursor")
      ? Effect.fail(new StorageFailed({ operation: "commit", cause: "killed" }))
      : store.commit(batch)
})

/** Sends "m1" from ann to ben, who receives it from a server that is killed then. */
const receiveAndKill = Effect.fnUntraced(function* (store: Store["Service"]) {
  return yield* Effect.gen(function* () {
    const [ann, ben] = yield* people("ann", "ben")
    assert(ann && ben)
    yield* (yield* Chats).create(ann, { gid: "g", members: [ben.user] })
    const client = yield* online(ben)
    yield* (yield* Messages).send(ann, [{ gid: "m1", chat: { gid: "g" }, content: "secret" }])
    yield* client.until(() => client.of("Posted").length === 1)
    return [ann, ben] as const
  }).pipe(Effect.provide(engineOn(withoutCursors(store))))
})

/** Returns the messages and recalls that ben gets from the next server, up to a last message. */
const comesBack = Effect.fnUntraced(function* (ann: Caller, ben: Caller) {
  const client = yield* online(ben)
  yield* (yield* Messages).send(ann, [{ gid: "last", chat: { gid: "g" }, content: "last" }])
  yield* client.until(() => client.of("Posted").some(({ text }) => text === "last"))
  return client.packets
    .filter(({ kind }) => kind === "Posted" || kind === "Recalled")
    .map(({ kind, text }) => `${kind} ${text}`)
})

describe("a message that was received from a server that was killed before it wrote the cursor", () => {
  it.effect("is delivered again, as it stands", () => {
    const store = MemoryStore.make()
    return Effect.gen(function* () {
      const [ann, ben] = yield* receiveAndKill(store)
      const received = yield* Effect.provide(comesBack(ann, ben), engineOn(store))
      assert.deepStrictEqual(received, ["Posted secret", "Posted last"])
    })
  })

  // A known gap, in docs/security.md: by its cursor the device has not seen the message, and needs no recall.
  it.effect.fails("is recalled at a device that has received it, if it was recalled meanwhile", () => {
    const store = MemoryStore.make()
    return Effect.gen(function* () {
      const [ann, ben] = yield* receiveAndKill(store)
      const received = yield* Effect.gen(function* () {
        yield* (yield* Messages).recall(ann, "m1")
        return yield* comesBack(ann, ben)
      }).pipe(Effect.provide(engineOn(store)))
      assert.deepStrictEqual(received, ["Recalled ", "Posted last"])
    })
  })
})
