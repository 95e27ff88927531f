/**
 * Pages of other origins: CORS does not apply to WebSockets, so the server refuses their upgrades. A page cannot see why,
 * so the same reason is served to it by a plain GET of the WebSocket's path.
 */
import { type Authenticator, type ForwardedOrigin, isCrossOrigin } from "@parley/core/Authenticator"
import { isForwarded, networkOf } from "@parley/core/ClientAddress"
import type { LogThrottling } from "@parley/core/LogThrottle"
import type { HeaderOf } from "./requestHead.ts"

/** Maximum number of characters of a header in a log line. */
const MAX_LOGGED = 100

const PROTOCOLS: Readonly<Record<string, "http" | "https">> = { http: "http", https: "https", ws: "http", wss: "https" }

/** Of several values, the first is that of the proxy which the client addressed. Pages cannot set these headers. */
const firstOf = (header: string | undefined): string | undefined => {
  const first = header?.split(",", 1)[0]?.trim().toLowerCase()
  return first === "" ? undefined : first
}

/** Returns the host and the scheme that a trusted proxy has reported. */
export const forwardedOrigin = (header: HeaderOf): ForwardedOrigin => {
  const host = firstOf(header("x-forwarded-host"))
  const protocol = PROTOCOLS[firstOf(header("x-forwarded-proto")) ?? ""]
  return { ...(host !== undefined && { host }), ...(protocol !== undefined && { protocol }) }
}

/** Checks the origins of pages that open WebSockets. */
export class PageOrigins {
  readonly #authenticator: Authenticator
  readonly #isTrusted: (peer: string | undefined) => boolean
  readonly #throttle: LogThrottling

  constructor(authenticator: Authenticator, isTrusted: (peer: string | undefined) => boolean, throttle: LogThrottling) {
    this.#authenticator = authenticator
    this.#isTrusted = isTrusted
    this.#throttle = throttle
  }

  /** Returns what trusted proxies have reported of the client's request. */
  forwarded(peer: string | undefined, header: HeaderOf): ForwardedOrigin {
    return this.#isTrusted(peer) ? forwardedOrigin(header) : {}
  }

  /** Returns why a page's request is refused, or undefined. */
  refusal(peer: string | undefined, header: HeaderOf): string | undefined {
    const request = { headers: { get: header }, forwarded: this.forwarded(peer, header) }
    if (!isCrossOrigin(request, this.#authenticator)) return undefined
    const origin = (header("origin") ?? "another site").slice(0, MAX_LOGGED)
    return `Pages of ${origin} may not connect: it is neither this server's origin nor in its option origins.`
  }

  /** Logs a refused upgrade, with the option that allows it. */
  note(peer: string | undefined, header: HeaderOf, address: string, names: Iterable<string>): void {
    const { host = header("host") ?? "" } = this.forwarded(peer, header)
    const isBehindProxy = isForwarded(names) && !this.#isTrusted(peer)
    this.#throttle.note({
      key: `page refused ${networkOf(address)}`,
      level: "Warn",
      message: isBehindProxy
        ? "a page's WebSocket was refused: its origin is not the server's own host, and not in the option origins; a proxy's X-Forwarded-Host counts only if the option trustedProxies has the proxy"
        : "a page's WebSocket was refused: its origin is not the server's own host, and not in the option origins",
      details: { origin: (header("origin") ?? "").slice(0, MAX_LOGGED), host: host.slice(0, MAX_LOGGED), address }
    })
  }

  /**
   * Returns why the upgrades of a page are refused that sends a GET to the WebSocket's path. Requests of a page's own origin
   * have no `Origin`, so the client adds it as the parameter `origin`.
   */
  explained(peer: string | undefined, url: string, header: HeaderOf): string | undefined {
    const at = url.indexOf("?")
    const given = at < 0 ? null : new URLSearchParams(url.slice(at)).get("origin")
    return this.refusal(peer, (name) => header(name) ?? (name === "origin" ? (given ?? undefined) : undefined))
  }
}

/** Headers of the reason: every page may read it, since it has no user. */
export const REFUSAL_HEADERS = { "access-control-allow-origin": "*", "cache-control": "no-store" } as const
