/**
 * Somebody else's sessions, as a port: an application that has logins of its own (a cookie, a JWT, a header of a proxy)
 * tells from what a request carries who sends it. It is asked where no token of a protocol is shown: for HTTP requests,
 * and when a WebSocket client logs in without a password.
 *
 * Browsers send cookies with whatever page asks them to. What comes from a page of another origin is therefore never
 * taken for the user whose cookies it carries, unless that origin is among `origins`.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import { type Refused, refuse } from "../model/Refused.ts"

/** What a request carries, or the upgrade that a WebSocket began with. */
export interface RequestInfo {
  readonly kind: "http" | "websocket"
  /** `GET`, `POST`, … */
  readonly method: string
  /** Path and query, as sent. */
  readonly url: string
  /** By lower-case name; of several values the transport's joining. */
  readonly headers: ReadonlyMap<string, string>
  /** Names and values behind `?`; of several values the last. */
  readonly query: ReadonlyMap<string, string>
  /** The client's address without its port, in its usual form (`ClientAddress`); "" where it is not known. */
  readonly address: string
}

/**
 * Who somebody is: their id in the external directory, as a string; where there is none, their integer id here, as a
 * number. Undefined or null: nobody who is known.
 */
export type Identity = string | number | null | undefined

export interface Authenticator {
  /** Who sends this. What it fails with is logged, and means nobody. */
  readonly authenticate?: (carried: RequestInfo) => Effect.Effect<Identity, unknown>
  /**
   * Whose account and plain password these are, where a protocol sends a plain password: `POST /auth/login`. Clients of
   * xuanxuan send an md5, which only `Credentials.mint` serves. What it fails with is logged, and refused with
   * `Unavailable`. Failed attempts are throttled before it is asked.
   */
  readonly verifyPassword?: (account: string, password: string) => Effect.Effect<Identity, unknown>
  /**
   * Origins (`https://app.example`, as browsers write them) beside the server's own whose pages may open WebSockets, read
   * answers (CORS), and act for the user whom `authenticate` finds; `any` lets every page on the web do so. None by default.
   */
  readonly origins?: ReadonlyArray<string> | "any"
  /** Milliseconds that one question may take; 5,000 by default. */
  readonly timeout?: number
}

/** The authenticator in use; by default there is none. */
export const Authenticator: Context.Reference<Authenticator> = Context.Reference<Authenticator>(
  "@parley/core/Authenticator",
  { defaultValue: () => ({}) }
)

/** Milliseconds that one question may take, unless the authenticator says otherwise. */
export const DEFAULT_TIMEOUT = 5000

/**
 * Whether a page of another origin sent this, as far as browsers tell: by `Origin`, or by `Sec-Fetch-Site` where a
 * browser sends no `Origin`. What no browser sent is not foreign. A host is compared without its scheme, since a proxy
 * may have ended the TLS. HTTP/2 has it as `:authority`; where it is not known at all, every origin is foreign.
 */
export const isCrossOrigin = (
  { headers }: { readonly headers: { readonly get: (name: string) => string | null | undefined } },
  { origins = [] }: Pick<Authenticator, "origins">
): boolean => {
  if (origins === "any") return false
  const origin = headers.get("origin") ?? undefined
  if (origin === undefined) return headers.get("sec-fetch-site") === "cross-site"
  const own = (headers.get("host") ?? headers.get(":authority"))?.toLowerCase()
  return !origins.includes(origin) && (own === undefined || hostOf(origin) !== own)
}

/** A foreign page may not act for whoever's cookies it carries. */
export const crossOriginRefusal: Refused = refuse({
  _tag: "Vetoed",
  code: "foreign_origin",
  message: "A page of this origin may not act for you here."
})

/** `null`, which sandboxed pages have for an origin, is nobody's host. */
const hostOf = (origin: string): string | undefined => /^https?:\/\/([^/]+)$/.exec(origin.toLowerCase())?.[1]
