import type { Accept, Connection } from "@parley/core/Connection"
import { Frame } from "@parley/core/Frame"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import * as Host from "../src/internal/http/HttpHost.ts"
import type { HttpRoutes } from "../src/internal/http/routes.ts"
import { serveHttp } from "../src/serveHttp.ts"
import { get, makeHost } from "./hostFixture.ts"
import { LOOPBACK, foreignServer, quick, tcpClient, webSocketClient } from "./socketHarness.ts"

describe("a host that closes", () => {
  it.live("closes WebSockets with 1001, ends TCP, and accepts no more", () =>
    Effect.gen(function* () {
      const host = yield* makeHost()
      const { port } = yield* serveHttp(host, LOOPBACK)
      const { port: foreign } = yield* foreignServer((request, response) => host.node(request, response))
      const tcp = yield* host.listenTcp(LOOPBACK)
      const { ws } = yield* webSocketClient(`ws://127.0.0.1:${port}/im/ws`)
      const ended = yield* Deferred.make<void>()
      yield* tcpClient(tcp, {
        ended: () => {
          Deferred.doneUnsafe(ended, Effect.void)
        }
      })
      const code = yield* Deferred.make<number>()
      ws.on("close", (seen) => {
        Deferred.doneUnsafe(code, Effect.succeed(seen))
      })
      yield* host.close()
      yield* host.close()
      assert.strictEqual(yield* Deferred.await(code), 1001)
      yield* Deferred.await(ended)
      assert.strictEqual((yield* get(foreign, "/im/any")).status, 503)
      assert.match(String(yield* Effect.flip(tcpClient(tcp))), /ECONNREFUSED/)
    })
  )

  it.live("waits for requests in flight", () =>
    Effect.gen(function* () {
      const asked = yield* Deferred.make<void>()
      const may = yield* Deferred.make<void>()
      const slow: HttpRoutes = HttpRouter.add(
        "GET",
        "/slow",
        Effect.gen(function* () {
          yield* Deferred.succeed(asked, undefined)
          yield* Deferred.await(may)
          return HttpServerResponse.text("done")
        })
      )
      const spoken = yield* Deferred.make<Connection>()
      const accept: Accept = (connection) => ({
        receive: () => {
          Deferred.doneUnsafe(spoken, Effect.succeed(connection))
        },
        invalidUtf8: () => {},
        oversized: () => {},
        closed: () => {}
      })
      const host = yield* Host.make({
        endpoints: [
          { _tag: "Http", routes: slow },
          { _tag: "WebSocket", path: "/ws", accept }
        ],
        connection: { ...quick, lingerTimeout: 500 }
      })
      const { port } = yield* serveHttp(host, LOOPBACK)
      const request = yield* Effect.forkChild(get(port, "/slow"))
      yield* Deferred.await(asked)
      const answer = yield* Deferred.make<string>()
      const client = yield* webSocketClient(`ws://127.0.0.1:${port}/ws`, {
        frame: (frame) => {
          Deferred.doneUnsafe(answer, Effect.succeed(frame))
        }
      })
      client.send("a question")
      const connection = yield* Deferred.await(spoken)
      const closing = yield* Effect.forkChild(host.close(), { startImmediately: true })
      connection.send(new Frame("the answer"))
      assert.strictEqual(yield* Deferred.await(answer), "the answer")
      yield* Deferred.succeed(may, undefined)
      assert.strictEqual((yield* Fiber.join(request)).body, "done")
      yield* Fiber.join(closing)
    })
  )

  it.live("waits for requests in flight when its scope ends, and sends the replies of `first`", () =>
    Effect.gen(function* () {
      const asked = yield* Deferred.make<void>()
      const may = yield* Deferred.make<void>()
      const slow: HttpRoutes = HttpRouter.add(
        "GET",
        "/slow",
        Effect.gen(function* () {
          yield* Deferred.succeed(asked, undefined)
          yield* Deferred.await(may)
          return HttpServerResponse.text("done")
        })
      )
      const spoken = yield* Deferred.make<Connection>()
      const accept: Accept = (connection) => ({
        receive: () => {
          Deferred.doneUnsafe(spoken, Effect.succeed(connection))
        },
        invalidUtf8: () => {},
        oversized: () => {},
        closed: () => {}
      })
      const scope = yield* Scope.make()
      const { port, host } = yield* Effect.gen(function* () {
        const host = yield* Host.make({
          endpoints: [
            { _tag: "Http", routes: slow },
            { _tag: "WebSocket", path: "/ws", accept }
          ],
          connection: { ...quick, lingerTimeout: 0 }
        })
        const { port } = yield* serveHttp(host, LOOPBACK)
        return { port, host }
      }).pipe(Scope.provide(scope))
      const heard = yield* Deferred.make<string>()
      const client = yield* webSocketClient(`ws://127.0.0.1:${port}/ws`, {
        frame: (frame) => {
          Deferred.doneUnsafe(heard, Effect.succeed(frame))
        }
      })
      client.send("a question")
      const connection = yield* Deferred.await(spoken)
      const request = yield* Effect.forkChild(get(port, "/slow"))
      yield* Deferred.await(asked)
      const begun = yield* Deferred.make<void>()
      const first = Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(may))
      const closing = yield* Effect.forkChild(host.close({ first }), { startImmediately: true })
      yield* Deferred.await(begun)
      const ending = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      assert.match(String(yield* Effect.flip(webSocketClient(`ws://127.0.0.1:${port}/ws`))), /ECONNREFUSED/)
      connection.send(new Frame("the answer"))
      assert.strictEqual(yield* Deferred.await(heard), "the answer")
      yield* Deferred.succeed(may, undefined)
      assert.strictEqual((yield* Fiber.join(request)).body, "done")
      yield* Fiber.join(closing)
      yield* Fiber.join(ending)
    })
  )

  it.live("does not wait forever", () =>
    Effect.gen(function* () {
      const asked = yield* Deferred.make<void>()
      const stuck: HttpRoutes = HttpRouter.add(
        "GET",
        "/stuck",
        Effect.andThen(Deferred.succeed(asked, undefined), Effect.never)
      )
      yield* Effect.scoped(
        Effect.gen(function* () {
          const host = yield* Host.make({ endpoints: [{ _tag: "Http", routes: stuck }], connection: quick })
          const { port } = yield* serveHttp(host, LOOPBACK)
          yield* Effect.forkScoped(Effect.tryPromise(() => fetch(`http://127.0.0.1:${port}/stuck`)).pipe(Effect.ignore))
          yield* Deferred.await(asked)
          yield* host.close({ drain: 20 })
        })
      )
    })
  )
})
