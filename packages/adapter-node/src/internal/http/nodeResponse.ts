/** Writes responses of protocols to `node:http`. */
import * as NodeStream from "@effect/platform-node-shared/NodeStream"
import * as Effect from "effect/Effect"
import * as Cookies from "effect/http/Cookies"
import { type HttpServerResponse, omitsBody } from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { Readable } from "node:stream"
import type { NodeRequest } from "./NodeRequest.ts"

/** Bytes of an unread body that are discarded to keep its connection; above it the connection ends. */
const MAX_DISCARDED = 256 * 1024
/** Milliseconds within which a client may read the response after the end of such a connection. */
const CLOSE_GRACE_MS = 2_000

const headersOf = ({ status, headers, cookies }: HttpServerResponse): OutgoingHttpHeaders => {
  const all: OutgoingHttpHeaders = { ...headers }
  // A response that has no body has no size.
  if (status === 204 || status === 205) delete all["content-length"]
  if (!Cookies.isEmpty(cookies)) all["set-cookie"] = Cookies.toSetCookieHeaders(cookies)
  return all
}

/** Returns the content of a body that is streamed; undefined for bytes in memory and for none. */
const contentOf = (body: HttpServerResponse["body"]): Stream.Stream<Uint8Array, unknown> | undefined => {
  if (body._tag === "Stream") return body.stream
  if (body._tag === "Raw" && body.body instanceof Readable) {
    const readable = body.body
    return NodeStream.fromReadable<Uint8Array>({ evaluate: () => readable })
  }
  if (body._tag !== "Raw" && body._tag !== "FormData") return undefined
  const web = new Response(
    body._tag === "Raw" ? (body.body as ConstructorParameters<typeof Response>[0]) : body.formData
  ).body
  return web === null ? undefined : Stream.fromReadableStream({ evaluate: () => web, onError: (cause) => cause })
}

/** Waits until the client has read enough to write on, or has disconnected. */
const drained = (response: ServerResponse): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const done = (): void => {
      response.off("drain", done).off("close", done)
      resume(Effect.void)
    }
    if (response.destroyed) return done()
    response.on("drain", done).on("close", done)
    return Effect.sync(() => response.off("drain", done).off("close", done))
  })

const stream = (response: ServerResponse, content: Stream.Stream<Uint8Array, unknown>): Effect.Effect<void, unknown> =>
  Stream.runForEach(content, (chunk) => (response.write(chunk) ? Effect.void : drained(response))).pipe(
    Effect.andThen(Effect.sync(() => response.end())),
    // A complete end would make a part look like the whole.
    Effect.onError(() => Effect.sync(() => response.destroy())),
    Effect.interruptible
  )

/** Ends a response that cannot be written, with 500 while nothing was. */
const fail = (response: ServerResponse): void => {
  if (response.headersSent) return void response.destroy()
  // Node has read the size of the body that is not sent.
  response.strictContentLength = false
  response.writeHead(500, { "content-length": 0 }).end()
}

const leavesLongBody = ({ complete, headers, httpVersionMajor }: IncomingMessage): boolean =>
  !complete && httpVersionMajor === 1 && Number(headers["content-length"] ?? 0) > MAX_DISCARDED

/** Writes a response; nothing to a client that has disconnected or was refused meanwhile. */
export const writeResponse = (
  { response, method, source }: NodeRequest,
  sent: HttpServerResponse
): Effect.Effect<void> =>
  Effect.suspend((): Effect.Effect<void, unknown> => {
    if (response.headersSent || response.destroyed) return Effect.void
    const { body, status, statusText } = sent
    response.strictContentLength = method !== "HEAD" && !omitsBody(sent)
    const headers = headersOf(sent)
    // Announces the end, which a client would otherwise report as an error. A streamed response may still read the body.
    if (leavesLongBody(source) && body._tag !== "Stream") headers.connection = "close"
    response.writeHead(status, statusText, headers)
    if (body._tag === "Empty" || !response.strictContentLength) {
      response.end()
      return Effect.void
    }
    const content = contentOf(body)
    if (content !== undefined) return stream(response, content)
    response.end(body._tag === "Uint8Array" ? (body.text ?? body.body) : undefined)
    return Effect.void
  }).pipe(
    Effect.catchDefect((defect) => Effect.fail(defect)),
    Effect.catch((cause) =>
      Effect.andThen(
        Effect.sync(() => fail(response)),
        Effect.logError("a response could not be written", cause)
      )
    )
  )

/** Ends a connection whose client may still send, so that the client can read the response before it is reset. */
const endSlowly = (socket: Socket): void => {
  if (socket.destroyed) return
  socket.end()
  const timer = setTimeout(() => socket.destroy(), CLOSE_GRACE_MS)
  socket.once("close", () => clearTimeout(timer))
}

/** Discards the bytes that a response has left unread of its request's body, and ends the connection of a long one. */
export const discardBody = (request: IncomingMessage, { shouldKeepAlive }: ServerResponse): void => {
  // A stream of HTTP/2 ends without its connection.
  if (request.complete || request.destroyed || request.httpVersionMajor !== 1) return
  const { socket } = request
  let bytes = 0
  // Marks the body as read, so that Node does not read it itself.
  request.read(0)
  if (!shouldKeepAlive) {
    // Node destroys the socket next; bytes that it has not read would reset the connection.
    socket.destroySoon = () => endSlowly(socket)
    return
  }
  request.on("data", (chunk: Uint8Array) => {
    bytes += chunk.length
    if (bytes <= MAX_DISCARDED) return
    request.pause()
    endSlowly(socket)
  })
  request.resume()
}
