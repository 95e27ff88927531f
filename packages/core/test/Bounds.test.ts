/** Invariant 7, everything is bounded: what one connection makes the engine keep in memory. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Queue } from "effect"
import { ChatId, UserId } from "@parley/core/Ids"
import { MAX_ACKED } from "@parley/core/Cursor"
import { Acceptor } from "@parley/core/Acceptor"
import type { Requests } from "@parley/core/ClientSession"
import { defaultSettings, Settings } from "@parley/core/Settings"
import { Subscriber } from "../src/delivery/Subscriber.ts"
import { connect } from "../src/testing/MemoryConnection.ts"
import { engineLayer, serializer } from "./harness.ts"

const settled = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

describe("invariant 7:", () => {
  it.live("queued frames are bounded; further ones stay with the client", () =>
    Effect.gen(function* () {
      const WAITING = 4
      const acceptor = yield* Acceptor
      const release = yield* Deferred.make<void>()
      const answers = yield* Queue.unbounded<string>()
      const requests: Requests = (_session, frame) => [() => Effect.as(Deferred.await(release), { frame })]
      let received = 0
      const client = connect({
        accept: (connection) => {
          const session = acceptor.accept(connection, serializer("explicit"), requests)
          return {
            receive: (frame) => {
              received++
              session.receive(frame)
            },
            invalidUtf8: () => session.invalidUtf8(),
            oversized: (limit) => session.oversized(limit),
            closed: () => session.closed()
          }
        },
        client: {
          frame: (text) => {
            Queue.offerUnsafe(answers, text)
          },
          ended: () => {}
        }
      })
      for (let index = 0; index < 100; index++) client.send(String(index))
      yield* settled
      // One is carried out, and as many as are allowed wait.
      assert.strictEqual(received, 1 + WAITING)
      yield* Deferred.succeed(release, undefined)
      for (let index = 0; index < 100; index++) assert.strictEqual(yield* Queue.take(answers), String(index))
      assert.strictEqual(received, 100)
      client.close()
    }).pipe(Effect.provide(engineLayer), Effect.provideService(Settings, { ...defaultSettings, waitingFrames: 4 }))
  )

  it.live("acknowledgements out of order are bounded", () =>
    Effect.gen(function* () {
      const made = yield* Deferred.make<Subscriber>()
      const client = connect({
        accept: (connection) => {
          const listener = { user: UserId(1), device: "" }
          const follow = { catchUp: () => {}, cursorMoved: () => {} }
          Deferred.doneUnsafe(
            made,
            Effect.succeed(new Subscriber(connection, serializer("explicit"), listener, follow))
          )
          return { receive: () => {}, invalidUtf8: () => {}, oversized: () => {}, closed: () => {} }
        },
        client: { frame: () => {}, ended: () => {} }
      })
      const subscriber = yield* Deferred.await(made)
      const subscription = subscriber.subscribe({ chat: ChatId(1), pushed: 0, delivered: 0, acked: [] }, 0)
      assert(subscription)
      for (let seq = 2; seq <= MAX_ACKED + 10; seq++) subscription.acknowledge(seq)
      assert.lengthOf(subscription.cursor.acked, MAX_ACKED)
      assert.isTrue(subscription.isAcknowledged(MAX_ACKED + 1))
      assert.isFalse(subscription.isAcknowledged(MAX_ACKED + 2))
      // The one that was missing lets all of them go.
      subscription.acknowledge(1)
      assert.deepInclude(subscription.cursor, { delivered: MAX_ACKED + 1, acked: [] })
      client.close()
    })
  )
})
