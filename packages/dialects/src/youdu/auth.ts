/**
 * Authenticates by the `accessToken` in the query: an app with an envelope; or, with plain JSON, a system administrator's
 * session or the configured token; without a token, a system administrator that the embedder's authenticator returns.
 * Source: PROTOCOLS, "youdu".
 */
import type { Payer } from "@parley/core/RateLimits"
import { type Refused, refuse } from "@parley/core/Refused"
import type { AppScope } from "@parley/core/rules/AppScope"
import type { Sessions } from "@parley/core/Sessions"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Hex from "effect/encoding/Hex"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Result from "effect/Result"
import { type Fields, text } from "../_http/fields.ts"
import type { Query } from "../_http/query.ts"
import { authenticate } from "../_http/authenticate.ts"
import { appName, type Apps, DIALECT, type AppWithCipher } from "./apps.ts"
import { readBuin } from "./params.ts"
import type { AppTokens } from "./appTokens.ts"

export interface Principal {
  /** App whose envelope is used; undefined for plain JSON. */
  readonly app: AppWithCipher | undefined
  readonly scope: AppScope
  /** Charged for requests: the app, the user of the session, or the protocol for the configured token. */
  readonly payer: Payer
}

export const payerOf = (app: AppWithCipher): Payer => `${DIALECT}:${app.name}`

export interface AuthDeps {
  readonly apps: Apps
  readonly tokens: AppTokens
  readonly sessions: Sessions["Service"]
  /** Hash of the configured token, if any. */
  readonly configuredTokenHash: string | undefined
}

/** Maximum clock skew of an app, in ms. */
const MAX_CLOCK_SKEW = 300_000

/** Returns the app of an access token; undefined if it is not one of an app, or not valid. */
export const appOfToken = Effect.fnUntraced(function* (
  { apps, tokens }: AuthDeps,
  token: string
): Effect.fn.Return<AppWithCipher | undefined, Refused> {
  // Tokens of a removed app are invalid.
  const name = yield* tokens.appOf(token)
  return name === undefined ? undefined : yield* apps.find(name)
})

export const authenticateRequest = Effect.fnUntraced(function* (
  deps: AuthDeps,
  request: HttpServerRequest,
  query: Query
): Effect.fn.Return<Principal, Refused> {
  const { tokens, sessions, configuredTokenHash } = deps
  const token = query.get("accessToken") ?? ""
  const app = yield* appOfToken(deps, token)
  if (app !== undefined) return { app, scope: { organisation: app.organisation }, payer: payerOf(app) }
  // Compares hashes, so that timing reveals nothing about the token.
  if (configuredTokenHash !== undefined && token !== "" && (yield* tokens.hashOf(token)) === configuredTokenHash) {
    return { app: undefined, scope: "everywhere", payer: DIALECT }
  }
  // A chat login's sid authenticates its user only; application tokens come from `/auth/login` and have this kind.
  if (token !== "" && (yield* sessions.resume(token))?.session.kind !== "token") {
    return yield* refuse({ _tag: "NotLoggedIn" })
  }
  const user = yield* authenticate(sessions, request, query, { token })
  if (user === undefined) return yield* refuse({ _tag: "NotLoggedIn" })
  if (!user.admin) return yield* refuse({ _tag: "Forbidden", requires: "system administrators" })
  return { app: undefined, scope: "everywhere", payer: user.id }
})

/** Seconds since 1970, in digits. */
const SECONDS = /^[0-9]{1,12}$/

/**
 * Returns the last block of a sealed text, which depends on all others and cannot be computed without the key. The cipher
 * has no MAC: anyone who has seen a text can change its first block, and thereby the time, but not the last block.
 */
const fingerprintOf = (sealed: string): string => {
  const bytes = Result.getOrElse(Base64.decode(sealed), () => new Uint8Array(0))
  return Hex.encode(bytes.slice(-16))
}

/**
 * `gettoken`: the app proves possession of its key by sealing the time. Returns its token and the app; undefined if buin,
 * appId, key or time is wrong, or the sealed text was used before. Callers cannot distinguish these cases.
 */
export const issueToken = Effect.fnUntraced(function* (
  { apps, tokens }: AuthDeps,
  fields: Fields
): Effect.fn.Return<{ readonly app: AppWithCipher; readonly token: string } | undefined, Refused> {
  const buin = yield* readBuin(fields)
  const appId = yield* text(fields, "appId")
  const encrypt = yield* text(fields, "encrypt")
  const app = yield* apps.find(appName(buin, appId))
  if (app === undefined) return undefined
  const time = yield* Effect.catch(app.envelope.open(encrypt), () => Effect.succeed(""))
  const at = Number(time.trim()) * 1000
  const skew = Math.abs(at - (yield* Clock.currentTimeMillis))
  if (!SECONDS.test(time.trim()) || skew > MAX_CLOCK_SKEW) return undefined
  const token = yield* tokens.issue(app.name, { fingerprint: fingerprintOf(encrypt), expiresAt: at + MAX_CLOCK_SKEW })
  return token === undefined ? undefined : { app, token }
})
