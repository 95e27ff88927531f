import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as net from "node:net"
import { echo, frames } from "./observedConnection.ts"
import { HANDSHAKE, quick, tcpClient, tcpServer, webSocketClient, webSocketServer } from "./socketHarness.ts"

describe("noise", () => {
  /** The same noise each time: a small generator with a seed. */
  const noise = (seed: number) => {
    let state = seed
    const next = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state >>> 8
    }
    return (): Buffer => Buffer.from(Array.from({ length: 1 + (next() % 200) }, () => next() & 255))
  }

  /** Writes each blob to a connection of its own and waits for what comes of it: an end, or we go. */
  const shout = (port: number, head: string | undefined, blob: Buffer) =>
    Effect.callback<void>((resume) => {
      const socket = net.connect(port, "127.0.0.1", () => {
        if (head !== undefined) socket.write(head)
        socket.end(blob)
      })
      socket.on("error", () => {})
      socket.resume()
      socket.once("close", () => resume(Effect.void))
    })

  it.live("over TCP ends no one else's connection", () =>
    Effect.gen(function* () {
      const { address } = yield* tcpServer(echo, { ...quick, lingerTimeout: 0 })
      const { listener, next } = yield* frames
      const bystander = yield* tcpClient(address, listener)
      const blob = noise(1)
      yield* Effect.forEach(Array.from({ length: 2000 }, blob), (bytes) => shout(address.port, undefined, bytes), {
        concurrency: 20
      })
      bystander.send("still here")
      assert.strictEqual(yield* next, "still here")
    })
  )

  it.live("over WebSocket, and before it, ends no one else's connection", () =>
    Effect.gen(function* () {
      const { port, url } = yield* webSocketServer(echo, { ...quick, lingerTimeout: 0 })
      const { listener, next } = yield* frames
      const bystander = yield* webSocketClient(url, listener)
      const blob = noise(2)
      yield* Effect.forEach(
        Array.from({ length: 2000 }, (_, n) => n),
        (n) => shout(port, n % 10 === 0 ? undefined : HANDSHAKE, blob()),
        { concurrency: 20 }
      )
      bystander.send("still here")
      assert.strictEqual(yield* next, "still here")
    })
  )
})
