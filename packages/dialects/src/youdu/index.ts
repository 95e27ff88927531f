/**
 * The `youdu` protocol: enterprise apps that manage groups for users, over HTTP, in plain JSON or in an AES envelope.
 * Source: seeds/004; PROTOCOLS, "youdu".
 */
import { type Dialect, DialectConfigError } from "@parley/core/Dialect"
import { Engine } from "@parley/core/Engine"
import { LogThrottle } from "@parley/core/LogThrottle"
import { Sessions } from "@parley/core/Sessions"
import { integer, integerIn, Settings, text } from "@parley/core/Settings"
import { Store } from "@parley/core/Store"
import * as Cipher from "effect/crypto/Cipher"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import type { HttpRoutes } from "../_http/protocolRoutes.ts"
import { type App, makeApps } from "./apps.ts"
import { routesOf } from "./routes.ts"
import { makeAppTokens } from "./appTokens.ts"

const settings = {
  tokenExpiry: integer(
    "youdu.tokenExpiry",
    7200,
    { min: 1, max: 31_536_000 },
    "Seconds after which a token that an app got by `gettoken` expires."
  ),
  title: integer(
    "youdu.title",
    64,
    { min: 1, max: 10_000 },
    "Maximum length of a session's title, in characters; `limits.name` applies as well."
  ),
  account: integer(
    "youdu.account",
    64,
    { min: 1, max: 255 },
    "Maximum length of an account that a request names (`creator`, `opUser`, members), in characters."
  ),
  minMembers: integer(
    "youdu.minMembers",
    3,
    { min: 1, max: 1000 },
    "Minimum number of members of a new session, with its creator."
  ),
  token: text(
    "youdu.token",
    "",
    "An access token for plain JSON that reaches all groups, of at least 32 characters; empty for none."
  )
}

/** Shorter ones could be guessed. */
const TOKEN_LENGTH = 32

const DEMO: App = {
  buin: 14797363,
  appId: "yd-demo",
  key: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
  organisation: 1
}

type Requirements = Digest.Digest | Engine | SecureRandom.SecureRandom | Sessions | Store

/** The `youdu` protocol, for `createParley` and `serve`. */
export const dialect: Dialect<HttpRoutes, Requirements, DialectConfigError> = {
  name: "youdu",
  settings: Object.values(settings),
  open: Effect.fnUntraced(function* (site) {
    const engine = yield* Engine
    const store = yield* Store
    const random = yield* SecureRandom.SecureRandom
    const digest = yield* Digest.Digest
    const cipher = yield* Cipher.Cipher.pipe(Effect.provide(Cipher.layerWebCrypto))
    const lifetime = integerIn(site.settings, settings.tokenExpiry)
    const apps = makeApps({ store, engine, cipher, random })
    const tokens = makeAppTokens({ store, engine, random, digest, lifetime })
    const fixed = String(site.settings[settings.token.key] ?? settings.token.default)
    if (fixed !== "" && fixed.length < TOKEN_LENGTH) {
      return yield* new DialectConfigError({
        message: `${settings.token.key} must have at least ${TOKEN_LENGTH} characters`
      })
    }
    const routes = routesOf({
      engine,
      random,
      apps,
      tokens,
      lifetime,
      settings: yield* Settings,
      log: yield* LogThrottle,
      sessions: yield* Sessions,
      fixed: fixed === "" ? undefined : yield* tokens.hashOf(fixed),
      lengths: { title: integerIn(site.settings, settings.title), account: integerIn(site.settings, settings.account) },
      atLeast: integerIn(site.settings, settings.minMembers)
    })
    return {
      endpoints: [{ _tag: "Http", ...routes }],
      commands: apps.commands,
      demo: apps.ensure(DEMO),
      removeDemo: Effect.map(apps.remove(DEMO), (there) => (there ? [`the app ${DEMO.appId} of youdu`] : []))
    }
  })
}
