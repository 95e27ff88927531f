/** Posts over real sockets: bounded in time and size, without redirects, and closed when interrupted. */
import { assert, describe, it } from "@effect/vitest"
import type { PostRequest } from "@parley/core/HttpPost"
import { Effect, Fiber } from "effect"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import * as NodeHttpPost from "../src/NodeHttpPost.ts"

type Handler = (request: http.IncomingMessage, response: http.ServerResponse, body: string) => void

interface Received {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

/** A receiver on a free port. */
const receiver = Effect.fnUntraced(function* (handle: Handler) {
  const received: Array<Received> = []
  const server = http.createServer((request, response) => {
    let body = ""
    request.setEncoding("utf8").on("data", (text: string) => (body += text))
    request.on("end", () => {
      const { method, url, headers } = request
      received.push({ method, url, headers, body })
      handle(request, response, body)
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  return { server, received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
})

const requestTo = (url: string, more: Partial<PostRequest> = {}): PostRequest => ({
  url,
  contentType: "application/json",
  body: '{"text":"你好"}',
  timeout: 30_000,
  maxResponse: 1000,
  ...more
})

describe("posts", () => {
  it.live("send the body once, and return status and body", () =>
    Effect.gen(function* () {
      const post = yield* NodeHttpPost.make
      const { received, url } = yield* receiver((_, response) => response.writeHead(201).end("收到"))
      for (let turn = 0; turn < 2; turn++) {
        assert.deepStrictEqual(yield* post(requestTo(`${url}/in?a=1`)), { status: 201, body: "收到" })
      }
      assert.lengthOf(received, 2)
      const { method, url: path, headers, body } = received[0] ?? {}
      assert.deepStrictEqual([method, path, body], ["POST", "/in?a=1", '{"text":"你好"}'])
      assert.deepInclude(headers, { "content-type": "application/json", "content-length": "17" })
    })
  )

  it.live("do not follow redirects", () =>
    Effect.gen(function* () {
      const post = yield* NodeHttpPost.make
      const { received, url } = yield* receiver((_, response) =>
        response.writeHead(307, { location: "/elsewhere" }).end("moved")
      )
      assert.deepStrictEqual(yield* post(requestTo(url)), { status: 307, body: "moved" })
      assert.lengthOf(received, 1)
    })
  )

  it.live("fail with a reason", () =>
    Effect.gen(function* () {
      const post = yield* NodeHttpPost.make
      const problem = (request: PostRequest) => Effect.map(Effect.flip(post(request)), (failed) => failed.problem)
      const big = yield* receiver((_, response) => response.end("x".repeat(1001)))
      assert.strictEqual(yield* problem(requestTo(big.url)), "sent more than 1000 bytes")
      const endless = yield* receiver((_, response) => {
        response.writeHead(200).write("x")
      })
      assert.strictEqual(yield* problem(requestTo(endless.url, { timeout: 50 })), "did not respond within 0.05 seconds")
      const silent = yield* receiver(() => {})
      assert.strictEqual(yield* problem(requestTo(silent.url, { timeout: 50 })), "did not respond within 0.05 seconds")
      const cut = yield* receiver((request, response) => {
        response.writeHead(200, { "content-length": "10" }).write("x", () => request.socket.destroy())
      })
      assert.match(yield* problem(requestTo(cut.url)), /^broke its response off: /)
      const gone = yield* Effect.scoped(receiver(() => {}))
      assert.match(yield* problem(requestTo(gone.url)), /^was not reached: .*ECONNREFUSED/)
      assert.match(yield* problem(requestTo("http://[")), /^cannot be called: /)
      assert.match(yield* problem(requestTo(gone.url.replace("http:", "https:"))), /^was not reached: /)
    })
  )

  it.live("close their connection when interrupted", () =>
    Effect.gen(function* () {
      const post = yield* NodeHttpPost.make
      let closed = (): void => {}
      const isClosed = new Promise<void>((resolve) => (closed = resolve))
      let reached = (): void => {}
      const isReached = new Promise<void>((resolve) => (reached = resolve))
      const { url } = yield* receiver((request) => {
        request.socket.on("close", closed)
        reached()
      })
      const fiber = yield* Effect.forkChild(post(requestTo(url)))
      yield* Effect.promise(() => isReached)
      yield* Fiber.interrupt(fiber)
      yield* Effect.promise(() => isClosed)
    })
  )

  it.live("are sent again if the kept connection was closed by the receiver", () =>
    Effect.gen(function* () {
      const post = yield* NodeHttpPost.make
      const { server, received, url } = yield* receiver((request, response) => {
        const isFirst = received.length === 1
        response.end("ok", () => {
          // Closed without a word after the response, as by a receiver that restarts.
          if (isFirst) request.socket.resetAndDestroy()
        })
      })
      assert.isTrue(server.listening)
      for (let turn = 0; turn < 3; turn++) assert.strictEqual((yield* post(requestTo(url))).body, "ok")
      assert.lengthOf(received, 3)
    })
  )

  it.live("end idle connections with the scope", () =>
    Effect.gen(function* () {
      const { server, url } = yield* receiver((_, response) => response.end("ok"))
      let open = 0
      let ended = (): void => {}
      const isEnded = new Promise<void>((resolve) => (ended = resolve))
      server.on("connection", (socket) => {
        open++
        socket.on("close", () => --open === 0 && ended())
      })
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* (yield* NodeHttpPost.make)(requestTo(url))
          assert.strictEqual(open, 1)
        })
      )
      yield* Effect.promise(() => isEnded)
    })
  )
})
