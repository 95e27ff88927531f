import { packetFraming, Frame, EncodedChunk } from "@parley/core/Frame"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Queue } from "effect"
import * as fc from "fast-check"
import { once } from "node:events"
import { WebSocket } from "ws"
import { repetitions } from "../../../scripts/repetitions.ts"
import { encodeBinary, encodeText } from "../src/internal/socket/WebSocketConnection.ts"
import { echo, frames, observed } from "./observedConnection.ts"
import { FRAME, deafClient, quick, webSocketClient, webSocketServer } from "./socketHarness.ts"

const closeOf = (ws: WebSocket) =>
  Effect.callback<{ readonly code: number; readonly reason: string }>((resume) => {
    ws.once("close", (code, reason) => resume(Effect.succeed({ code, reason: String(reason) })))
  })

/** A manual heartbeat. */
const metronome = () => {
  const ticks = new Set<() => void>()
  return {
    beat: () => {
      for (const tick of ticks) tick()
    },
    running: () => ticks.size,
    every: (_: number, tick: () => void) => {
      ticks.add(tick)
      return () => {
        ticks.delete(tick)
      }
    }
  }
}

describe("WebSocket connections", () => {
  it("frame texts as servers do", () => {
    const encoded = (text: string): ReadonlyArray<number> => Array.from(encodeText(new Frame(text)))
    assert.deepStrictEqual(encoded(""), [0x81, 0])
    assert.deepStrictEqual(encoded("hé"), [0x81, 3, 0x68, 0xc3, 0xa9])
    assert.deepStrictEqual(encoded("x".repeat(126)).slice(0, 4), [0x81, 126, 0, 126])
    assert.deepStrictEqual(encoded("x".repeat(65_535)).slice(0, 4), [0x81, 126, 255, 255])
    assert.deepStrictEqual(encoded("x".repeat(65_536)).slice(0, 10), [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0])
  })

  it("frame bytes as they are", () => {
    const encoded = (bytes: Uint8Array): ReadonlyArray<number> => Array.from(encodeBinary(new Frame(bytes)))
    assert.deepStrictEqual(encoded(Uint8Array.of(0, 255)), [0x82, 2, 0, 255])
    assert.deepStrictEqual(encoded(new Uint8Array(65_536)).slice(0, 10), [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0])
  })

  it.live("carry binary frames and the subprotocol, if the session reads them", () =>
    Effect.gen(function* () {
      const { accept, opened } = yield* observed
      const { url } = yield* webSocketServer((connection, handshake) => ({
        ...accept(connection, handshake),
        receiveBinary: (bytes) => connection.send(new Frame(bytes.toReversed()))
      }))
      const client = new WebSocket(url, ["one.1", "two.2"])
      yield* Effect.promise(() => once(client, "open"))
      assert.strictEqual(client.protocol, "one.1")
      assert.strictEqual((yield* opened).opening.subprotocol, "one.1")
      client.send(Uint8Array.of(1, 2, 255))
      const [bytes, isBinary] = (yield* Effect.promise(() => once(client, "message"))) as [Buffer, boolean]
      assert.deepStrictEqual([[...bytes], isBinary], [[255, 2, 1], true])
      client.send("text")
      const [text, isText] = (yield* Effect.promise(() => once(client, "message"))) as [Buffer, boolean]
      assert.deepStrictEqual([String(text), isText], ["text", false])
      client.terminate()
    })
  )

  it.live("pass binary frames as texts to a session that reads texts only", () =>
    Effect.gen(function* () {
      const { url } = yield* webSocketServer(echo)
      const { listener, next } = yield* frames
      const { ws } = yield* webSocketClient(url, listener)
      ws.send(Buffer.from("bytes"), { binary: true })
      assert.strictEqual(yield* next, "bytes")
    })
  )

  it("frame packets as their text, whatever they are bundled with", () => {
    const packet = fc.oneof(fc.string({ unit: "grapheme" }), fc.string({ minLength: 20_000, maxLength: 40_000 }))
    fc.assert(
      fc.property(fc.array(packet), (texts) => {
        const packets = texts.map((text) => new EncodedChunk(text))
        const [bundling, reversed] = [packetFraming("[", ", ", "]"), packets.toReversed()]
        for (const some of [packets, reversed]) {
          const frame = bundling(some)
          assert.strictEqual(frame.text, `[${some.map(({ text }) => text).join(", ")}]`)
          assert.deepStrictEqual(encodeText(frame), encodeText(new Frame(frame.text)))
        }
      }),
      { numRuns: repetitions(100, 20) }
    )
  })

  it.live("tell the query of their URL, and the client's address", () =>
    Effect.gen(function* () {
      const { accept, opened } = yield* observed
      const { url } = yield* webSocketServer(accept)
      yield* webSocketClient(`${url}?token=a%20b&x=1`)
      const { connection, opening } = yield* opened
      assert.deepStrictEqual(Array.from(opening.query), [
        ["token", "a b"],
        ["x", "1"]
      ])
      assert.strictEqual(connection.address, "127.0.0.1")
    })
  )

  it.live("close with the code and reason of the engine", () =>
    Effect.gen(function* () {
      const { accept, opened } = yield* observed
      const { url } = yield* webSocketServer(accept)
      for (const [code, sent] of [
        [4001, 4001],
        [1000, 1000],
        [1006, 1000],
        [77, 1000]
      ] as const) {
        const { ws } = yield* webSocketClient(url)
        const { connection } = yield* opened
        connection.close(code, "理由".repeat(100))
        const seen = yield* closeOf(ws)
        assert.strictEqual(seen.code, sent)
        assert.strictEqual(seen.reason, "理由".repeat(100).slice(0, 41))
      }
    })
  )

  it.live("answer an oversized frame, and close with 1009", () =>
    Effect.gen(function* () {
      const { url } = yield* webSocketServer(echo)
      const { listener, next } = yield* frames
      const { ws } = yield* webSocketClient(url, listener)
      ws.send("x".repeat(FRAME + 1))
      const { code } = yield* Effect.zipWith(
        next,
        closeOf(ws),
        (answer, close) => {
          assert.strictEqual(answer, `over ${FRAME}`)
          return close
        },
        { concurrent: true }
      )
      assert.strictEqual(code, 1009)
    })
  )

  it.live("end with 1009 at a frame far over the limit", () =>
    Effect.gen(function* () {
      const { accept, closed } = yield* observed
      const { url } = yield* webSocketServer(accept)
      const large = yield* webSocketClient(url)
      large.ws.send("x".repeat(5 * FRAME))
      assert.strictEqual((yield* closeOf(large.ws)).code, 1009)
      yield* closed
    })
  )

  it.live("answer what is no UTF-8, whether it is called text or not, and go on", () =>
    Effect.gen(function* () {
      const { url } = yield* webSocketServer(echo)
      const { listener, next } = yield* frames
      const { ws } = yield* webSocketClient(url, listener)
      for (const binary of [false, true]) {
        ws.send(Buffer.from([0xff, 0xfe]), { binary })
        assert.strictEqual(yield* next, "garbled")
      }
      // A character in two fragments is whole; half of one at the end is not.
      const bytes = Buffer.from("片")
      ws.send(bytes.subarray(0, 1), { binary: false, fin: false })
      ws.send(bytes.subarray(1), { fin: true })
      assert.strictEqual(yield* next, "片")
      ws.send(bytes.subarray(0, 1), { binary: false, fin: false })
      ws.send(bytes.subarray(1, 2), { fin: true })
      assert.strictEqual(yield* next, "garbled")
      ws.send("on")
      assert.strictEqual(yield* next, "on")
    })
  )

  it.live("take a goodbye whose reason is no UTF-8 as a goodbye", () =>
    Effect.gen(function* () {
      const { accept, closed, opened } = yield* observed
      const { port, url } = yield* webSocketServer(accept)
      const socket = yield* deafClient(port)
      const { connection } = yield* opened
      // A masked close frame of five bytes: code 1000, and three bytes that are not UTF-8.
      const answer = Effect.callback<Buffer>((resume) => {
        socket.once("data", (bytes: Buffer) => resume(Effect.succeed(bytes)))
        socket.write(Buffer.from([0x88, 0x85, 0, 0, 0, 0, 0x03, 0xe8, 0xff, 0xc3, 0x28]))
      })
      assert.deepStrictEqual(Array.from((yield* answer).subarray(0, 1)), [0x88])
      assert.strictEqual(yield* closed, connection.id)
      const { listener, next } = yield* frames
      const other = yield* webSocketClient(url, listener)
      other.send("and others go on")
      assert.strictEqual(yield* next, "and others go on")
    })
  )

  it.live("take binary frames as UTF-8, and frames in fragments", () =>
    Effect.gen(function* () {
      const { url } = yield* webSocketServer(echo)
      const { listener, next } = yield* frames
      const { ws } = yield* webSocketClient(url, listener)
      ws.send(Buffer.from("二进制"), { binary: true })
      assert.strictEqual(yield* next, "二进制")
      const bytes = Buffer.from("碎片")
      ws.send(bytes.subarray(0, 2), { binary: false, fin: false })
      ws.send(bytes.subarray(2, 5), { fin: false })
      ws.ping()
      ws.send(bytes.subarray(5), { fin: true })
      assert.strictEqual(yield* next, "碎片")
    })
  )

  it.live("are ended when a ping is not answered until the next one is due", () =>
    Effect.gen(function* () {
      const { beat, every, running } = metronome()
      const { accept, closed, opened } = yield* observed
      const { port, url } = yield* webSocketServer(accept, { ...quick, every })
      const { listener, next } = yield* frames
      const alive = yield* webSocketClient(url, listener)
      yield* opened
      yield* deafClient(port)
      const deaf = yield* opened
      const pings = yield* Queue.unbounded<void>()
      alive.ws.on("ping", () => {
        Queue.offerUnsafe(pings, undefined)
        alive.ws.send("still here")
      })
      // The echo comes behind the pong, so the pong has been read when it is there.
      const round = Effect.andThen(Queue.take(pings), next)
      beat()
      yield* round
      beat()
      assert.strictEqual(yield* closed, deaf.connection.id)
      yield* round
      assert.strictEqual(running(), 1)
    })
  )

  it.live("are not taken for dead while the engine does not read", () =>
    Effect.gen(function* () {
      const { beat, every } = metronome()
      const { accept, opened } = yield* observed
      const { url } = yield* webSocketServer(accept, { ...quick, every })
      const { listener, next } = yield* frames
      const { ws } = yield* webSocketClient(url, listener)
      const { connection } = yield* opened
      beat()
      connection.pause()
      beat()
      beat()
      connection.resume()
      beat()
      ws.send("here")
      assert.strictEqual(yield* next, "here")
    })
  )

  it.live("beat every so many milliseconds by themselves", () =>
    Effect.gen(function* () {
      const { accept, closed } = yield* observed
      const { port } = yield* webSocketServer(accept, { ...quick, heartbeat: 20 })
      yield* deafClient(port)
      yield* closed
    })
  )

  it.live("end when the client resets in the middle of a frame", () =>
    Effect.gen(function* () {
      const { accept, closed, opened } = yield* observed
      const { port, url } = yield* webSocketServer(accept)
      const socket = yield* deafClient(port)
      const { connection } = yield* opened
      // The head of a masked text of 100 bytes, and a few of them.
      socket.write(Buffer.from([0x81, 0x80 | 100, 1, 2, 3, 4, 5, 6, 7]), () => socket.resetAndDestroy())
      assert.strictEqual(yield* closed, connection.id)
      const { listener, next } = yield* frames
      const other = yield* webSocketClient(url, listener)
      other.send("and others go on")
      assert.strictEqual(yield* next, "and others go on")
    })
  )

  it.live("write what was sent in one turn at once", () =>
    Effect.gen(function* () {
      const { accept, opened } = yield* observed
      const { port } = yield* webSocketServer(accept)
      const socket = yield* deafClient(port)
      const { connection } = yield* opened
      const texts = Array.from({ length: 50 }, (_, n) => `frame ${n}`)
      const packets: Array<Buffer> = []
      const all = Buffer.concat(texts.map((text) => encodeText(new Frame(text))))
      const arrived = Effect.callback<void>((resume) => {
        socket.on("data", (chunk: Buffer) => {
          packets.push(chunk)
          if (Buffer.concat(packets).length >= all.length) resume(Effect.void)
        })
        for (const text of texts) connection.send(new Frame(text))
      })
      yield* arrived
      assert.deepStrictEqual(Buffer.concat(packets), all)
      assert.strictEqual(packets.length, 1)
    })
  )

  it.live("survive an engine that throws: that connection closes with 1011", () =>
    Effect.gen(function* () {
      const defects: Array<unknown> = []
      const { url } = yield* webSocketServer(
        () => ({
          receive: () => {
            throw new Error("a defect")
          },
          invalidUtf8: () => {},
          oversized: () => {},
          closed: () => {}
        }),
        { ...quick, defect: (cause) => defects.push(cause) }
      )
      const { ws } = yield* webSocketClient(url)
      ws.send("x")
      assert.strictEqual((yield* closeOf(ws)).code, 1011)
      assert.strictEqual(String(defects[0]), "Error: a defect")
    })
  )
})
