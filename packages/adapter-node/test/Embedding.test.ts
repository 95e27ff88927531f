import { defaultSettings, Settings } from "@parley/core/Settings"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { WebSocketServer } from "ws"
import * as Host from "../src/internal/http/HttpHost.ts"
import { bytesOf } from "../src/internal/socket/WebSocketConnection.ts"
import { get, makeHost, post, tryWebSocket } from "./hostFixture.ts"
import { echo } from "./observedConnection.ts"
import { foreignServer } from "./socketHarness.ts"

describe("a host inside another application", () => {
  it.live("leaves foreign requests to `next`, untouched", () =>
    Effect.gen(function* () {
      const host = yield* makeHost()
      const { port } = yield* foreignServer((request, response) =>
        host.node(request, response, () => {
          const chunks: Array<Buffer> = []
          request.on("data", (chunk: Buffer) => chunks.push(chunk))
          request.on("end", () => response.end(`theirs ${request.url} ${Buffer.concat(chunks).toString()}`))
        })
      )
      assert.strictEqual((yield* get(port, "/im/any")).body, "any")
      assert.strictEqual((yield* post(port, "/elsewhere", "mail")).body, "theirs /elsewhere mail")
    })
  )

  it.live("goes by the URL that was sent, not by what a router left of it", () =>
    Effect.gen(function* () {
      const host = yield* makeHost()
      const { port } = yield* foreignServer((request, response) => {
        const mounted = Object.assign(request, { originalUrl: request.url, url: request.url?.replace("/im", "") })
        host.node(mounted, response)
      })
      assert.strictEqual((yield* get(port, "/im/hello/eve")).body, "hello eve")
      assert.strictEqual((yield* post(port, "/im/body?a=1", "x")).body, "/im/body?a=1 x")
    })
  )

  /** Reads the body first, and leaves what a parser would. */
  const parsing = (host: Host.HttpHost, leave: (bytes: Buffer) => object) =>
    foreignServer((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => host.node(Object.assign(request, leave(Buffer.concat(chunks))), response))
    })

  it.live("uses a body that a parser has read before", () =>
    Effect.gen(function* () {
      const host = yield* makeHost()
      const json = '{"a": [1, "二"]}'
      for (const [leave, expected] of [
        [(bytes: Buffer) => ({ body: JSON.parse(String(bytes)) as unknown }), '{"a":[1,"二"]}'],
        [(bytes: Buffer) => ({ body: JSON.parse(String(bytes)) as unknown, rawBody: bytes }), json],
        [(bytes: Buffer) => ({ body: bytes }), json],
        [(bytes: Buffer) => ({ body: String(bytes) }), json]
      ] as const) {
        const { port } = yield* parsing(host, leave)
        assert.strictEqual((yield* post(port, "/im/body", json)).body, `/im/body ${expected}`)
      }
    })
  )

  it.live("says so when a body is lost", () =>
    Effect.gen(function* () {
      const host = yield* makeHost()
      for (const leave of [() => ({}), () => ({ body: { a: "1" } })]) {
        const { port } = yield* parsing(host, leave)
        const answer = yield* post(port, "/im/body", "a=1", "application/x-www-form-urlencoded")
        assert.strictEqual(answer.status, 500)
        assert.match(answer.body, /Mount this handler before body parsers/)
      }
    })
  )

  it.live("does not take an empty `body` for one that was read", () =>
    Effect.gen(function* () {
      const host = yield* makeHost()
      const { port } = yield* foreignServer((request, response) =>
        host.node(Object.assign(request, { body: {} }), response)
      )
      assert.strictEqual((yield* post(port, "/im/body", "[1]", "text/plain")).body, "/im/body [1]")
      assert.strictEqual((yield* get(port, "/im/any")).body, "any")
    })
  )

  it.live("answers web requests", () =>
    Effect.gen(function* () {
      const host = yield* makeHost()
      const ask = (path: string, init?: RequestInit) =>
        Effect.promise(async () => {
          const response = await host.fetch(new Request(`http://x${path}`, init))
          return `${response.status} ${await response.text()}`
        })
      assert.strictEqual(yield* ask("/im/hello/ann"), "200 hello ann")
      assert.strictEqual(yield* ask("/im/body", { method: "POST", body: "b" }), "200 /im/body b")
      assert.strictEqual(yield* ask("/im/body", { method: "POST", body: "b".repeat(101) }), "200 unreadable")
      assert.strictEqual(yield* ask("/no"), '404 {"message":"There is nothing at this path."}')
      const used = new Request("http://x/im/body", { method: "POST", body: "b" })
      yield* Effect.promise(() => used.text())
      assert.strictEqual((yield* Effect.promise(() => host.fetch(used))).status, 500)
    }).pipe(Effect.provideService(Settings, { ...defaultSettings, body: 100 }))
  )

  it.live("shares a server with another WebSocket library", () =>
    Effect.gen(function* () {
      const host = yield* makeHost()
      const { port, server } = yield* foreignServer()
      const theirs = new WebSocketServer({ noServer: true })
      theirs.on("connection", (ws) => ws.on("message", (data) => ws.send(`theirs ${bytesOf(data).toString()}`)))
      server.on("upgrade", (request, socket, head) => {
        if (request.url === "/theirs")
          theirs.handleUpgrade(request, socket, head, (ws) => theirs.emit("connection", ws))
      })
      const listeners = server.listenerCount("upgrade")
      const detach = host.attach(server)
      assert.strictEqual(host.attach(server), detach)
      assert.strictEqual(server.listenerCount("upgrade"), listeners + 1)
      assert.strictEqual(yield* tryWebSocket(`ws://127.0.0.1:${port}/im/ws`), "x")
      assert.strictEqual(yield* tryWebSocket(`ws://127.0.0.1:${port}/theirs`), "theirs x")
      detach()
      detach()
      assert.strictEqual(server.listenerCount("upgrade"), listeners)
      host.attach(server)
      assert.strictEqual(yield* tryWebSocket(`ws://127.0.0.1:${port}/im/ws`), "x")
    })
  )

  it.live("does not touch the process or the server", () =>
    Effect.gen(function* () {
      const events = () => process.eventNames().map((name) => [name, process.listenerCount(name)])
      const before = events()
      const { port, server } = yield* foreignServer()
      const listening = server.eventNames().map((name) => [name, server.listenerCount(name)])
      yield* Effect.scoped(
        Effect.gen(function* () {
          const host = yield* makeHost()
          host.attach(server)
          yield* tryWebSocket(`ws://127.0.0.1:${port}/im/ws`)
        })
      )
      assert.deepStrictEqual(events(), before)
      assert.deepStrictEqual(
        server.eventNames().map((name) => [name, server.listenerCount(name)]),
        listening
      )
      assert.isTrue(server.listening)
    })
  )

  it.live("answers false to a foreign upgrade, and leaves its socket alone", () =>
    Effect.gen(function* () {
      const host = yield* makeHost()
      const { port, server } = yield* foreignServer()
      const seen = yield* Deferred.make<readonly [boolean, number, boolean]>()
      server.on("upgrade", (request, socket, head) => {
        const before = socket.listenerCount("error")
        const ours = host.upgrade(request, socket, head)
        Deferred.doneUnsafe(seen, Effect.succeed([ours, socket.listenerCount("error") - before, socket.destroyed]))
        socket.destroy()
      })
      yield* tryWebSocket(`ws://127.0.0.1:${port}/foreign`)
      assert.deepStrictEqual(yield* Deferred.await(seen), [false, 0, false])
    })
  )

  it("two protocols cannot have one path or one port", () => {
    const twice = (endpoint: Host.Options["endpoints"][number]) =>
      Effect.runPromiseExit(Effect.scoped(Host.make({ endpoints: [endpoint, endpoint] })))
    return Promise.all([
      twice({ _tag: "WebSocket", path: "/ws", accept: echo }),
      twice({ _tag: "Tcp", accept: echo })
    ]).then((exits) => {
      assert.match(String(exits[0]), /Two protocols use WebSockets at \/ws/)
      assert.match(String(exits[1]), /Two protocols use raw TCP/)
    })
  })
})
