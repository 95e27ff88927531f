/**
 * The `youdu` protocol: enterprise apps that manage users, groups and files of their organisation, over HTTP, in plain JSON
 * or in an AES envelope.
 * Source: seeds/004; PROTOCOLS, "youdu".
 */
import { Blobs } from "@parley/core/Blobs"
import { type Dialect, DialectConfigError } from "@parley/core/Dialect"
import { Engine } from "@parley/core/Engine"
import { HttpPost } from "@parley/core/HttpPost"
import { Leases } from "@parley/core/Leases"
import { LogThrottle } from "@parley/core/LogThrottle"
import { OfflineQueue } from "@parley/core/OfflineQueue"
import { Sessions } from "@parley/core/Sessions"
import { integer, integerIn, Settings, text } from "@parley/core/Settings"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import * as Cipher from "effect/crypto/Cipher"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import type { HttpRoutes } from "../_http/protocolRoutes.ts"
import { transfersOf } from "../_http/Transfers.ts"
import { appCommands } from "./appCommands.ts"
import { type App, appName, DIALECT, makeApps } from "./apps.ts"
import { appUsersOf } from "./appUsers.ts"
import { callbacksOf } from "./callbacks.ts"
import { makeDepartments } from "./departments.ts"
import { makeProfiles, PROFILE } from "./profiles.ts"
import { routesOf } from "./routes.ts"
import { makeAppTokens } from "./appTokens.ts"

const settings = {
  tokenExpiry: integer(
    "youdu.tokenExpiry",
    7200,
    { min: 1, max: 31_536_000 },
    "Lifetime of an access token from `gettoken`, in seconds."
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
    "Minimum number of members of a new session, including its creator."
  ),
  token: text(
    "youdu.token",
    "",
    "Access token for plain JSON with access to all groups, at least 32 characters; empty for none."
  ),
  callbackTimeout: integer(
    "youdu.callbackTimeout",
    10,
    { min: 1, max: 300 },
    "Seconds within which an app's callback must respond."
  ),
  callbackRetry: integer(
    "youdu.callbackRetry",
    300,
    { min: 1, max: 86_400 },
    "Maximum number of seconds between two attempts of a callback that fails; the first retry is after one second, and each further delay is twice as long."
  )
}

/** Minimum length of the configured token, in characters; shorter ones could be guessed. */
const MIN_TOKEN_LENGTH = 32

const DEMO: App = {
  buin: 14797363,
  appId: "yd-demo",
  key: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
  organisation: 1
}

type Requirements =
  | Blobs
  | Digest.Digest
  | Engine
  | Leases
  | OfflineQueue
  | SecureRandom.SecureRandom
  | Sessions
  | Store
  | Users

/** The `youdu` protocol, for `createParley` and `serve`. */
export const dialect: Dialect<HttpRoutes, Requirements, DialectConfigError> = {
  name: "youdu",
  settings: Object.values(settings),
  open: Effect.fnUntraced(function* (context) {
    const engine = yield* Engine
    const store = yield* Store
    const random = yield* SecureRandom.SecureRandom
    const digest = yield* Digest.Digest
    const cipher = yield* Cipher.Cipher.pipe(Effect.provide(Cipher.layerWebCrypto))
    const lifetime = integerIn(context.settings, settings.tokenExpiry)
    const apps = makeApps({ store, engine, cipher, random })
    const appUsers = appUsersOf({ users: yield* Users, digest, accountLimit: engine.context.settings.account })
    const callbacks = callbacksOf({
      engine,
      queue: yield* OfflineQueue,
      leases: yield* Leases,
      apps,
      appUsers,
      post: yield* HttpPost,
      digest,
      random,
      timeout: integerIn(context.settings, settings.callbackTimeout),
      maxDelay: integerIn(context.settings, settings.callbackRetry)
    })
    const tokens = makeAppTokens({ store, engine, random, digest, lifetime })
    const configuredToken = String(context.settings[settings.token.key] ?? settings.token.default)
    if (configuredToken !== "" && configuredToken.length < MIN_TOKEN_LENGTH) {
      return yield* new DialectConfigError({
        message: `${settings.token.key} must have at least ${MIN_TOKEN_LENGTH} characters`
      })
    }
    const engineSettings = yield* Settings
    engine.context.userRecords.push({ dialect: DIALECT, kind: PROFILE })
    const departments = makeDepartments(store, engine)
    const routes = routesOf({
      engine,
      store,
      random,
      users: yield* Users,
      profiles: makeProfiles(store),
      departments,
      blobs: yield* Blobs,
      transfers: transfersOf(engine, engineSettings),
      apps,
      appUsers,
      tokens,
      lifetime,
      settings: engineSettings,
      log: yield* LogThrottle,
      sessions: yield* Sessions,
      configuredTokenHash: configuredToken === "" ? undefined : yield* tokens.hashOf(configuredToken),
      lengths: {
        title: integerIn(context.settings, settings.title),
        account: integerIn(context.settings, settings.account)
      },
      minMembers: integerIn(context.settings, settings.minMembers)
    })
    return {
      endpoints: [{ _tag: "Http", ...routes }],
      commands: [...appCommands({ apps, appUsers, stateOf: callbacks.stateOf }), ...departments.commands],
      background: callbacks.run,
      demo: Effect.asVoid(Effect.orDie(apps.add(DEMO))),
      removeDemo: Effect.gen(function* () {
        const name = appName(DEMO.buin, DEMO.appId)
        if ((yield* apps.listed).get(name)?.key !== DEMO.key) return []
        yield* apps.remove(name)
        yield* Effect.mapError(appUsers.disable(DEMO), () => `the user of the app ${name} could not be disabled`)
        return [`the app ${DEMO.appId} of youdu`]
      })
    }
  })
}
