/**
 * Bounds of HTTP requests under way: of the bytes of their bodies and the time that these take, and of the time of clients
 * that stop reading what they asked for.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { BodyBudget, BodyRefusal } from "./BodyBudget.ts"
import type { ArrivingBody, BodyDeadlines } from "./BodyDeadlines.ts"
import { READER_STALLS } from "../socket/SocketConnection.ts"

const LATE = "The request's body did not come in time."

/** Whose body holds files, which may take their time. */
const isMultipart = (type: string | null | undefined): boolean => /^\s*multipart\//i.test(type ?? "")

const hasBody = ({ headers, complete }: IncomingMessage): boolean =>
  !complete && (headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0)

export interface Limits {
  readonly body: BodyBudget
  readonly bodies: BodyDeadlines
  /** Milliseconds; a client that takes nothing for `READER_STALLS` times as long is given up. */
  readonly stall: number
  /** Called with the reason, in words for a log. */
  readonly dropped: (reason: string) => void
}

const LATE_BODY = { status: 408, message: LATE } as const

/** Answers a request whose body is not whole, and ends its connection. */
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
 * Watches a request of Node's until its response is closed: 408 for a late body, 429 or 503 for one beyond the budget, and an
 * end for what makes no progress. False where it was refused at once.
 */
export const watchRequest = (
  request: IncomingMessage,
  response: ServerResponse,
  { body, bodies, stall, dropped }: Limits
): boolean => {
  // Bytes that others have read before, or that came with the head.
  const refusal = body.add(request.readableLength)
  if (refusal !== undefined) {
    dropped("too many request bodies were under way")
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
    // The server is what is slow while nothing waits for the client.
    if (!response.headersSent || socket.writableLength === 0) return void socket.setTimeout(timeout)
    dropped("the client stopped reading its answer")
    socket.destroy()
  })
  response.once("close", () => {
    if (socket.timeout === timeout) socket.setTimeout(0)
  })
  return true
}

/** Counts the bytes as the parser hands them over, which no reader of the stream can see before it has taken them. */
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
    dropped("too many request bodies were under way")
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
      dropped("the request's body did not come in time")
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
 * The same for a web request with a body: with `url`, ended by its signal when the body is refused. The answer is then `refused`.
 * Whether a client reads is known to the server alone that has its socket.
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
    overdue: () => refuse(LATE_BODY, "the request's body did not come in time")
  }
  const done = (): void => bodies.remove(body)
  bodies.add(body)
  const counting = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, to) => {
      bytes += chunk.length
      const exceeded = budget.add(chunk.length)
      if (exceeded === undefined) to.enqueue(chunk)
      else refuse(exceeded, "too many request bodies were under way")
    },
    flush: done
  })
  const { method, headers, signal } = request
  // A body that is a stream needs `duplex`, which the types of Node do not know.
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
