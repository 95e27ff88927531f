/** Laws of delivery: order of frames, the end of a connection, and its identity. */
import * as Effect from "effect/Effect"
import { Frame } from "../../ports/Frame.ts"
import { drained, insist, open, settle } from "../ConnectionHarness.ts"
import { type ConnectionLaw, law } from "./Law.ts"

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

export const deliveryLaws: ReadonlyArray<ConnectionLaw> = [
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
  )
]
