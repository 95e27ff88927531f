/**
 * Who asks, by the `accessToken` in the query: an app that speaks the envelope, or somebody who speaks plain JSON, by the
 * session of a system administrator or by the token of the configuration; without a token, a system administrator whom the
 * embedder's authenticator knows. Source: PROTOCOLS, "youdu".
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
import { appName, type Apps, DIALECT, type OpenApp } from "./apps.ts"
import { buinIn } from "./params.ts"
import type { AppTokens } from "./appTokens.ts"

export interface Access {
  /** Whose envelope it is; nothing for plain JSON. */
  readonly app: OpenApp | undefined
  readonly scope: AppScope
  /** Who pays for what is asked: the app, or the user whose session it is. */
  readonly payer: Payer
}

export const payerOf = (app: OpenApp): Payer => `${DIALECT}:${app.name}`

export interface AuthDeps {
  readonly apps: Apps
  readonly tokens: AppTokens
  readonly sessions: Sessions["Service"]
  /** The hash of the configuration's token, where there is one. */
  readonly fixed: string | undefined
}

/** Milliseconds by which an app's clock may be off. */
const TOLERANCE = 300_000

export const authenticateApp = Effect.fnUntraced(function* (
  { apps, tokens, sessions, fixed }: AuthDeps,
  request: HttpServerRequest,
  query: Query
): Effect.fn.Return<Access, Refused> {
  const token = query.get("accessToken") ?? ""
  // A token of a removed app is dead with it.
  const name = yield* tokens.appOf(token)
  const app = name === undefined ? undefined : yield* apps.find(name)
  if (app !== undefined) return { app, scope: { organisation: app.organisation }, payer: payerOf(app) }
  // Hashes are compared: how long that takes tells nothing of the token.
  if (fixed !== undefined && token !== "" && (yield* tokens.hashOf(token)) === fixed) {
    return { app: undefined, scope: "everywhere", payer: DIALECT }
  }
  // The sid of a chat login speaks for its user alone: an application token comes from `/auth/login`, and says so.
  if (token !== "" && (yield* sessions.resume(token))?.session.kind !== "token") {
    return yield* refuse({ _tag: "NotLoggedIn" })
  }
  const user = yield* authenticate(sessions, request, query, { token })
  if (user === undefined) return yield* refuse({ _tag: "NotLoggedIn" })
  if (!user.admin) return yield* refuse({ _tag: "Forbidden", requires: "system administrators" })
  return { app: undefined, scope: "everywhere", payer: user.id }
})

/** Digits of seconds since 1970. */
const SECONDS = /^[0-9]{1,12}$/

/**
 * What a sealed text is known by: its last block, which depends on all others and cannot be made without the key. The
 * cipher has no MAC, so whoever has seen a text can change its first block, and with it the time, but not this.
 */
const fingerprintOf = (sealed: string): string => {
  const bytes = Result.getOrElse(Base64.decode(sealed), () => new Uint8Array(0))
  return Hex.encode(bytes.slice(-16))
}

/**
 * `gettoken`: the app proves that it has its key by sealing the time. Answers its token and the app; nothing where buin,
 * appId, key or time are not right, or the sealed text was used before, which is never told apart.
 */
export const tokenFor = Effect.fnUntraced(function* (
  { apps, tokens }: AuthDeps,
  fields: Fields
): Effect.fn.Return<{ readonly app: OpenApp; readonly token: string } | undefined, Refused> {
  const buin = yield* buinIn(fields)
  const appId = yield* text(fields, "appId")
  const encrypt = yield* text(fields, "encrypt")
  const app = yield* apps.find(appName(buin, appId))
  if (app === undefined) return undefined
  const time = yield* Effect.catch(app.sealing.open(encrypt), () => Effect.succeed(""))
  const at = Number(time.trim()) * 1000
  const off = Math.abs(at - (yield* Clock.currentTimeMillis))
  if (!SECONDS.test(time.trim()) || off > TOLERANCE) return undefined
  const token = yield* tokens.issue(app.name, { mark: fingerprintOf(encrypt), until: at + TOLERANCE })
  return token === undefined ? undefined : { app, token }
})
