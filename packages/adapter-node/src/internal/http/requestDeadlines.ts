/**
 * Bounds of HTTP requests in flight: size and duration of their bodies, and time without progress of clients that stop
 * reading.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { BodyBudget, BodyRefusal } from "./BodyBudget.ts"
import type { ArrivingBody, BodyDeadlines } from "./BodyDeadlines.ts"
import { READER_STALLS } from "../socket/SocketConnection.ts"

const LATE = "The request's body did not arrive in time."

/** Whether a body contains files, whose uploads are bounded by progress. */
const isMultipart = (type: string | null | undefined): boolean => /^\s*multipart\//i.test(type ?? "")

const hasBody = ({ headers, complete }: IncomingMessage): boolean =>
  !complete && (headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0)

export interface Limits {
  readonly body: BodyBudget
  readonly bodies: BodyDeadlines
  /** Milliseconds; a client that reads nothing for `READER_STALLS` times as long is dropped. */
  readonly stall: number
  /** Called with the reason, for the log. */
  readonly dropped: (reason: string) => void
}

const LATE_BODY = { status: 408, message: LATE } as const

/** Refuses a request with an incomplete body, and ends its connection. */
const refuseBody = (
  request: IncomingMessage,
  response: ServerResponse,
  { status, message }: BodyRefusal | typeof LATE_BODY
): void => {
  if (response.headersSent) return void request.destroy()
  const retry = status === 408 ? {} : { "retry-after": "1" }
  response.writeHead(status, { ...retry, "content-type": "application/json; charset=utf-8", connection: "close" })
  response.end(JSON.stringify({ message }), () => request.destroy())
}

/**
 * Watches a Node request until its response is closed: 408 for a late body, 429 or 503 for one over the budget; ends
 * connections without progress. Returns false if the request was refused immediately.
 */
export const watchRequest = (
  request: IncomingMessage,
  response: ServerResponse,
  { body, bodies, stall, dropped }: Limits
): boolean => {
  // Bytes that are already buffered.
  const refusal = body.add(request.readableLength)
  if (refusal !== undefined) {
    dropped("too many request bodies were in flight")
    refuseBody(request, response, refusal)
    return false
  }
  if (hasBody(request)) {
    countBody(request, response, body, dropped)
    watchBody(request, response, bodies, dropped)
  }
  const { socket } = request
  if (request.httpVersionMajor !== 1) return true
  const timeout = READER_STALLS * stall
  response.setTimeout(timeout, () => {
    // Nothing waits for the client: the server is slow.
    if (!response.headersSent || socket.writableLength === 0) return void socket.setTimeout(timeout)
    dropped("the client stopped reading its answer")
    socket.destroy()
  })
  response.once("close", () => {
    if (socket.timeout === timeout) socket.setTimeout(0)
  })
  return true
}

/** Counts bytes when the parser emits them: stream readers see them only after buffering. */
const countBody = (
  request: IncomingMessage,
  response: ServerResponse,
  body: BodyBudget,
  dropped: Limits["dropped"]
): void => {
  const push = request.push.bind(request)
  let isRefused = false
  request.push = (chunk: Uint8Array | null, encoding) => {
    if (isRefused) return true
    const refusal = chunk === null ? undefined : body.add(chunk.length)
    if (refusal === undefined) return push(chunk, encoding)
    isRefused = true
    dropped("too many request bodies were in flight")
    refuseBody(request, response, refusal)
    return true
  }
}

const watchBody = (
  request: IncomingMessage,
  response: ServerResponse,
  bodies: BodyDeadlines,
  dropped: Limits["dropped"]
): void => {
  const body: ArrivingBody = {
    isFile: isMultipart(request.headers["content-type"]),
    bytes: () => request.socket.bytesRead,
    isHeldUp: () => request.readableLength > 0,
    overdue: () => {
      dropped("the request's body did not arrive in time")
      refuseBody(request, response, LATE_BODY)
    }
  }
  const done = (): void => bodies.remove(body)
  bodies.add(body)
  request.once("end", done)
  request.once("close", done)
  response.once("close", done)
}

/**
 * Watches a web request. Returns it with `url` and a signal that aborts if the body is refused; the response is then
 * `refused()`. A stalled reader is detected by the server that owns the socket.
 */
export const watchWebRequest = (
  request: Request,
  url: string,
  { body: budget, bodies, dropped }: Omit<Limits, "stall">
): { readonly request: Request; readonly refused: () => Response | undefined; readonly done: () => void } => {
  const content = request.body
  if (content === null) {
    return { request: new Request(url, request), refused: () => undefined, done: () => {} }
  }
  const controller = new AbortController()
  let bytes = 0
  let refusal: BodyRefusal | typeof LATE_BODY | undefined
  const refuse = (why: BodyRefusal | typeof LATE_BODY, reason: string): void => {
    refusal ??= why
    dropped(reason)
    controller.abort()
  }
  const body: ArrivingBody = {
    isFile: isMultipart(request.headers.get("content-type")),
    bytes: () => bytes,
    isHeldUp: () => false,
    overdue: () => refuse(LATE_BODY, "the request's body did not arrive in time")
  }
  const done = (): void => bodies.remove(body)
  bodies.add(body)
  const counting = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, to) => {
      bytes += chunk.length
      const exceeded = budget.add(chunk.length)
      if (exceeded === undefined) to.enqueue(chunk)
      else refuse(exceeded, "too many request bodies were in flight")
    },
    flush: done
  })
  const { method, headers, signal } = request
  // A stream body requires `duplex`, which is missing in Node's types.
  const init: RequestInit & { readonly duplex: "half" } = {
    method,
    headers,
    body: content.pipeThrough(counting),
    duplex: "half",
    signal: AbortSignal.any([signal, controller.signal])
  }
  return {
    request: new Request(url, init),
    refused: () => {
      if (refusal === undefined) return undefined
      const retry = refusal.status === 408 ? {} : { headers: { "retry-after": "1" } }
      return Response.json({ message: refusal.message }, { status: refusal.status, ...retry })
    },
    done
  }
}
