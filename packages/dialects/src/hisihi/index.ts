/**
 * The `hisihi` protocol: HTTP for apps of schools and other organisations whose messages a hosted IM service delivers.
 * Source: seeds/001; PROTOCOLS, "hisihi".
 */
import { type Dialect, DialectConfigError } from "@parley/core/Dialect"
import { Engine } from "@parley/core/Engine"
import { Sessions } from "@parley/core/Sessions"
import { integer, Settings, integerIn } from "@parley/core/Settings"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import type { HttpRoutes } from "../_http/protocolRoutes.ts"
import { addDemoApps, appCommands, removeDemoApps, toCommandErrors } from "./apps.ts"
import { authSetting, makeAuthenticate } from "./auth.ts"
import { clientsOf, newUsersSetting } from "./clients.ts"
import { addDemoClass, classCommands, makeMarkBroadcast } from "./organizations.ts"
import { DIALECT, Records } from "./records.ts"
import { routesOf } from "./routes.ts"
import { timestampFormats, timestampSetting } from "./signatures.ts"

const settings = {
  auth: authSetting,
  newUsers: newUsersSetting,
  timestamp: timestampSetting,
  perPage: integer(
    "hisihi.perPage",
    20,
    { min: 1, max: 100_000 },
    "Default `per_page`, in groups; at most `hisihi.maxPerPage`."
  ),
  maxPerPage: integer(
    "hisihi.maxPerPage",
    1000,
    { min: 1, max: 100_000 },
    "Maximum `per_page` of a request, in groups."
  )
}

type Requirements = Engine | Sessions | Store | Users | SecureRandom.SecureRandom

/** The `hisihi` protocol, for `createParley` and `serve`. */
export const dialect: Dialect<HttpRoutes, Requirements, DialectConfigError> = {
  name: DIALECT,
  settings: Object.values(settings),
  open: Effect.fnUntraced(function* (context) {
    const authenticate = yield* makeAuthenticate(context, yield* Sessions)
    const engine = yield* Engine
    const newUsers = context.settings[newUsersSetting.key] === true
    if (newUsers && engine.context.visibility.isLimited) {
      return yield* new DialectConfigError({
        message:
          "hisihi.newUsers=true adds unknown accounts, which shows whether an account is taken; with a visibility other than all, start with --set hisihi.newUsers=false"
      })
    }
    const random = yield* SecureRandom.SecureRandom
    const maxPerPage = integerIn(context.settings, settings.maxPerPage)
    const records = new Records(yield* Store, engine)
    const routes = routesOf({
      engine,
      random,
      records,
      perPage: { default: Math.min(maxPerPage, integerIn(context.settings, settings.perPage)), max: maxPerPage },
      authenticate,
      settings: yield* Settings,
      clients: clientsOf(engine, yield* Users, newUsers),
      signing: {
        random,
        mac: yield* Effect.provide(Mac.Mac, Mac.layerWebCrypto),
        timestamp: timestampFormats.find((one) => one === context.settings[timestampSetting.key]) ?? "documented"
      },
      markBroadcast: makeMarkBroadcast(records)
    })
    return {
      endpoints: [{ _tag: "Http", ...routes }],
      commands: [...appCommands(records, random), ...classCommands(records)],
      demo: Effect.orDie(Effect.andThen(addDemoApps(records), addDemoClass(records))),
      removeDemo: Effect.map(toCommandErrors(removeDemoApps(records)), (ids) =>
        ids.map((id) => `the app ${id} of hisihi`)
      )
    }
  })
}
