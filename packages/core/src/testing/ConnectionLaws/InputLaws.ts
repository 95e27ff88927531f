/** Laws of invalid, oversized and unfinished frames. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { Frame } from "../../ports/Frame.ts"
import { insist, open } from "../ConnectionHarness.ts"
import { type ConnectionLaw, law } from "./Law.ts"

export const inputLaws: ReadonlyArray<ConnectionLaw> = [
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
