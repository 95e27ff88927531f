import { Settings, defaultSettings } from "@parley/core/Settings"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import * as http from "node:http"
import * as net from "node:net"
import { serveHttp } from "../src/serveHttp.ts"
import { get, makeHost, post, tryWebSocket } from "./hostFixture.ts"
import { LOOPBACK, tcpClient } from "./socketHarness.ts"

describe("a host on a server of its own", () => {
  it.live("serves HTTP and WebSockets on one port, and TCP on another", () =>
    Effect.gen(function* () {
      const host = yield* makeHost()
      const { port } = yield* serveHttp(host, LOOPBACK)
      assert.deepStrictEqual(yield* get(port, "/im/hello/bob"), {
        status: 200,
        type: "text/plain",
        body: "hello bob"
      })
      assert.strictEqual(yield* tryWebSocket(`ws://127.0.0.1:${port}/im/ws?x=1`), "x")
      const tcp = yield* host.listenTcp(LOOPBACK)
      assert.strictEqual(tcp.host, "127.0.0.1")
      const answer = yield* Deferred.make<string>()
      const client = yield* tcpClient(tcp, {
        frame: (line) => {
          Deferred.doneUnsafe(answer, Effect.succeed(line))
        }
      })
      client.send("tcp")
      assert.strictEqual(yield* Deferred.await(answer), "tcp")
    })
  )

  it.live("knows all paths that were added to its router, and no others", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(yield* makeHost(), LOOPBACK)
      for (const [path, body] of [
        ["/im/files/a/b", "a file"],
        ["/im/files", "a file"],
        ["/im/any", "any"],
        ["/im/deep/er", "deeper"],
        ["/im/deep/and/on", "on"],
        [`/im/hello/${"n".repeat(5000)}`, `hello ${"n".repeat(5000)}`]
      ] as const) {
        const answer = yield* get(port, path)
        assert.strictEqual(answer.body, body)
        const head = yield* get(port, path, { method: "HEAD" })
        assert.deepStrictEqual([head.status, head.body], [200, ""])
      }
      for (const path of ["/", "/im", "/im/deep/and", "/IM/any", "/im/body", "/im/hello/%ZZ", "/im/ws"]) {
        assert.deepStrictEqual(yield* get(port, path), {
          status: 404,
          type: "application/json; charset=utf-8",
          body: '{"message":"There is nothing at this path."}'
        })
      }
    })
  )

  it.live("bounds bodies, except where a route says otherwise", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(yield* makeHost(), LOOPBACK)
      assert.strictEqual((yield* post(port, "/im/body", "x".repeat(2000))).body, `/im/body ${"x".repeat(2000)}`)
      assert.strictEqual((yield* post(port, "/im/body", "x".repeat(2001))).body, "unreadable")
      const form = new FormData()
      form.append("file", new Blob(["y".repeat(300_000)]), "y.txt")
      assert.strictEqual((yield* get(port, "/im/upload", { method: "POST", body: form })).body, "300000")
    }).pipe(Effect.provideService(Settings, { ...defaultSettings, body: 2000 }))
  )

  it.live("refuses upgrades for paths that it does not know", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(yield* makeHost(), LOOPBACK)
      assert.strictEqual(yield* tryWebSocket(`ws://127.0.0.1:${port}/other`), 404)
      assert.strictEqual(yield* tryWebSocket(`ws://127.0.0.1:${port}/im/any`), 404)
    })
  )

  it.live("refuses what is no WebSocket handshake, and goes on", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(yield* makeHost(), LOOPBACK)
      const first = yield* Effect.callback<string>((resume) => {
        const socket = net.connect(port, "127.0.0.1", () => {
          socket.write("GET /im/ws HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n")
        })
        socket.once("data", (data) => resume(Effect.succeed(String(data).split("\r\n")[0] ?? "")))
      })
      assert.strictEqual(first, "HTTP/1.1 400 Bad Request")
      assert.strictEqual(yield* tryWebSocket(`ws://127.0.0.1:${port}/im/ws`), "x")
    })
  )

  it.live("answers clients that offer another protocol as if they had not", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(yield* makeHost(), LOOPBACK)
      const status = yield* Effect.callback<number | undefined>((resume) => {
        http
          .request({ port, host: "127.0.0.1", path: "/im/any", headers: { connection: "Upgrade", upgrade: "h2c" } })
          .on("response", (response) => {
            response.resume()
            resume(Effect.succeed(response.statusCode))
          })
          .end()
      })
      assert.strictEqual(status, 200)
    })
  )

  it.live("says in one sentence that a port is in use", () =>
    Effect.gen(function* () {
      const host = yield* makeHost()
      const { port } = yield* serveHttp(host, LOOPBACK)
      const error = yield* Effect.flip(serveHttp(host, { host: "127.0.0.1", port }))
      assert.strictEqual(error.message, `Cannot listen on 127.0.0.1:${port}: the port is in use.`)
      const tcp = yield* Effect.flip(host.listenTcp({ host: "127.0.0.1", port }))
      assert.strictEqual(tcp.message, `Cannot listen on 127.0.0.1:${port}: the port is in use.`)
      const none = yield* Effect.flip((yield* makeHost({ endpoints: [] })).listenTcp(LOOPBACK))
      assert.strictEqual(none.message, "No served protocol uses raw TCP.")
    })
  )
})
