/**
 * What must be true of every transport, sentence by sentence of `Connection`. Run each law with a harness that opens
 * real connections; a law fails with `LawBroken`, or does not end.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { Frame } from "../ports/Frame.ts"
import { type Harness, drained, insist, open, settle } from "./ConnectionHarness.ts"

export interface ConnectionLaw {
  readonly name: string
  readonly check: (harness: Harness) => Effect.Effect<void, unknown, Scope.Scope>
}

/** Bytes of a frame that neither the limit nor what networks hold on their own has room for. */
const LARGE = 12 * 1024 * 1024

/** Texts of many sizes and alphabets, none over the limit. */
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
        yield* insist((yield* atClient) === text, `a frame of ${text.length} characters arrived as another one`)
        yield* insist((yield* atClient) === `after ${text.length}`, "the frame behind it did not follow")
      }
    })
  ),
  law("frames from the client arrive whole and in the order sent", (harness) =>
    Effect.gen(function* () {
      const { atServer, client } = yield* open(harness)
      const texts = samples(harness.frame)
      for (const text of texts) client.send(text)
      for (const text of texts) {
        yield* insist((yield* atServer) === text, `a frame of ${text.length} characters arrived as another one`)
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
      yield* insist(!again, "its bytes were not kept")
    })
  ),
  law("what was sent before close still goes out", (harness) =>
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
      yield* insist(connection.buffered() === 0, "something is still kept")
    })
  ),
  law("once the client is gone, send does nothing", (harness) =>
    Effect.gen(function* () {
      const { client, closed, connection } = yield* open(harness)
      client.close()
      // Some of these are sent while the client is going, some after: none of them may matter.
      for (let n = 0; n < 100; n++) {
        connection.send(new Frame("are you there?"))
        yield* Effect.yieldNow
      }
      yield* closed
      connection.send(new Frame("no"))
      connection.pause()
      connection.resume()
      connection.close(1000, "")
      yield* insist(connection.buffered() === 0, "something is still kept")
    })
  ),
  law("a client that does not read is given up when more than the limit waits", (harness) =>
    Effect.gen(function* () {
      const { client, closed, connection, seen } = yield* open(harness)
      client.stopReading()
      const text = "s".repeat(harness.frame - 1)
      for (let sent = 0; seen.closed === 0; sent += text.length) {
        // Networks hold a few megabytes on their own.
        yield* insist(sent < 256 * 1024 * 1024 + harness.sendBuffer, "it was never given up")
        connection.send(new Frame(text))
        yield* insist(
          connection.buffered() <= harness.sendBuffer + harness.frame,
          "more was kept than the limit allows"
        )
        yield* Effect.yieldNow
      }
      yield* closed
      yield* settle(harness)
      yield* insist(seen.closed === 1, "`closed` was called again")
    })
  ),
  law("a frame larger than the limit is no reason to give up a client that reads", (harness) =>
    Effect.gen(function* () {
      const { atClient, connection } = yield* open(harness)
      const list = "l".repeat(LARGE)
      for (const small of ["1", "2"]) {
        connection.send(new Frame(list))
        connection.send(new Frame(small))
        yield* insist((yield* atClient) === list, "the large frame was changed")
        yield* insist((yield* atClient) === small, "the frame behind it did not follow")
      }
    })
  ),
  law("a client that does not read is given up behind a large frame as well", (harness) =>
    Effect.gen(function* () {
      const { client, closed, connection, seen } = yield* open(harness)
      client.stopReading()
      connection.send(new Frame("l".repeat(LARGE)))
      const text = "s".repeat(harness.frame - 1)
      for (let sent = 0; seen.closed === 0; sent += text.length) {
        yield* insist(sent < 256 * 1024 * 1024 + harness.sendBuffer, "it was never given up")
        connection.send(new Frame(text))
        yield* insist(
          // A transport's own bytes around the large frame are less than another frame.
          connection.buffered() <= LARGE + harness.sendBuffer + 2 * harness.frame,
          "more was kept than the limit allows"
        )
        yield* Effect.yieldNow
      }
      yield* closed
    })
  ),
  law("answers do not count against the limit, and what is sent beside them does", (harness) =>
    Effect.gen(function* () {
      const { client, closed, connection, seen } = yield* open(harness)
      client.stopReading()
      for (let n = 0; n < 2; n++) connection.send(new Frame("l".repeat(LARGE)), true)
      const text = "s".repeat(harness.frame - 20)
      for (let sent = 0; sent < harness.sendBuffer - 2 * harness.frame; sent += text.length) {
        connection.send(new Frame(text))
      }
      yield* settle(harness)
      yield* insist(seen.closed === 0, "it was given up for its answers")
      for (let sent = 0; seen.closed === 0; sent += text.length) {
        yield* insist(sent < 2 * LARGE + harness.sendBuffer + 2 * harness.frame, "it was never given up")
        connection.send(new Frame(text))
        yield* Effect.yieldNow
      }
      yield* closed
    })
  ),
  law("nobody waits for a slow reader", (harness) =>
    Effect.gen(function* () {
      const slow = yield* open(harness)
      const quick = yield* open(harness)
      slow.client.stopReading()
      const large = "s".repeat(harness.frame - 1)
      for (let n = 0; slow.seen.closed === 0; n++) {
        yield* insist(n * large.length < 256 * 1024 * 1024, "it was never given up")
        slow.connection.send(new Frame(large))
        quick.connection.send(new Frame(String(n)))
        yield* insist((yield* quick.atClient) === String(n), "the other connection's frames are not in order")
      }
      yield* insist(quick.seen.closed === 0, "the other connection ended too")
    })
  ),
  law("`closed` is called once, and nothing is received after it, when the client goes", (harness) =>
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
  law("an engine may close from inside `receive`, and gets no further frame", (harness) =>
    Effect.gen(function* () {
      const { atClient, client, clientEnded, closed, seen } = yield* open(harness, {
        receive: (connection) => {
          connection.send(new Frame("goodbye"))
          connection.close(1000, "")
        }
      })
      for (let n = 0; n < 20; n++) client.send(`hello ${n}`)
      yield* insist((yield* atClient) === "goodbye", "the answer was lost")
      yield* clientEnded
      yield* closed
      yield* insist(seen.received === 1, "frames were received after close")
    })
  ),
  law("connections have ids of their own, from 1, and an address without a port", (harness) =>
    Effect.gen(function* () {
      const pairs = yield* Effect.forEach([1, 2, 3], () => open(harness))
      const ids = pairs.map(({ connection }) => connection.id)
      yield* insist(new Set(ids).size === 3, "two have the same id")
      for (const id of ids) yield* insist(Number.isSafeInteger(id) && id >= 1, `${id} is no id`)
      for (const { connection } of pairs) {
        yield* insist(/^(\d+(\.\d+){3}|[0-9a-f:]+)$/.test(connection.address), `${connection.address} is no address`)
      }
    })
  ),
  law("`buffered` counts what was sent until it is taken", (harness) =>
    Effect.gen(function* () {
      const { atClient, connection } = yield* open(harness)
      yield* insist(connection.buffered() === 0, "something waits before anything was sent")
      const text = "n".repeat(1000)
      connection.send(new Frame(text))
      yield* insist(connection.buffered() >= 1000, "a frame that was just sent is not counted")
      yield* atClient
      yield* drained(connection, 0)
      yield* insist(connection.buffered() === 0, "something still waits")
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
      // Fills the network first, so that something is really waiting when the callback is asked for.
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
  law("`pause` stops reading, and `resume` goes on without a loss", (harness) =>
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
  law("a frame that is no UTF-8 is dropped, the engine is told, and the connection goes on", (harness) =>
    Effect.gen(function* () {
      const { atClient, atServer, client, connection, seen } = yield* open(harness)
      client.send("before")
      client.sendGarbled()
      client.sendGarbled()
      client.send("after \ufffd")
      yield* insist((yield* atServer) === "before", "the frame before it is another one")
      yield* insist((yield* atServer) === "after \ufffd", "it was received, or the frame after it was not")
      yield* insist(seen.invalidUtf8 === 2, `the engine was told ${seen.invalidUtf8} times, not twice`)
      connection.send(new Frame("still here"))
      yield* insist((yield* atClient) === "still here", "the connection does not go on")
      yield* insist(seen.closed === 0, "the connection ended")
    })
  ),
  law("one byte order mark at the start of a frame is no part of its text", (harness) =>
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
  law("a frame over the limit, in bytes, is dropped, and the engine is told the limit", (harness) =>
    Effect.gen(function* () {
      const { atServer, client, seen } = yield* open(harness)
      // Fewer characters than the limit, and more bytes.
      const wide = "字".repeat(Math.floor(harness.frame / 3) + 1)
      client.send("x".repeat(harness.frame))
      client.send("x".repeat(harness.frame + 1))
      client.send(wide)
      client.send("next")
      yield* insist((yield* atServer).length === harness.frame, "a frame of just the limit was dropped")
      yield* insist((yield* atServer) === "next", "a frame over the limit was received")
      yield* insist(seen.oversized.length === 2, `the engine was told ${seen.oversized.length} times, not twice`)
      yield* insist(
        seen.oversized.every((limit) => limit === harness.frame),
        "the engine was told another limit"
      )
    })
  ),
  law("`limitFrames` bounds the frames that arrive from then on, up to the transport's own limit", (harness) =>
    Effect.gen(function* () {
      const { atServer, client, connection, seen } = yield* open(harness)
      connection.limitFrames(1000)
      client.send("x".repeat(1000))
      yield* insist((yield* atServer).length === 1000, "a frame of just the limit was dropped")
      client.send("x".repeat(1001))
      client.send("next")
      yield* insist((yield* atServer) === "next", "a frame over the limit was received")
      connection.limitFrames(10 * harness.frame)
      client.send("x".repeat(harness.frame))
      yield* insist((yield* atServer).length === harness.frame, "the limit was not raised")
      client.send("x".repeat(harness.frame + 1))
      client.send("last")
      yield* insist((yield* atServer) === "last", "a frame over the transport's limit was received")
      yield* insist(seen.oversized.join() === `1000,${harness.frame}`, `the engine was told ${seen.oversized.join()}`)
    })
  ),
  law("what is held of an unfinished frame is told, and told again when the frame is whole", (harness) =>
    Effect.gen(function* () {
      const told = yield* Queue.unbounded<number>()
      const { atServer, client, seen } = yield* open(harness, {
        partial: (bytes) => {
          Queue.offerUnsafe(told, bytes)
        }
      })
      client.send("whole")
      yield* atServer
      yield* insist(seen.partial === 0, `${seen.partial} bytes are held of nothing`)
      if (client.sendPart === undefined) return
      client.sendPart(600)
      const first = yield* Queue.take(told)
      yield* insist(first >= 600 && first <= 2048, `${first} bytes are told for 600`)
      client.sendPart(600)
      const second = yield* Queue.take(told)
      yield* insist(second >= 1200 && second <= 4096, `${second} bytes are told for 1200`)
    })
  ),
  law("of an endless frame no more is kept than the limit, and the engine may answer it and close", (harness) =>
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
      yield* insist((yield* atClient) === "at most 2000 bytes", "the answer was lost")
      yield* clientEnded
      yield* closed
      yield* insist(seen.oversized.length === 1, `the engine was told ${seen.oversized.length} times`)
      yield* insist(seen.afterClosed === 0, "something was told after the end")
    })
  ),
  law("an engine may answer an oversized frame and close", (harness) =>
    Effect.gen(function* () {
      const heard = yield* Queue.unbounded<string>()
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
            Queue.offerUnsafe(heard, text)
          },
          ended: () => {
            Deferred.doneUnsafe(ended, Effect.void)
          }
        }
      )
      client.send("x".repeat(2 * harness.frame))
      yield* insist((yield* Queue.take(heard)) === `at most ${harness.frame} bytes`, "the answer was lost")
      yield* Deferred.await(ended)
    })
  )
]
