/**
 * Requests that come to us through somebody else's middleware. A body that was read before us is used where its bytes
 * are still known, and refused otherwise; it never turns into an empty one without a word.
 */
import { IncomingMessage } from "node:http"

/** A request as frameworks leave it. */
export interface ParsedRequest extends IncomingMessage {
  /** What a body parser made of the body. */
  readonly body?: unknown
  /** The body's bytes, where a parser was asked to keep them. */
  readonly rawBody?: unknown
  /** The URL before a router took its mount path away. */
  readonly originalUrl?: unknown
}

export const urlOf = (request: ParsedRequest): string =>
  typeof request.originalUrl === "string" ? request.originalUrl : (request.url ?? "/")

const hasBody = (request: IncomingMessage): boolean =>
  request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0

const isJson = (request: IncomingMessage): boolean =>
  /^application\/(?:[\w.+-]+\+)?json\b/i.test(request.headers["content-type"] ?? "")

/** The bytes of a body that was read already; undefined where they cannot be told. */
const bytesRead = (request: ParsedRequest): Uint8Array | undefined => {
  for (const kept of [request.rawBody, request.body]) {
    if (kept instanceof Uint8Array) return kept
    if (typeof kept === "string") return Buffer.from(kept)
  }
  if (isJson(request) && request.body !== undefined) return Buffer.from(JSON.stringify(request.body))
  return undefined
}

/** The same request with its body put back. */
const withBody = (request: IncomingMessage, url: string, body: Uint8Array): IncomingMessage => {
  const copy = new IncomingMessage(request.socket)
  copy.httpVersion = request.httpVersion
  copy.httpVersionMajor = request.httpVersionMajor
  copy.httpVersionMinor = request.httpVersionMinor
  copy.method = request.method ?? "GET"
  copy.url = url
  copy.headers = { ...request.headers, "content-length": String(body.length) }
  delete copy.headers["transfer-encoding"]
  delete copy.headers["content-encoding"]
  copy.rawHeaders = request.rawHeaders
  copy.complete = true
  copy.push(body)
  copy.push(null)
  return copy
}

export const BODY_CONSUMED =
  "The request's body was consumed before it came here, and its bytes are gone. Mount this handler before body parsers, or let them keep `rawBody`."

/**
 * The request with this URL and a body that can be read; undefined where the body is lost. The request is ours from here
 * on, so its `url` is put right in place.
 */
export const restoreBody = (request: ParsedRequest, url: string): IncomingMessage | undefined => {
  // Some parsers set an empty `body` without having read anything: what counts is whether the stream was touched.
  if (!hasBody(request) || !(request.readableDidRead || request.readableEnded)) {
    request.url = url
    return request
  }
  const bytes = bytesRead(request)
  return bytes === undefined ? undefined : withBody(request, url, bytes)
}
