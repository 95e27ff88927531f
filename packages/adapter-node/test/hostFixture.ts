/** A host with endpoints of every kind below `/im`, and clients that ask it. */
import { Effect, Stream } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse, Multipart } from "effect/http"
import { WebSocket } from "ws"
import * as Host from "../src/internal/http/HttpHost.ts"
import type { HttpRoutes } from "../src/internal/http/routes.ts"
import { bytesOf } from "../src/internal/socket/WebSocketConnection.ts"
import { echo } from "./observedConnection.ts"
import { quick } from "./socketHarness.ts"

const text = (value: string) => Effect.succeed(HttpServerResponse.text(value))

const bodyOf = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const body = yield* request.text
  return HttpServerResponse.text(`${request.url} ${body}`)
}).pipe(
  Effect.catchTag("HttpServerError", (error) => text(error.reason._tag === "RequestParseError" ? "unreadable" : "no"))
)

const upload = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  let size = 0
  yield* Stream.runForEach(request.multipartStream, (part) =>
    Multipart.isFile(part)
      ? Stream.runForEach(part.content, (bytes) => Effect.sync(() => (size += bytes.length)))
      : Effect.void
  )
  return HttpServerResponse.text(String(size))
}).pipe(
  Effect.provideContext(Multipart.limitsServices({ maxTotalSize: 10_000_000, maxFileSize: 10_000_000 })),
  Effect.catchTag("MultipartError", (error) => text(error.reason._tag))
)

const routes: HttpRoutes = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    yield* router.add(
      "GET",
      "/im/hello/:name",
      Effect.flatMap(HttpRouter.params, ({ name }) => text(`hello ${name}`))
    )
    yield* router.add("POST", "/im/body", bodyOf)
    yield* router.add("POST", "/im/upload", upload)
    yield* router.add("GET", "/im/files/*", text("a file"))
    yield* router.addAll([HttpRouter.route("*", "/im/any", text("any"))])
    yield* router.prefixed("/im/deep").add("GET", "/er", text("deeper"))
    yield* router
      .prefixed("/im/deep")
      .prefixed("/and")
      .addAll([HttpRouter.route("GET", "/on", text("on"))])
  })
)

export const makeHost = (options: Partial<Host.Options> = {}) =>
  Host.make({
    endpoints: [
      { _tag: "Http", routes },
      { _tag: "WebSocket", path: "/im/ws", accept: echo },
      { _tag: "Tcp", accept: echo }
    ],
    connection: quick,
    ...options
  })

export const get = (port: number, path: string, init?: RequestInit) =>
  Effect.promise(async () => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
    return { status: response.status, type: response.headers.get("content-type"), body: await response.text() }
  })

export const post = (port: number, path: string, body: string, type = "application/json") =>
  get(port, path, { method: "POST", body, headers: { "content-type": type } })

/** Offers a WebSocket; returns the status of the refusal, or the reply to "x". */
export const tryWebSocket = (url: string) =>
  Effect.callback<number | string>((resume) => {
    const ws = new WebSocket(url)
    ws.on("unexpected-response", (request, response) => {
      resume(Effect.succeed(response.statusCode ?? 0))
      request.destroy()
    })
    ws.on("error", () => resume(Effect.succeed("error")))
    ws.on("open", () => ws.send("x"))
    ws.on("message", (data) => {
      resume(Effect.succeed(bytesOf(data).toString()))
      ws.close()
    })
  })
