/** Requests from this machine alone: what a demonstration takes. */
import { isForwarded, isLoopbackAddress } from "@parley/core/ClientAddress"
import type { IncomingHttpHeaders } from "node:http"

export const NOT_LOCAL =
  "This server holds a demonstration and serves programs on its own machine only, without a proxy between."

/** `localhost`, `127.0.0.1:8080`, `[::1]`: not the name of another site that resolves to this machine. */
const isLocalName = (host: string): boolean => {
  const name = host.toLowerCase().replace(/:[0-9]+$/, "")
  if (name === "localhost" || name.endsWith(".localhost")) return true
  return isLoopbackAddress(name.startsWith("[") && name.endsWith("]") ? name.slice(1, -1) : name)
}

/**
 * Whether a request comes from this machine, directly, for a name of this machine. `peer` is the address that has
 * connected; where a host does not know it, the headers decide. Browsers send the name of the page's site as `Host`, so
 * that a page whose name was made to resolve to 127.0.0.1 is refused.
 */
export const isLocal = (peer: string | undefined, headers: IncomingHttpHeaders = {}): boolean => {
  if (peer !== undefined && !isLoopbackAddress(peer)) return false
  if (isForwarded(Object.keys(headers))) return false
  const host = headers.host ?? headers[":authority"]
  return host === undefined || isLocalName(String(host))
}
