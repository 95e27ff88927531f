/** One connection's frames: carried out one after the other, and answered in that order. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { Reception } from "@parley/core/Reception"
import { Engine } from "@parley/core/Engine"
import type { Respond, Session } from "@parley/core/Session"
import { Sessions } from "@parley/core/Sessions"
import { connect } from "../src/testing/MemoryConnection.ts"
import { engineLayer, people, tongue } from "./Stage.ts"

/** A client whose frame `slow` is not answered before `release`. */
const dial = Effect.gen(function* () {
  const reception = yield* Reception
  const release = yield* Deferred.make<void>()
  const heard: Array<string> = []
  const over = yield* Deferred.make<number | undefined>()
  const respond: Respond = (session, frame) => {
    const answer = Effect.sync(() => session.answer(frame))
    return frame === "slow" ? Effect.andThen(Deferred.await(release), answer) : answer
  }
  const client = connect({
    accept: (connection) => reception.receive(connection, tongue("explicit"), respond),
    frame: 1000,
    client: {
      frame: (text) => heard.push(text),
      ended: (closed) => Deferred.doneUnsafe(over, Effect.succeed(closed?.code))
    }
  })
  return { client, heard, over: Deferred.await(over), release: Deferred.succeed(release, undefined) }
})

describe("the frames of one connection", () => {
  it.live("are answered in their order, however many wait for a slow one", () =>
    Effect.gen(function* () {
      const { client, heard, over, release } = yield* dial
      client.send("slow")
      for (let index = 0; index < 50_000; index++) client.send(String(index))
      yield* Effect.yieldNow
      assert.deepStrictEqual(heard, [])
      yield* release
      client.send("x".repeat(1001))
      assert.strictEqual(yield* over, 1009)
      assert.strictEqual(heard.length, 50_002)
      assert.deepStrictEqual([heard[0], heard[1], heard[50_000]], ["slow", "0", "49999"])
      assert.include(heard.at(-1), "oversized")
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("take no session over once the connection is gone, however late they are carried out", () =>
    Effect.gen(function* () {
      const [ann] = yield* people("ann")
      if (ann === undefined) return assert.fail("no ann")
      const reception = yield* Reception
      const sessions = yield* Sessions
      const user = yield* (yield* Engine).desk.users.find(ann.user)
      if (user === undefined) return assert.fail("no user")
      const live = yield* sessions.issue(ann.user, "chat")
      const open = () => {
        const heard: Array<string> = []
        let session: Session | undefined
        const client = connect({
          accept: (connection) => (session = reception.receive(connection, tongue("explicit"), () => Effect.void)),
          client: { frame: (text) => heard.push(text), ended: () => undefined }
        })
        if (session === undefined) throw new Error("not accepted")
        return { client, session, heard }
      }
      const [early, late] = [open(), open()]
      late.session.enter(live, user, "online")
      early.session.closed()
      early.session.enter(live, user, "online")
      yield* Effect.yieldNow
      assert.deepStrictEqual(late.heard, [])
      assert.strictEqual(late.session.live, live)
      // A new login is another matter: what was before it has ended.
      early.session.enter(yield* sessions.issue(ann.user, "chat"), user, "online")
      yield* Effect.yieldNow
      assert.include(late.heard.join(), "takenOver")
    }).pipe(Effect.provide(engineLayer))
  )
})
