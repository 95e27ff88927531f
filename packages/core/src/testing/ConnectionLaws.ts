/**
 * Laws of `Connection`: one for each sentence of the port. Run each with a harness that opens real connections; a law
 * fails with `LawBroken`, or does not end.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { Frame } from "../ports/Frame.ts"
import { type Harness, drained, insist, open, settle } from "./ConnectionHarness.ts"

/** One law: fails if it does not hold. */
export interface ConnectionLaw {
  readonly name: string
  readonly check: (harness: Harness) => Effect.Effect<void, unknown, Scope.Scope>
}

/** Size of a frame in bytes that fits neither the limit nor the buffers of the network. */
const LARGE = 12 * 1024 * 1024

/** Texts of many sizes and alphabets, within the limit. */
const samples = (limit: number): ReadonlyArray<string> => [
  "a",
  "{}",
  "x".repeat(125),
  "x".repeat(126),
  "é".repeat(63),
  "消息".repeat(500),
  "🙂".repeat(700),
  "\u2028\u2029\u0000\t",
  "y".repeat(limit - 1),
  "z".repeat(limit),
  "e\u0301".repeat(Math.floor(limit / 3)),
  "字".repeat(Math.floor(limit / 3)),
  "end"
]

const law = (name: string, check: (harness: Harness) => Effect.Effect<void, unknown, Scope.Scope>): ConnectionLaw => ({
  name,
  check: (harness) => Effect.scoped(check(harness))
})

/** The laws of `Connection`, for any test runner. */
export const connectionLaws: ReadonlyArray<ConnectionLaw> = [
  law("frames to the client arrive whole and in the order sent", (harness) =>
    Effect.gen(function* () {
      const { atClient, connection } = yield* open(harness)
      for (const text of samples(harness.frame)) {
        connection.send(new Frame(text))
        connection.send(new Frame(`after ${text.length}`))
        yield* drained(connection, harness.sendBuffer - 2 * harness.frame)
      }
      for (const text of samples(harness.frame)) {
        yield* insist((yield* atClient) === text, `a frame of ${text.length} characters arrived changed`)
        yield* insist((yield* atClient) === `after ${text.length}`, "the next frame did not follow")
      }
    })
  ),
  law("frames from the client arrive whole and in the order sent", (harness) =>
    Effect.gen(function* () {
      const { atServer, client } = yield* open(harness)
      const texts = samples(harness.frame)
      for (const text of texts) client.send(text)
      for (const text of texts) {
        yield* insist((yield* atServer) === text, `a frame of ${text.length} characters arrived changed`)
      }
    })
  ),
  law("many frames of one turn arrive in order", (harness) =>
    Effect.gen(function* () {
      const { atClient, connection } = yield* open(harness)
      for (let n = 0; n < 500; n++) connection.send(new Frame(String(n)))
      for (let n = 0; n < 500; n++) yield* insist((yield* atClient) === String(n), `frame ${n} is not in its place`)
    })
  ),
  law("a frame for several connections is encoded once", (harness) =>
    Effect.gen(function* () {
      const pairs = yield* Effect.forEach([1, 2, 3], () => open(harness))
      const frame = new Frame("to all of you: 你们好")
      for (const { connection } of pairs) connection.send(frame)
      for (const { atClient } of pairs) yield* insist((yield* atClient) === frame.text, "the frame was changed")
      let again = false
      frame.bytes(harness.transport, () => {
        again = true
        return new Uint8Array()
      })
      yield* insist(!again, "its bytes were not cached")
    })
  ),
  law("frames sent before close are still delivered", (harness) =>
    Effect.gen(function* () {
      const { atClient, clientEnded, closed, connection } = yield* open(harness)
      const large = "b".repeat(harness.frame)
      connection.send(new Frame("first"))
      connection.send(new Frame(large))
      connection.send(new Frame("last"))
      connection.close(1000, "done")
      for (const text of ["first", large, "last"]) yield* insist((yield* atClient) === text, "a frame was lost")
      yield* clientEnded
      yield* closed
    })
  ),
  law("after close, send does nothing", (harness) =>
    Effect.gen(function* () {
      const { clientEnded, closed, connection, seen } = yield* open(harness)
      connection.send(new Frame("before"))
      connection.close(1000, "")
      connection.send(new Frame("after"))
      yield* clientEnded
      yield* closed
      connection.send(new Frame("long after"))
      connection.close(1000, "again")
      yield* settle(harness)
      yield* insist(seen.clientFrames === 1, "a frame sent after close arrived")
      yield* insist(connection.buffered() === 0, "bytes are still buffered")
    })
  ),
  law("after the client disconnected, send does nothing", (harness) =>
    Effect.gen(function* () {
      const { client, closed, connection } = yield* open(harness)
      client.close()
      // Some of these are sent while the client disconnects, some after it: none may have an effect.
      for (let n = 0; n < 100; n++) {
        connection.send(new Frame("are you there?"))
        yield* Effect.yieldNow
      }
      yield* closed
      connection.send(new Frame("no"))
      connection.pause()
      connection.resume()
      connection.close(1000, "")
      yield* insist(connection.buffered() === 0, "bytes are still buffered")
    })
  ),
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
  law("`closed` is called once, and nothing is received after it, when the client disconnects", (harness) =>
    Effect.gen(function* () {
      const { client, closed, seen } = yield* open(harness)
      for (let n = 0; n < 20; n++) client.send(`last words ${n}`)
      client.close()
      yield* closed
      yield* settle(harness)
      yield* insist(seen.closed === 1, "`closed` was called again")
      yield* insist(seen.afterClosed === 0, "a frame was received after it")
    })
  ),
  law("`closed` is called once, and nothing is received after it, when the server closes", (harness) =>
    Effect.gen(function* () {
      const { client, closed, connection, seen } = yield* open(harness)
      for (let n = 0; n < 20; n++) client.send(`while you close ${n}`)
      connection.close(1000, "")
      connection.close(1001, "again")
      client.close()
      yield* closed
      yield* settle(harness)
      yield* insist(seen.closed === 1, "`closed` was called again")
      yield* insist(seen.afterClosed === 0, "a frame was received after it")
    })
  ),
  law("the engine can close inside `receive`, and gets no further frame", (harness) =>
    Effect.gen(function* () {
      const { atClient, client, clientEnded, closed, seen } = yield* open(harness, {
        receive: (connection) => {
          connection.send(new Frame("goodbye"))
          connection.close(1000, "")
        }
      })
      for (let n = 0; n < 20; n++) client.send(`hello ${n}`)
      yield* insist((yield* atClient) === "goodbye", "the reply was lost")
      yield* clientEnded
      yield* closed
      yield* insist(seen.received === 1, "frames were received after close")
    })
  ),
  law("connections have unique ids, from 1, and an address without a port", (harness) =>
    Effect.gen(function* () {
      const pairs = yield* Effect.forEach([1, 2, 3], () => open(harness))
      const ids = pairs.map(({ connection }) => connection.id)
      yield* insist(new Set(ids).size === 3, "two have the same id")
      for (const id of ids) yield* insist(Number.isSafeInteger(id) && id >= 1, `${id} is not an id`)
      for (const { connection } of pairs) {
        yield* insist(
          /^(\d+(\.\d+){3}|[0-9a-f:]+)$/.test(connection.address),
          `${connection.address} is not an address`
        )
      }
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
  ),
  law("a frame that is not UTF-8 is dropped and reported, and the connection continues", (harness) =>
    Effect.gen(function* () {
      const { atClient, atServer, client, connection, seen } = yield* open(harness)
      client.send("before")
      client.sendGarbled()
      client.sendGarbled()
      client.send("after \ufffd")
      yield* insist((yield* atServer) === "before", "the frame before it was changed")
      yield* insist((yield* atServer) === "after \ufffd", "it was received, or the frame after it was not")
      yield* insist(seen.invalidUtf8 === 2, `${seen.invalidUtf8} frames were reported, not two`)
      connection.send(new Frame("still here"))
      yield* insist((yield* atClient) === "still here", "the connection does not continue")
      yield* insist(seen.closed === 0, "the connection ended")
    })
  ),
  law("one byte order mark at the start of a frame is removed", (harness) =>
    Effect.gen(function* () {
      const { atServer, client } = yield* open(harness)
      client.send("\ufeffmarked")
      client.send("\ufeff\ufefftwice")
      client.send("with\ufeffin")
      yield* insist((yield* atServer) === "marked", "the mark was received, or the frame was not")
      yield* insist((yield* atServer) === "\ufefftwice", "both marks were dropped, or none")
      yield* insist((yield* atServer) === "with\ufeffin", "a mark within a frame was dropped")
    })
  ),
  law("a frame over the limit, in bytes, is dropped, and the limit is reported", (harness) =>
    Effect.gen(function* () {
      const { atServer, client, seen } = yield* open(harness)
      // Fewer characters than the limit, but more bytes.
      const wide = "字".repeat(Math.floor(harness.frame / 3) + 1)
      client.send("x".repeat(harness.frame))
      client.send("x".repeat(harness.frame + 1))
      client.send(wide)
      client.send("next")
      yield* insist((yield* atServer).length === harness.frame, "a frame of exactly the limit was dropped")
      yield* insist((yield* atServer) === "next", "a frame over the limit was received")
      yield* insist(seen.oversized.length === 2, `${seen.oversized.length} frames were reported, not two`)
      yield* insist(
        seen.oversized.every((limit) => limit === harness.frame),
        "another limit was reported"
      )
    })
  ),
  law("`limitFrames` limits later frames, up to the transport's own limit", (harness) =>
    Effect.gen(function* () {
      const { atServer, client, connection, seen } = yield* open(harness)
      connection.limitFrames(1000)
      client.send("x".repeat(1000))
      yield* insist((yield* atServer).length === 1000, "a frame of exactly the limit was dropped")
      client.send("x".repeat(1001))
      client.send("next")
      yield* insist((yield* atServer) === "next", "a frame over the limit was received")
      connection.limitFrames(10 * harness.frame)
      client.send("x".repeat(harness.frame))
      yield* insist((yield* atServer).length === harness.frame, "the limit was not raised")
      client.send("x".repeat(harness.frame + 1))
      client.send("last")
      yield* insist((yield* atServer) === "last", "a frame over the transport's limit was received")
      yield* insist(
        seen.oversized.join() === `1000,${harness.frame}`,
        `the reported limits are ${seen.oversized.join()}`
      )
    })
  ),
  law("the size of an unfinished frame is reported, and reported again when the frame is whole", (harness) =>
    Effect.gen(function* () {
      const sizes = yield* Queue.unbounded<number>()
      const { atServer, client, seen } = yield* open(harness, {
        partial: (bytes) => {
          Queue.offerUnsafe(sizes, bytes)
        }
      })
      client.send("whole")
      yield* atServer
      yield* insist(seen.partial === 0, `${seen.partial} bytes are reported without a frame`)
      if (client.sendPart === undefined) return
      client.sendPart(600)
      const first = yield* Queue.take(sizes)
      yield* insist(first >= 600 && first <= 2048, `${first} bytes are reported for 600`)
      client.sendPart(600)
      const second = yield* Queue.take(sizes)
      yield* insist(second >= 1200 && second <= 4096, `${second} bytes are reported for 1200`)
    })
  ),
  law("no more than the limit of an endless frame is buffered, and the engine can reply and close", (harness) =>
    Effect.gen(function* () {
      const { atClient, client, clientEnded, closed, connection, seen } = yield* open(harness, {
        oversized: (from, limit) => {
          from.send(new Frame(`at most ${limit} bytes`))
          from.close(1009, "too large")
        }
      })
      connection.limitFrames(2000)
      if (client.sendPart === undefined) return client.send("x".repeat(harness.frame))
      for (let n = 0; n < 20; n++) client.sendPart(1000)
      yield* insist((yield* atClient) === "at most 2000 bytes", "the reply was lost")
      yield* clientEnded
      yield* closed
      yield* insist(seen.oversized.length === 1, `${seen.oversized.length} frames were reported`)
      yield* insist(seen.afterClosed === 0, "a call followed the end")
    })
  ),
  law("the engine can reply to an oversized frame and close", (harness) =>
    Effect.gen(function* () {
      const frames = yield* Queue.unbounded<string>()
      const ended = yield* Deferred.make<void>()
      const client = yield* harness.open(
        (connection) => ({
          receive: () => {},
          invalidUtf8: () => {},
          oversized: (limit) => {
            connection.send(new Frame(`at most ${limit} bytes`))
            connection.close(1009, "too large")
          },
          closed: () => {}
        }),
        {
          frame: (text) => {
            Queue.offerUnsafe(frames, text)
          },
          ended: () => {
            Deferred.doneUnsafe(ended, Effect.void)
          }
        }
      )
      client.send("x".repeat(2 * harness.frame))
      yield* insist((yield* Queue.take(frames)) === `at most ${harness.frame} bytes`, "the reply was lost")
      yield* Deferred.await(ended)
    })
  )
]
