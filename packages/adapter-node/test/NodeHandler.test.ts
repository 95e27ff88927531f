/** Routes behind `node:http` over raw sockets: what is written, and what becomes of bodies and clients. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Stream } from "effect"
import * as ByteSize from "effect/ByteSize"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import * as http2 from "node:http2"
import { type AddressInfo, connect, type Socket } from "node:net"
import { NodeRequest } from "../src/internal/http/NodeRequest.ts"
import { makeNodeHandler } from "../src/internal/http/nodeHandler.ts"

type App = Effect.Effect<HttpServerResponse.HttpServerResponse, unknown, HttpServerRequest | Scope.Scope>

/** A client that keeps all that it has received as text. */
interface RawClient {
  readonly socket: Socket
  readonly received: () => string
  /** Waits until the received text matches. */
  readonly until: (pattern: RegExp) => Effect.Effect<string>
  /** Waits for the end of the connection by the server. */
  readonly ended: Effect.Effect<void>
}

const serve = Effect.fnUntraced(function* (app: App) {
  const scope = yield* Effect.scope
  const handler = yield* makeNodeHandler(app, scope).pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(1000))
  )
  const server = createServer(handler)
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  const { port } = server.address() as AddressInfo
  const open = Effect.acquireRelease(
    Effect.sync((): RawClient => {
      const socket = connect(port, "127.0.0.1").setEncoding("latin1")
      let text = ""
      const watchers = new Set<() => void>()
      const notify = (): void => {
        for (const watcher of watchers) watcher()
      }
      socket.on("data", (chunk: string) => {
        text += chunk
        notify()
      })
      socket.on("error", notify).on("close", notify)
      const when = <A>(value: () => A | undefined): Effect.Effect<A> =>
        Effect.callback((resume) => {
          const look = (): void => {
            const found = value()
            if (found === undefined) return
            watchers.delete(look)
            resume(Effect.succeed(found))
          }
          watchers.add(look)
          look()
        })
      return {
        socket,
        received: () => text,
        until: (pattern) => when(() => (pattern.test(text) ? text : undefined)),
        ended: when(() => (socket.closed ? true : undefined)).pipe(Effect.asVoid)
      }
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )
  return { open, url: `http://127.0.0.1:${port}` }
})

/** Lets both ends of the connections do what they can. */
const turns = Effect.promise(async () => {
  for (let n = 0; n < 50; n++) await new Promise((resolve) => setImmediate(resolve))
})

const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const POST = (length: number, body = ""): string =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${body}`
const ok = HttpServerResponse.text("fine")

describe("a response", () => {
  it.live("has no body for HEAD, 204 and 304, and the size that its kind allows", () =>
    Effect.gen(function* () {
      const { url } = yield* serve(
        Effect.map(HttpServerRequest, ({ url: path }) =>
          path === "/none"
            ? HttpServerResponse.empty()
            : HttpServerResponse.text("fine", { status: path === "/304" ? 304 : 200 })
        )
      )
      yield* Effect.promise(async () => {
        const head = await fetch(url, { method: "HEAD" })
        assert.deepStrictEqual([head.status, head.headers.get("content-length"), await head.text()], [200, "4", ""])
        const none = await fetch(`${url}/none`)
        assert.deepStrictEqual([none.status, none.headers.get("content-length")], [204, null])
        assert.strictEqual(await (await fetch(`${url}/304`)).text(), "")
      })
    }).pipe(Effect.scoped)
  )

  it.live("that cannot be written is 500, and one that fails in its middle has no end", () =>
    Effect.gen(function* () {
      const broken = Stream.concat(Stream.make(new Uint8Array([65, 66])), Stream.fail("the disk is gone"))
      const short = Stream.make(new Uint8Array([65]))
      const { open } = yield* serve(
        Effect.map(HttpServerRequest, ({ url }) =>
          url === "/header"
            ? HttpServerResponse.setHeader(ok, "x-name", "two\nlines")
            : url === "/short"
              ? HttpServerResponse.stream(short, { contentLength: 5 })
              : HttpServerResponse.stream(broken)
        )
      )
      const client = yield* open
      client.socket.write(GET("/header"))
      yield* client.until(/^HTTP\/1\.1 500 /)
      const streaming = yield* open
      streaming.socket.write(GET("/stream"))
      yield* streaming.ended
      assert.notMatch(streaming.received(), /0\r\n\r\n$/)
      const shortened = yield* open
      shortened.socket.write(GET("/short"))
      yield* shortened.ended
      assert.notInclude(shortened.received(), "HTTP/1.1 500")
    }).pipe(Effect.scoped)
  )

  it.live("waits for a client that reads slowly, and is interrupted when the client disconnects", () =>
    Effect.gen(function* () {
      let written = 0
      const interrupted = yield* Deferred.make<void>()
      const waiting = yield* Deferred.make<ServerResponse>()
      const chunk = new Uint8Array(64 * 1024)
      const { open } = yield* serve(
        Effect.map(HttpServerRequest, (request) => {
          assert(request instanceof NodeRequest)
          const endless = Stream.fromEffectRepeat(
            Effect.sync(() => {
              written += chunk.length
              setImmediate(() => {
                // The buffers of both ends are full.
                if (request.response.writableLength > chunk.length)
                  Deferred.doneUnsafe(waiting, Effect.succeed(request.response))
              })
              return chunk
            })
          )
          return HttpServerResponse.stream(endless.pipe(Stream.ensuring(Deferred.succeed(interrupted, undefined))))
        })
      )
      const client = yield* open
      client.socket.pause()
      client.socket.write(GET("/"))
      const response = yield* Deferred.await(waiting)
      const before = written
      yield* turns
      assert.isAtMost(written - before, chunk.length)
      assert.isAtMost(response.writableLength, 3 * chunk.length)
      client.socket.destroy()
      yield* Deferred.await(interrupted)
    }).pipe(Effect.scoped)
  )
})

describe("the body of a request", () => {
  it.live("is read once, also through a modified view, up to its limit", () =>
    Effect.gen(function* () {
      const { url } = yield* serve(
        Effect.gen(function* () {
          const request = yield* HttpServerRequest
          const [text, again] = [yield* request.text, yield* request.modify({ url: "/other" }).text]
          return HttpServerResponse.jsonUnsafe({ text, again, json: yield* request.json })
        })
      )
      yield* Effect.promise(async () => {
        const answer = await fetch(url, { method: "POST", body: '{"a":"é"}' })
        assert.deepStrictEqual(await answer.json(), { text: '{"a":"é"}', again: '{"a":"é"}', json: { a: "é" } })
        assert.strictEqual((await fetch(url, { method: "POST", body: "x".repeat(1001) })).status, 413)
        assert.strictEqual((await fetch(url, { method: "POST", body: "{" })).status, 400)
      })
    }).pipe(Effect.scoped)
  )

  it.live("that a response leaves unread is discarded, and its connection takes the next request", () =>
    Effect.gen(function* () {
      const firstChunk = Effect.flatMap(HttpServerRequest, ({ stream }) => Stream.runDrain(Stream.take(stream, 1)))
      for (const app of [Effect.succeed(ok), Effect.as(firstChunk, ok)]) {
        const { open } = yield* serve(app)
        const client = yield* open
        client.socket.write(POST(100_000, "x".repeat(50_000)))
        yield* client.until(/fine$/)
        client.socket.write("x".repeat(50_000) + GET("/"))
        yield* client.until(/fine[^]*fine$/)
      }
    }).pipe(Effect.scoped)
  )

  it.live("that is long and unread ends the connection, after the client has the response", () =>
    Effect.gen(function* () {
      const { open } = yield* serve(Effect.succeed(ok))
      const client = yield* open
      client.socket.write(POST(1e9, "x"))
      const part = Buffer.alloc(64 * 1024)
      const send = (): void => {
        while (client.socket.writable && client.socket.write(part));
      }
      client.socket.on("drain", send)
      send()
      yield* client.ended
      assert.match(client.received(), /^HTTP\/1\.1 200 OK\r\n[^]*connection: close\r\n[^]*fine$/i)
    }).pipe(Effect.scoped)
  )
})

describe("a host on HTTP/2", () => {
  it.live("has the host of the request, its body and the response", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const handler = yield* makeNodeHandler(
        Effect.gen(function* () {
          const { headers, method, originalUrl, text } = yield* HttpServerRequest
          const names = Object.keys(headers).filter((name) => name.startsWith(":"))
          const body = method === "POST" ? yield* text : ""
          return HttpServerResponse.jsonUnsafe({ host: headers["host"], names, originalUrl, body })
        }),
        scope
      )
      const server = http2.createServer((request, response) =>
        // The compatible API of HTTP/2 has the members that a handler uses.
        handler(request as unknown as IncomingMessage, response as unknown as ServerResponse)
      )
      yield* Effect.promise(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)))
      const { port } = server.address() as AddressInfo
      const session = http2.connect(`http://127.0.0.1:${port}`)
      const ask = (method: string, body: string): Promise<string> =>
        new Promise((resolve, reject) => {
          let text = ""
          const stream = session.request({ ":method": method, ":path": "/x?y=1" })
          stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
          stream.on("end", () => resolve(text)).on("error", reject)
          stream.end(body)
        })
      yield* Effect.promise(async () => {
        const host = `127.0.0.1:${port}`
        const answer = { host, names: [], originalUrl: `http://${host}/x?y=1` }
        assert.deepStrictEqual(JSON.parse(await ask("POST", "hello")), { ...answer, body: "hello" })
        // The body is left unread.
        assert.deepStrictEqual(JSON.parse(await ask("PUT", "x".repeat(50_000))), { ...answer, body: "" })
        session.close()
        await new Promise((resolve) => server.close(resolve))
      })
    }).pipe(Effect.scoped)
  )
})
