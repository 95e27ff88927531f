/** Laws of slow readers: the limit of buffered bytes, draining, and pausing. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { Frame } from "../../ports/Frame.ts"
import { drained, insist, open, settle } from "../ConnectionHarness.ts"
import { type ConnectionLaw, law } from "./Law.ts"

/** Size of a frame in bytes that fits neither the limit nor the buffers of the network. */
const LARGE = 12 * 1024 * 1024

export const flowControlLaws: ReadonlyArray<ConnectionLaw> = [
  law("a client that does not read is dropped when more than the limit is buffered", (harness) =>
    Effect.gen(function* () {
      const { client, closed, connection, seen } = yield* open(harness)
      client.stopReading()
      const text = "s".repeat(harness.frame - 1)
      for (let sent = 0; seen.closed === 0; sent += text.length) {
        // Networks buffer a few megabytes themselves.
        yield* insist(sent < 256 * 1024 * 1024 + harness.sendBuffer, "it was never dropped")
        connection.send(new Frame(text))
        yield* insist(connection.buffered() <= harness.sendBuffer + harness.frame, "more than the limit was buffered")
        yield* Effect.yieldNow
      }
      yield* closed
      yield* settle(harness)
      yield* insist(seen.closed === 1, "`closed` was called again")
    })
  ),
  law("a client that reads is not dropped for a frame larger than the limit", (harness) =>
    Effect.gen(function* () {
      const { atClient, connection } = yield* open(harness)
      const list = "l".repeat(LARGE)
      for (const small of ["1", "2"]) {
        connection.send(new Frame(list))
        connection.send(new Frame(small))
        yield* insist((yield* atClient) === list, "the large frame was changed")
        yield* insist((yield* atClient) === small, "the next frame did not follow")
      }
    })
  ),
  law("a client that does not read is dropped even after a large frame", (harness) =>
    Effect.gen(function* () {
      const { client, closed, connection, seen } = yield* open(harness)
      client.stopReading()
      connection.send(new Frame("l".repeat(LARGE)))
      const text = "s".repeat(harness.frame - 1)
      for (let sent = 0; seen.closed === 0; sent += text.length) {
        yield* insist(sent < 256 * 1024 * 1024 + harness.sendBuffer, "it was never dropped")
        connection.send(new Frame(text))
        yield* insist(
          // A transport's own bytes around the large frame are fewer than another frame.
          connection.buffered() <= LARGE + harness.sendBuffer + 2 * harness.frame,
          "more than the limit was buffered"
        )
        yield* Effect.yieldNow
      }
      yield* closed
    })
  ),
  law("replies do not count against the limit, and other frames do", (harness) =>
    Effect.gen(function* () {
      const { client, closed, connection, seen } = yield* open(harness)
      client.stopReading()
      for (let n = 0; n < 2; n++) connection.send(new Frame("l".repeat(LARGE)), true)
      const text = "s".repeat(harness.frame - 20)
      for (let sent = 0; sent < harness.sendBuffer - 2 * harness.frame; sent += text.length) {
        connection.send(new Frame(text))
      }
      yield* settle(harness)
      yield* insist(seen.closed === 0, "it was dropped for its replies")
      for (let sent = 0; seen.closed === 0; sent += text.length) {
        yield* insist(sent < 2 * LARGE + harness.sendBuffer + 2 * harness.frame, "it was never dropped")
        connection.send(new Frame(text))
        yield* Effect.yieldNow
      }
      yield* closed
    })
  ),
  law("a slow reader does not delay other connections", (harness) =>
    Effect.gen(function* () {
      const slow = yield* open(harness)
      const quick = yield* open(harness)
      slow.client.stopReading()
      const large = "s".repeat(harness.frame - 1)
      for (let n = 0; slow.seen.closed === 0; n++) {
        yield* insist(n * large.length < 256 * 1024 * 1024, "it was never dropped")
        slow.connection.send(new Frame(large))
        quick.connection.send(new Frame(String(n)))
        yield* insist((yield* quick.atClient) === String(n), "the other connection's frames are not in order")
      }
      yield* insist(quick.seen.closed === 0, "the other connection ended too")
    })
  ),
  law("`buffered` counts sent bytes until the system takes them", (harness) =>
    Effect.gen(function* () {
      const { atClient, connection } = yield* open(harness)
      yield* insist(connection.buffered() === 0, "bytes are buffered before anything was sent")
      const text = "n".repeat(1000)
      connection.send(new Frame(text))
      yield* insist(connection.buffered() >= 1000, "a frame that was just sent is not counted")
      yield* atClient
      yield* drained(connection, 0)
      yield* insist(connection.buffered() === 0, "bytes are still buffered")
    })
  ),
  law("`onDrained` calls back once, as soon as `buffered` is low enough", (harness) =>
    Effect.gen(function* () {
      const { connection } = yield* open(harness)
      let calls = 0
      yield* Effect.callback<void>((resume) => {
        connection.onDrained(0, () => {
          calls += 1
          resume(Effect.void)
        })
      })
      const low = harness.frame
      for (let n = 0; n < 40; n++) {
        connection.send(new Frame("d".repeat(harness.frame - 20)))
        yield* drained(connection, low)
        yield* insist(connection.buffered() <= low, "it called back too early")
      }
      yield* settle(harness)
      yield* insist(calls === 1, `it called back ${calls} times`)
    })
  ),
  law("`onDrained` calls back when the connection has ended", (harness) =>
    Effect.gen(function* () {
      const { client, closed, connection, seen } = yield* open(harness)
      client.stopReading()
      const text = "s".repeat(harness.frame - 1)
      const waiting = yield* Deferred.make<void>()
      // Fills the network first, so that bytes are buffered when the callback is registered.
      while (connection.buffered() < harness.sendBuffer - 2 * harness.frame && seen.closed === 0) {
        connection.send(new Frame(text))
        yield* Effect.yieldNow
      }
      connection.onDrained(0, () => {
        Deferred.doneUnsafe(waiting, Effect.void)
      })
      while (seen.closed === 0) {
        connection.send(new Frame(text))
        yield* Effect.yieldNow
      }
      yield* closed
      yield* Deferred.await(waiting)
      yield* drained(connection, 0)
    })
  ),
  law("`pause` stops reading, and `resume` continues without a loss", (harness) =>
    Effect.gen(function* () {
      const { atServer, client, connection, seen } = yield* open(harness)
      client.send("ready")
      yield* atServer
      connection.pause()
      const count = Math.ceil((8 * 1024 * 1024) / harness.frame)
      const text = "p".repeat(harness.frame - 10)
      for (let n = 0; n < count; n++) client.send(`${n} ${text}`)
      yield* settle(harness, 20)
      yield* insist(seen.received < count, "everything was received while paused")
      connection.resume()
      for (let n = 0; n < count; n++) {
        yield* insist((yield* atServer) === `${n} ${text}`, `frame ${n} is not in its place`)
      }
    })
  ),
  law("a paused connection still sends", (harness) =>
    Effect.gen(function* () {
      const { atClient, connection } = yield* open(harness)
      connection.pause()
      connection.send(new Frame("out"))
      yield* insist((yield* atClient) === "out", "the frame was changed")
    })
  )
]
