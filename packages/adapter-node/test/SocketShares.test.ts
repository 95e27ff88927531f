/** Sockets of HTTP that do nothing: one address holds a share of them, and WebSockets count elsewhere. */
import { defaultSettings, Settings } from "@parley/core/Settings"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as net from "node:net"
import type * as Host from "../src/internal/http/HttpHost.ts"
import { serveHttp } from "../src/serveHttp.ts"
import { makeHost } from "./hostFixture.ts"
import { LOOPBACK, webSocketClient } from "./socketHarness.ts"

const served = (options: Partial<Host.Options> = {}) =>
  Effect.flatMap(makeHost(options), (host) => serveHttp(host, LOOPBACK)).pipe(
    Effect.map(({ port }) => port),
    Effect.provideService(Settings, { ...defaultSettings, sockets: 8, share: 25 })
  )

/** A silent socket; `answered` is false if the server closed it. */
const idle = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<{
      readonly socket: net.Socket
      readonly answered: Effect.Effect<boolean>
      readonly end: Effect.Effect<void>
    }>((resume) => {
      const socket = net.connect(port, "127.0.0.1", () =>
        resume(
          Effect.succeed({
            socket,
            answered: Effect.callback((done) => {
              socket.once("data", () => done(Effect.succeed(true)))
              socket.once("close", () => done(Effect.succeed(false)))
              if (socket.destroyed) done(Effect.succeed(false))
              else socket.write("GET /im/any HTTP/1.1\r\nhost: x\r\n\r\n")
            }),
            end: Effect.callback<void>((done) => {
              socket.once("close", () => done(Effect.void))
              socket.destroy()
            })
          })
        )
      )
      socket.on("error", () => {})
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

describe("sockets of HTTP", () => {
  it.live("are held by one address for a share only, until they end", () =>
    Effect.gen(function* () {
      const port = yield* served()
      const [first, second, third] = [yield* idle(port), yield* idle(port), yield* idle(port)]
      assert.isFalse(yield* third.answered)
      assert.isTrue(yield* first.answered)
      assert.isTrue(yield* second.answered)
      yield* first.end
      // The server learns of the end a moment later.
      while (!(yield* (yield* idle(port)).answered)) yield* Effect.yieldNow
      assert.isFalse(yield* (yield* idle(port)).answered)
    })
  )

  it.live("do not count once they are WebSockets", () =>
    Effect.gen(function* () {
      const port = yield* served()
      for (let n = 0; n < 4; n++) yield* webSocketClient(`ws://127.0.0.1:${port}/im/ws`)
      for (let n = 0; n < 2; n++) assert.isTrue(yield* (yield* idle(port)).answered)
      assert.isFalse(yield* (yield* idle(port)).answered)
    })
  )

  it.live("are all a trusted proxy's that there are", () =>
    Effect.gen(function* () {
      const port = yield* served({ trustedProxies: ["loopback"] })
      const all = yield* Effect.forEach(Array.from({ length: 8 }), () => idle(port))
      for (const { answered } of all) assert.isTrue(yield* answered)
    })
  )
})
