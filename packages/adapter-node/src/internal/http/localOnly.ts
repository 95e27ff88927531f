/** Restricts a demonstration to requests from this machine. */
import { isForwarded, isLoopbackAddress } from "@parley/core/ClientAddress"
import type { IncomingHttpHeaders } from "node:http"

export const NOT_LOCAL = "This server runs a demonstration and accepts direct requests from its own machine only."

/** Whether a host is `localhost`, `127.0.0.1:8080`, `[::1]`; another name that resolves to this machine is not. */
const isLocalName = (host: string): boolean => {
  const name = host.toLowerCase().replace(/:[0-9]+$/, "")
  if (name === "localhost" || name.endsWith(".localhost")) return true
  return isLoopbackAddress(name.startsWith("[") && name.endsWith("]") ? name.slice(1, -1) : name)
}

/**
 * Whether a request comes directly from this machine, for a name of this machine. `peer` is the peer's address; if it is
 * unknown, only the headers are checked. Checking `Host` prevents DNS rebinding: a page whose name resolves to 127.0.0.1
 * is refused.
 */
export const isLocal = (peer: string | undefined, headers: IncomingHttpHeaders = {}): boolean => {
  if (peer !== undefined && !isLoopbackAddress(peer)) return false
  if (isForwarded(Object.keys(headers))) return false
  const host = headers.host ?? headers[":authority"]
  return host === undefined || isLocalName(String(host))
}
