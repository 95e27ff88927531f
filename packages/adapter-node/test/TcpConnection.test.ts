import type { Connection } from "@parley/core/Connection"
import { Frame } from "@parley/core/Frame"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { echo, frames, observed } from "./observedConnection.ts"
import { FRAME, SEND_BUFFER, quick, tcpClient, tcpServer } from "./socketHarness.ts"

describe("TCP connections", () => {
  const answers = Effect.fnUntraced(function* (bytes: ReadonlyArray<Buffer | string>) {
    const { address } = yield* tcpServer(echo)
    const { listener, next } = yield* frames
    const { socket } = yield* tcpClient(address, listener)
    socket.setNoDelay(true)
    for (const part of bytes) socket.write(part)
    return { next, socket }
  })

  it.live("take several lines from one packet, and ignore blank ones", () =>
    Effect.gen(function* () {
      const { next } = yield* answers(["one\r\n\r\n\n  \ntwo\nthree\n"])
      for (const line of ["one", "two", "three"]) assert.strictEqual(yield* next, line)
    })
  )

  it.live("answer the line over the limit once, and close", () =>
    Effect.gen(function* () {
      const { next, socket } = yield* answers(["x".repeat(3 * FRAME), "\nafter\n"])
      assert.strictEqual(yield* next, `over ${FRAME}`)
      yield* Effect.callback<void>((resume) => {
        socket.once("close", () => resume(Effect.void))
      })
    })
  )

  for (const line of ["POST / HTTP/1.1", "GET /a?b HTTP/1.0\r", "PRI * HTTP/2.0\r", "x-own http://x:1/ HTTP/1.1\r"]) {
    it.live(`close where a client begins with ${JSON.stringify(line)}, before any other line is received`, () =>
      Effect.gen(function* () {
        const { accept, closed, opened } = yield* observed
        const received: Array<string> = []
        const { address } = yield* tcpServer((connection, opening) => ({
          ...accept(connection, opening),
          receive: (frame) => received.push(frame),
          httpRequest: () => connection.send(new Frame("no HTTP"))
        }))
        const { listener, next } = yield* frames
        const { socket } = yield* tcpClient(address, listener)
        // In two packets, and without a host header that one could look for.
        socket.write(line.slice(0, 5), () => socket.write(`${line.slice(5)}\nline\n\nline\n`))
        assert.strictEqual(yield* next, "no HTTP")
        assert.strictEqual(yield* closed, (yield* opened).connection.id)
        assert.deepStrictEqual(received, [])
      })
    )
  }

  it.live("close, too, where the engine's end knows of no HTTP", () =>
    Effect.gen(function* () {
      const { accept, closed } = yield* observed
      const { address } = yield* tcpServer(accept)
      const { socket } = yield* tcpClient(address)
      socket.write("GET / HTTP/1.1\r\n\r\n")
      yield* closed
    })
  )

  it.live("take such a line later, and lines that only look like one", () =>
    Effect.gen(function* () {
      const lines = ["GET / HTTP", "POST / HTTP/1.1", "last"]
      const { next } = yield* answers([`${lines.join("\n")}\n`])
      for (const line of lines) assert.strictEqual(yield* next, line)
    })
  )

  it.live("let answers go out to a client that has stopped sending, and then end", () =>
    Effect.gen(function* () {
      const asked = yield* Deferred.make<Connection>()
      const { address } = yield* tcpServer(
        (connection) => ({
          receive: () => {
            Deferred.doneUnsafe(asked, Effect.succeed(connection))
          },
          invalidUtf8: () => {},
          oversized: () => {},
          closed: () => {}
        }),
        { ...quick, lingerTimeout: 300 }
      )
      const { ended, listener, next } = yield* frames
      const { socket } = yield* tcpClient(address, listener)
      socket.end("a question\n")
      const connection = yield* Deferred.await(asked)
      // The end of the client's side is read a turn after its last line.
      yield* Effect.callback<void>((resume) => {
        setImmediate(() => setImmediate(() => resume(Effect.void)))
      })
      connection.send(new Frame("the answer"))
      assert.strictEqual(yield* next, "the answer")
      yield* ended
    })
  )

  it.live(
    "end at once with a client that has nothing under way",
    () =>
      Effect.gen(function* () {
        const { accept, closed } = yield* observed
        // With the default, a wait would outlast this test.
        const { address } = yield* tcpServer(accept, { ...quick, lingerTimeout: 60_000 })
        const { close } = yield* tcpClient(address)
        close()
        yield* closed
      }),
    5000
  )

  it.live("end when the client resets in the middle of a line", () =>
    Effect.gen(function* () {
      const { accept, closed, opened } = yield* observed
      const { address } = yield* tcpServer(accept)
      const { socket } = yield* tcpClient(address)
      const { connection } = yield* opened
      socket.write("half a li", () => socket.resetAndDestroy())
      assert.strictEqual(yield* closed, connection.id)
    })
  )

  it.live("give up a client that does not take what is left when the engine closes", () =>
    Effect.gen(function* () {
      const { accept, closed, opened } = yield* observed
      const { address } = yield* tcpServer(accept, { ...quick, sendBuffer: 64 * 1024 * 1024, closeTimeout: 50 })
      const client = yield* tcpClient(address)
      const { connection } = yield* opened
      client.stopReading()
      while (connection.buffered() < SEND_BUFFER) connection.send(new Frame("x".repeat(1024 * 1024)))
      connection.close(1000, "")
      yield* closed
    })
  )
})
