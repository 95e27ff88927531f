/**
 * Restores request bodies that earlier middleware has consumed. If the bytes are lost, the request is rejected rather than
 * treated as empty.
 */
import { IncomingMessage } from "node:http"

/** A request with the properties that frameworks add. */
export interface ParsedRequest extends IncomingMessage {
  /** The parsed body. */
  readonly body?: unknown
  /** The body's bytes, if the parser keeps them. */
  readonly rawBody?: unknown
  /** The URL before a router removed its mount path. */
  readonly originalUrl?: unknown
}

export const urlOf = (request: ParsedRequest): string =>
  typeof request.originalUrl === "string" ? request.originalUrl : (request.url ?? "/")

const hasBody = (request: IncomingMessage): boolean =>
  request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0

const isJson = (request: IncomingMessage): boolean =>
  /^application\/(?:[\w.+-]+\+)?json\b/i.test(request.headers["content-type"] ?? "")

/** Returns the bytes of a consumed body; undefined if they are lost. */
const bytesRead = (request: ParsedRequest): Uint8Array | undefined => {
  for (const kept of [request.rawBody, request.body]) {
    if (kept instanceof Uint8Array) return kept
    if (typeof kept === "string") return Buffer.from(kept)
  }
  if (isJson(request) && request.body !== undefined) return Buffer.from(JSON.stringify(request.body))
  return undefined
}

/** Returns a copy of the request with its body. */
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
  "The request's body was consumed by earlier middleware. Mount this handler before body parsers, or let them keep `rawBody`."

/**
 * Returns the request with this URL and a readable body; undefined if the body is lost. Sets `url` in place if the body was
 * not consumed.
 */
export const restoreBody = (request: ParsedRequest, url: string): IncomingMessage | undefined => {
  // Some parsers set an empty `body` without reading: only the stream's state counts.
  if (!hasBody(request) || !(request.readableDidRead || request.readableEnded)) {
    request.url = url
    return request
  }
  const bytes = bytesRead(request)
  return bytes === undefined ? undefined : withBody(request, url, bytes)
}
