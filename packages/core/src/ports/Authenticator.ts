/**
 * Port: an application's own sessions. An application with its own logins (a cookie, a JWT, a header of a proxy)
 * identifies the sender of a request. It is called if the request has no token of a protocol: for HTTP requests, and
 * when a WebSocket client logs in without a password.
 *
 * Browsers attach cookies to requests from any page. A request from a page of another origin is therefore never
 * attributed to the user whose cookies it carries, unless that origin is among `origins`.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import { type Refused, refuse } from "../model/Refused.ts"
import { allowsOrigin, type Origins } from "./Origins.ts"

/** The origin of a client's request as a trusted proxy has reported it; absent parts are unknown. */
export interface ForwardedOrigin {
  /** Host, with the port unless it is the default one: of `X-Forwarded-Host`. */
  readonly host?: string
  /** Scheme: of `X-Forwarded-Proto`. */
  readonly protocol?: "http" | "https"
}

/** The `ForwardedOrigin` of an HTTP request, as its host provides it. */
export const Forwarded: Context.Reference<ForwardedOrigin> = Context.Reference<ForwardedOrigin>(
  "@parley/core/Forwarded",
  { defaultValue: () => ({}) }
)

/**
 * The host's own object of an HTTP request (`RequestInfo.source`), as its host provides it; undefined if it has none.
 */
export const RequestSource: Context.Reference<unknown> = Context.Reference<unknown>("@parley/core/RequestSource", {
  defaultValue: () => undefined
})

/** An HTTP request, or the upgrade request of a WebSocket, without its body. */
export interface RequestInfo {
  /** Whether it is an HTTP request, or the upgrade request of a WebSocket. */
  readonly kind: "http" | "websocket"
  /** `GET`, `POST`, … */
  readonly method: string
  /** Path and query, as sent. */
  readonly url: string
  /** By lower-case name; repeated headers as joined by the transport. */
  readonly headers: ReadonlyMap<string, string>
  /** Query parameters; of repeated ones the last. */
  readonly query: ReadonlyMap<string, string>
  /** The client's address without its port, in its usual form (`ClientAddress`); "" if unknown. */
  readonly address: string
  /** The origin that a trusted proxy has reported. */
  readonly forwarded?: ForwardedOrigin
  /**
   * The host's own object of the request, with the properties that its middleware has set (`session`, `user`): on Node an
   * `IncomingMessage`, with `fetch` the `Request`. Undefined if the host has none.
   */
  readonly source?: unknown
}

/**
 * A user's id in the external directory, as a string; without a directory, their integer id here, as a number.
 * Undefined or null for an unknown user.
 */
export type Identity = string | number | null | undefined

export interface Authenticator {
  /** Returns the sender of the request. Failures are logged, and count as an unknown user. */
  readonly authenticate?: (request: RequestInfo) => Effect.Effect<Identity, unknown>
  /**
   * Returns the owner of an account and a plain password, for protocols that send one: `POST /auth/login`. Clients of
   * xuanxuan send an md5, which only `Credentials.mint` serves. Failures are logged and refused with `Unavailable`.
   * Failed attempts are throttled before this is called.
   */
  readonly verifyPassword?: (account: string, password: string) => Effect.Effect<Identity, unknown>
  /**
   * Origins (`https://app.example`, as browsers write them) beside the server's own whose pages may open WebSockets,
   * read replies (CORS), and act for the user whom `authenticate` returns; `any` allows every page on the web. Empty by
   * default.
   */
  readonly origins?: Origins
  /** Timeout of one call in milliseconds; 5,000 by default. */
  readonly timeout?: number
}

/** The authenticator in use; by default it has no functions. */
export const Authenticator: Context.Reference<Authenticator> = Context.Reference<Authenticator>(
  "@parley/core/Authenticator",
  { defaultValue: () => ({}) }
)

/** Default timeout of one call, in milliseconds. */
export const DEFAULT_TIMEOUT = 5000

/**
 * Returns whether a page of another origin sent the request, as far as browsers report it: by `Origin`, or by
 * `Sec-Fetch-Site` if the browser sends no `Origin`. Requests without both are not from a browser, and not
 * cross-origin. The server's own origin is that which a trusted proxy has reported (`forwarded`), otherwise `Host`, in
 * HTTP/2 `:authority`, with any scheme, since a proxy may have ended the TLS. If it is unknown, every origin is another
 * one.
 */
export const isCrossOrigin = (
  {
    headers,
    forwarded = {}
  }: {
    readonly headers: { readonly get: (name: string) => string | null | undefined }
    readonly forwarded?: ForwardedOrigin
  },
  { origins }: Pick<Authenticator, "origins">
): boolean => {
  if (origins === "any") return false
  const origin = headers.get("origin") ?? undefined
  if (origin === undefined) return headers.get("sec-fetch-site") === "cross-site"
  if (allowsOrigin(origins, origin)) return false
  const host = (forwarded.host ?? headers.get("host") ?? headers.get(":authority"))?.toLowerCase()
  return host === undefined || !isOwnOrigin(origin, host, forwarded.protocol)
}

/** Whether an origin is that of a host, which may have the default port of the scheme. `null` matches no host. */
const isOwnOrigin = (origin: string, host: string, protocol: string | undefined): boolean => {
  const [, scheme, authority] = /^(https?):\/\/([^/]+)$/.exec(origin.toLowerCase()) ?? []
  if (authority === undefined || (protocol !== undefined && scheme !== protocol)) return false
  return authority === host || `${authority}:${scheme === "https" ? 443 : 80}` === host
}

/** Refusal for a page of another origin, which may not act for the user whose cookies its request carries. */
export const crossOriginRefusal: Refused = refuse({
  _tag: "Rejected",
  code: "cross_origin",
  message: "A page of this origin may not act for you here."
})
