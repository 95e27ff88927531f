/** Deadlines of HTTP requests under way: for their bodies, and for clients that stop reading what they asked for. */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { ArrivingBody, BodyDeadlines } from "./BodyDeadlines.ts"

const LATE = "The request's body did not come in time."

/** Whose body holds files, which may take their time. */
const isMultipart = (type: string | null | undefined): boolean => /^\s*multipart\//i.test(type ?? "")

const hasBody = ({ headers, complete }: IncomingMessage): boolean =>
  !complete && (headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0)

export interface Deadlines {
  readonly bodies: BodyDeadlines
  /** Milliseconds without progress after which a client that does not read is given up. */
  readonly stall: number
  /** Called with the reason, in words for a log. */
  readonly dropped: (reason: string) => void
}

/** Watches a request of Node's until its response is closed: 408 for a late body, and an end for what makes no progress. */
export const watchRequest = (
  request: IncomingMessage,
  response: ServerResponse,
  { bodies, stall, dropped }: Deadlines
): void => {
  if (hasBody(request)) watchBody(request, response, bodies, dropped)
  const { socket } = request
  if (request.httpVersionMajor !== 1) return
  response.setTimeout(stall, () => {
    // The server is what is slow while nothing waits for the client.
    if (!response.headersSent || socket.writableLength === 0) return void socket.setTimeout(stall)
    dropped("the client stopped reading its answer")
    socket.destroy()
  })
  response.once("close", () => {
    if (socket.timeout === stall) socket.setTimeout(0)
  })
}

const watchBody = (
  request: IncomingMessage,
  response: ServerResponse,
  bodies: BodyDeadlines,
  dropped: Deadlines["dropped"]
): void => {
  const body: ArrivingBody = {
    isFile: isMultipart(request.headers["content-type"]),
    bytes: () => request.socket.bytesRead,
    isHeldUp: () => request.readableLength > 0,
    overdue: () => {
      dropped("the request's body did not come in time")
      if (response.headersSent) return void request.destroy()
      response.writeHead(408, { "content-type": "application/json; charset=utf-8", connection: "close" })
      response.end(JSON.stringify({ message: LATE }), () => request.destroy())
    }
  }
  const done = (): void => bodies.remove(body)
  bodies.add(body)
  request.once("end", done)
  request.once("close", done)
  response.once("close", done)
}

/**
 * The same for a web request with a body: with `url`, ended by its signal when the body is late. The answer is then `late`.
 * Whether a client reads is known to the server alone that has its socket.
 */
export const watchWebRequest = (
  request: Request,
  url: string,
  { bodies, dropped }: Deadlines
): { readonly request: Request; readonly late: () => Response | undefined; readonly done: () => void } => {
  const content = request.body
  if (content === null) {
    return { request: new Request(url, request), late: () => undefined, done: () => {} }
  }
  const controller = new AbortController()
  let [bytes, isLate] = [0, false]
  const body: ArrivingBody = {
    isFile: isMultipart(request.headers.get("content-type")),
    bytes: () => bytes,
    isHeldUp: () => false,
    overdue: () => {
      isLate = true
      dropped("the request's body did not come in time")
      controller.abort()
    }
  }
  const done = (): void => bodies.remove(body)
  bodies.add(body)
  const counting = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, to) => {
      bytes += chunk.length
      to.enqueue(chunk)
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
    late: () => (isLate ? Response.json({ message: LATE }, { status: 408 }) : undefined),
    done
  }
}
