/**
 * Authenticates app servers: by the app's id and its master key, or a digest of the key with a time. Source: the service's
 * public documentation of its REST API, "Request format".
 */
import { textBytes } from "@parley/core/Utf8"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Digest from "effect/crypto/Digest"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { App } from "./apps.ts"
import type { Deps, HandlerFailure } from "./context.ts"
import { Code, fail } from "./errors.ts"

/** Milliseconds for which a digest is accepted, before and after its time, as for signatures of clients. */
const VALIDITY = 6 * 60 * 60 * 1000
const MAX_HEADER = 512
/** Marks the key as the master key. */
const MASTER = "master"

export interface AppServer {
  readonly appId: string
  readonly app: App
}

/** Returns the app that a request names; refused with 4100 if there is none. */
export const namedApp = Effect.fnUntraced(function* (
  { apps }: Pick<Deps, "apps">,
  { headers }: HttpServerRequest
): Effect.fn.Return<AppServer, HandlerFailure> {
  const appId = headers["x-lc-id"] ?? ""
  const app = yield* apps.find(appId)
  return app === undefined ? yield* fail(Code.appNotAvailable, "There is no such app.") : { appId, app }
})

/** Returns the app whose master key the request has; refused with 4102 for another key. */
export const authenticateApp = Effect.fnUntraced(function* (
  deps: Pick<Deps, "apps" | "digest">,
  request: HttpServerRequest
): Effect.fn.Return<AppServer, HandlerFailure> {
  const server = yield* namedApp(deps, request)
  const { key } = server.app
  const { "x-lc-key": given = "", "x-lc-sign": sign = "" } = request.headers
  const isKnown = sign === "" ? yield* isKey(deps, given, key) : yield* isSign(deps, sign, key)
  return isKnown ? server : yield* fail(Code.signatureFailed, "The request needs the app's master key.")
})

/** Compares hashes, so that the time does not depend on the key. */
const isSame = Effect.fnUntraced(function* ({ digest }: Pick<Deps, "digest">, one: string, other: string) {
  const hashOf = (text: string): Effect.Effect<string> => digest.digestHex(Digest.sha256, textBytes(text))
  return (yield* hashOf(one)) === (yield* hashOf(other))
})

const isKey = (deps: Pick<Deps, "digest">, given: string, key: string): Effect.Effect<boolean> =>
  given.length > MAX_HEADER ? Effect.succeed(false) : isSame(deps, given, `${key},${MASTER}`)

const isSign = Effect.fnUntraced(function* (
  deps: Pick<Deps, "digest">,
  sign: string,
  key: string
): Effect.fn.Return<boolean> {
  const [, given = "", time = ""] = /^([0-9a-f]{32}),(\d{1,15}),master$/.exec(sign) ?? []
  if (given === "" || Math.abs((yield* Clock.currentTimeMillis) - Number(time)) > VALIDITY) return false
  return yield* isSame(deps, given, yield* deps.digest.digestHex(Digest.md5, textBytes(time + key)))
})
