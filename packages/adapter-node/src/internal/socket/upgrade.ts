/** Handshake of a WebSocket upgrade, for dialects and the embedder's authenticator. */
import type { Authenticator, ForwardedOrigin, RequestInfo } from "@parley/core/Authenticator"
import type { Handshake } from "@parley/core/Connection"
import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"

const requestInfo = (
  request: IncomingMessage,
  url: string,
  query: Handshake["query"],
  address: string,
  forwarded: ForwardedOrigin
): RequestInfo => ({
  kind: "websocket",
  method: request.method ?? "GET",
  url,
  headers: new Map(
    Object.entries(request.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(", ") : value] as const]
    )
  ),
  query,
  address,
  forwarded,
  source: request
})

/** `url`: path and query; `address`: the client's. The request is kept only if there is an authenticator. */
export const handshakeOf = (
  request: IncomingMessage,
  url: string,
  address: string,
  forwarded: ForwardedOrigin,
  { authenticate }: Authenticator
): Handshake => {
  const at = url.indexOf("?")
  const query = new Map(at < 0 ? [] : new URLSearchParams(url.slice(at)))
  return authenticate === undefined
    ? { query }
    : { query, request: requestInfo(request, url, query, address, forwarded) }
}

/** Refuses an upgrade with a reason, and ends its socket. */
export const refuse = (
  socket: Duplex,
  status: "403 Forbidden" | "404 Not Found" | "500 Internal Server Error" | "503 Service Unavailable",
  message?: string
): void => {
  const body = message === undefined ? "" : JSON.stringify({ message })
  const type = message === undefined ? "" : "content-type: application/json; charset=utf-8\r\n"
  const head = `HTTP/1.1 ${status}\r\nconnection: close\r\n${type}content-length: ${Buffer.byteLength(body)}\r\n\r\n`
  socket.end(head + body, () => socket.destroy())
}
