/** Invariant 7, everything is bounded: what one connection makes the engine keep in memory. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Queue } from "effect"
import { ChatId, UserId } from "@parley/core/Ids"
import { MAX_ACKED } from "@parley/core/Cursor"
import { Acceptor } from "@parley/core/Acceptor"
import type { SendMessages } from "@parley/core/Command"
import { Engine } from "@parley/core/Engine"
import type { Requests } from "@parley/core/ClientSession"
import { defaultSettings, Settings } from "@parley/core/Settings"
import { Subscriber } from "../src/delivery/Subscriber.ts"
import { connect } from "../src/testing/MemoryConnection.ts"
import { engineLayer, people, serializer } from "./harness.ts"

const settled = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

describe("invariant 7:", () => {
  it.effect("a request sends at most 100 messages, or one to each of as many chats as it may name users", () =>
    Effect.gen(function* () {
      const { perform } = yield* Engine
      const [ann, ...others] = yield* people("ann", ...Array.from({ length: 101 }, (_, index) => `user${index}`))
      assert(ann)
      const drafts = yield* Effect.forEach(others, ({ user }, index) => {
        const members = [ann.user, user]
        const direct = { _tag: "CreateChat", gid: "", name: "", type: "one2one", subject: 0, public: false } as const
        return Effect.map(perform(ann, { ...direct, members }), ({ chat }) => ({
          gid: `m${index}`,
          chat: { id: chat.id },
          type: "normal" as const,
          contentType: "text",
          content: "x"
        }))
      })
      const [first] = drafts
      assert(first)
      const refused = (command: Omit<SendMessages, "_tag">) =>
        Effect.map(Effect.flip(perform(ann, { _tag: "SendMessages", ...command })), ({ reason }) =>
          reason._tag === "Invalid" ? reason.problem : reason._tag
        )
      assert.strictEqual(yield* refused({ messages: drafts }), "must hold at most 100 messages")
      const twice = { messages: [...drafts, { ...first, gid: "twice" }], onePerChat: true } as const
      assert.strictEqual(yield* refused(twice), "must hold at most one message for each chat")
      const many = { messages: Array(1001).fill(first), onePerChat: true } as const
      assert.strictEqual(yield* refused(many), "must hold at most 1000 messages")
      const missing = { ...first, gid: "nowhere", chat: { gid: "unknown" } }
      assert.strictEqual(yield* refused({ messages: [first, missing], onePerChat: true }), "MessagesRefused")
      const sent = yield* perform(ann, { _tag: "SendMessages", messages: drafts, onePerChat: true })
      assert.lengthOf(sent, 101)
      assert.strictEqual(new Set(sent.map(({ chat }) => chat.id)).size, 101)
    }).pipe(Effect.provide(engineLayer))
  )

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
