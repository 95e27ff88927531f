/** One connection's frames: carried out one after the other, and answered in that order. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { Acceptor } from "@parley/core/Acceptor"
import { Engine } from "@parley/core/Engine"
import type { Reply, Requests, ClientSession } from "@parley/core/ClientSession"
import { Sessions } from "@parley/core/Sessions"
import { defaultSettings, Settings } from "@parley/core/Settings"
import { TestClock } from "effect/testing"
import { connect } from "../src/testing/MemoryConnection.ts"
import { engineLayer, people, serializer } from "./harness.ts"

/** A client whose frame `slow` is not answered before `release`. */
const dial = Effect.gen(function* () {
  const acceptor = yield* Acceptor
  const release = yield* Deferred.make<void>()
  const frames: Array<string> = []
  const over = yield* Deferred.make<number | undefined>()
  const requests: Requests = (_session, frame) => {
    const reply = Effect.succeed({ frame })
    return [() => (frame === "slow" ? Effect.andThen(Deferred.await(release), reply) : reply)]
  }
  const client = connect({
    accept: (connection) => acceptor.accept(connection, serializer("explicit"), requests),
    frame: 1000,
    client: {
      frame: (text) => frames.push(text),
      ended: (closed) => Deferred.doneUnsafe(over, Effect.succeed(closed?.code))
    }
  })
  return { client, frames, over: Deferred.await(over), release: Deferred.succeed(release, undefined) }
})

/** A connection that never has a user; every frame is answered by `requests`. */
const unauthenticated = Effect.fnUntraced(function* (
  requests: Requests,
  { address = "192.0.2.1", sendBuffer = 8 * 1024 * 1024 } = {}
) {
  const acceptor = yield* Acceptor
  const frames: Array<string> = []
  const over = yield* Deferred.make<{ readonly code: number; readonly reason: string } | undefined>()
  const partial = { tell: (_bytes: number): void => {} }
  let received = 0
  const client = connect({
    accept: (connection) => {
      const session = acceptor.accept(connection, serializer("explicit"), requests)
      partial.tell = (bytes) => session.partial(bytes)
      return {
        receive: (frame, bytes) => {
          received++
          session.receive(frame, bytes)
        },
        invalidUtf8: () => session.invalidUtf8(),
        oversized: (limit) => session.oversized(limit),
        closed: () => session.closed()
      }
    },
    address,
    sendBuffer,
    client: {
      frame: (text) => frames.push(text),
      ended: (closed) => Deferred.doneUnsafe(over, Effect.succeed(closed))
    }
  })
  return {
    client,
    frames,
    over: Deferred.await(over),
    partial: (bytes: number) => partial.tell(bytes),
    received: () => received
  }
})

const settled = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
const never: Requests = () => [() => Effect.never]

/** Replies with what `frameOf` makes of the frame. */
const replying =
  (frameOf: (frame: string) => string): Requests =>
  (_session, frame) => [() => Effect.sync((): Reply => ({ frame: frameOf(frame) }))]

describe("an unauthenticated connection", () => {
  it.effect("gets an error at its login deadline, and is closed", () =>
    Effect.gen(function* () {
      const { frames, over } = yield* unauthenticated(never)
      yield* TestClock.adjust("29 seconds")
      assert.deepStrictEqual(frames, [])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* over, { code: 1008, reason: "no login in time" })
      assert.include(frames.join(), "LoginDeadline")
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("has a new deadline after a logout, and none while authenticated", () =>
    Effect.gen(function* () {
      const [ann] = yield* people("ann")
      assert(ann)
      const sessions = yield* Sessions
      const user = yield* (yield* Engine).context.users.find(ann.user)
      assert(user)
      const live = yield* sessions.issue(ann.user, "chat")
      let session: ClientSession | undefined
      const { frames, over } = yield* unauthenticated((its) => {
        session = its
        return [
          () =>
            Effect.sync((): Reply => {
              its.attachUser(live, user, "online")
              return { frame: undefined }
            })
        ]
      }).pipe(Effect.tap(({ client }) => Effect.sync(() => client.send("login"))))
      yield* settled
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(frames, [])
      session?.detachUser()
      yield* TestClock.adjust("29 seconds")
      assert.deepStrictEqual(frames, [])
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* over)?.code, 1008)
    }).pipe(Effect.provide(engineLayer))
  )

  it.live("may send frames of 64 KiB, and no larger ones before its login", () =>
    Effect.gen(function* () {
      const { client, frames, over } = yield* unauthenticated(replying((frame) => String(frame.length)))
      client.send("x".repeat(65_536))
      client.send("x".repeat(65_537))
      assert.strictEqual((yield* over)?.code, 1009)
      assert.strictEqual(frames[0], "65536")
      assert.include(frames[1], "oversized")
    }).pipe(Effect.provide(engineLayer))
  )

  it.live("queues at most 64 KiB beside the running frame", () =>
    Effect.gen(function* () {
      const { client, received } = yield* unauthenticated(never)
      for (let n = 0; n < 20; n++) client.send("x".repeat(20_000))
      yield* settled
      // One in work, three of 20,000 bytes below the bound and the one that passes it.
      assert.strictEqual(received(), 5)
    }).pipe(Effect.provide(engineLayer))
  )

  it.live("keeps reading for an unfinished frame alone, and pauses when frames are queued too", () =>
    Effect.gen(function* () {
      const release = yield* Deferred.make<void>()
      const { client, frames, partial, received } = yield* unauthenticated((_session, frame) => [
        () => Effect.as(Deferred.await(release), { frame })
      ])
      partial(60_000)
      client.send("in work")
      yield* settled
      client.send("x".repeat(6000))
      yield* settled
      client.send("later")
      yield* settled
      assert.strictEqual(received(), 2)
      yield* Deferred.succeed(release, undefined)
      yield* settled
      assert.strictEqual(frames.length, 3)
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("the input of all connections", () => {
  const tight = { ...defaultSettings, inputPerAddress: 512 * 1024, inputTotal: 1024 * 1024 }

  it.live("is bounded per address: an unauthenticated connection that holds much is closed, others are not", () =>
    Effect.gen(function* () {
      const clients = yield* Effect.forEach([1, 2, 3], () => unauthenticated(never))
      const [first, second, third] = clients
      const elsewhere = yield* unauthenticated(never, { address: "192.0.2.2" })
      for (const one of [first, second, elsewhere]) one?.client.send("x".repeat(40_000))
      yield* settled
      const { code, reason } = (yield* second?.over ?? Effect.undefined) ?? {}
      assert.deepStrictEqual([code, reason], [1013, "too much pending input"])
      assert.include(second?.frames.join(), "InputExhausted")
      // A login is not refused for what others hold.
      third?.client.send("a login")
      yield* settled
      assert.deepStrictEqual([first?.frames, third?.frames, elsewhere.frames], [[], [], []])
    }).pipe(Effect.provide(engineLayer), Effect.provideService(Settings, tight))
  )

  it.live("counts unfinished frames, too", () =>
    Effect.gen(function* () {
      const [first, second] = [yield* unauthenticated(never), yield* unauthenticated(never)]
      first.partial(40_000)
      second.partial(40_000)
      assert.strictEqual((yield* second.over)?.code, 1013)
      first.partial(0)
      const third = yield* unauthenticated(never)
      third.partial(40_000)
      yield* settled
      assert.deepStrictEqual([first.frames, third.frames], [[], []])
    }).pipe(Effect.provide(engineLayer), Effect.provideService(Settings, tight))
  )
})

describe("a client with large requests", () => {
  it.live("gets replies as fast as it reads, and is not dropped for them", () =>
    Effect.gen(function* () {
      const SIZE = 600_000
      const { client, frames } = yield* unauthenticated(
        replying((frame) => frame.padEnd(SIZE, ".")),
        { sendBuffer: 256 * 1024 }
      )
      client.stopReading()
      for (let n = 0; n < 20; n++) client.send(String(n))
      yield* settled
      client.startReading()
      while (frames.length < 20) yield* settled
      assert.deepStrictEqual(
        frames.map((answer) => Number.parseInt(answer, 10)),
        Array.from({ length: 20 }, (_, n) => n)
      )
    }).pipe(Effect.provide(engineLayer))
  )

  it.live("has no request handled while it does not read its replies", () =>
    Effect.gen(function* () {
      let done = 0
      const { client, frames } = yield* unauthenticated(
        replying(() => {
          done++
          return "x".repeat(300_000)
        })
      )
      client.stopReading()
      for (let n = 0; n < 10; n++) client.send(String(n))
      yield* settled
      assert.strictEqual(done, 1)
      client.startReading()
      while (frames.length < 10) yield* settled
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("the frames of one connection", () => {
  it.live("are answered in order, however many are queued behind a slow one", () =>
    Effect.gen(function* () {
      const { client, frames, over, release } = yield* dial
      client.send("slow")
      for (let index = 0; index < 50_000; index++) client.send(String(index))
      yield* Effect.yieldNow
      assert.deepStrictEqual(frames, [])
      yield* release
      client.send("x".repeat(1001))
      assert.strictEqual(yield* over, 1009)
      assert.strictEqual(frames.length, 50_002)
      assert.deepStrictEqual([frames[0], frames[1], frames[50_000]], ["slow", "0", "49999"])
      assert.include(frames.at(-1), "oversized")
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("take over no session after the connection has ended, however late they run", () =>
    Effect.gen(function* () {
      const [ann] = yield* people("ann")
      if (ann === undefined) return assert.fail("no ann")
      const acceptor = yield* Acceptor
      const sessions = yield* Sessions
      const user = yield* (yield* Engine).context.users.find(ann.user)
      if (user === undefined) return assert.fail("no user")
      const live = yield* sessions.issue(ann.user, "chat")
      const open = () => {
        const frames: Array<string> = []
        let session: ClientSession | undefined
        const client = connect({
          accept: (connection) => (session = acceptor.accept(connection, serializer("explicit"), () => [])),
          client: { frame: (text) => frames.push(text), ended: () => undefined }
        })
        if (session === undefined) throw new Error("not accepted")
        return { client, session, frames }
      }
      const [early, late] = [open(), open()]
      late.session.attachUser(live, user, "online")
      early.session.closed()
      early.session.attachUser(live, user, "online")
      yield* Effect.yieldNow
      assert.deepStrictEqual(late.frames, [])
      assert.strictEqual(late.session.live, live)
      // A new login is another matter: what was before it has ended.
      early.session.attachUser(yield* sessions.issue(ann.user, "chat"), user, "online")
      yield* Effect.yieldNow
      assert.include(late.frames.join(), "takenOver")
    }).pipe(Effect.provide(engineLayer))
  )
})
