/**
 * The `hisihi` protocol: HTTP for the app of a school or another organisation whose messages a hosted IM service carries.
 * Source: seeds/001; PROTOCOLS, "hisihi".
 */
import { type Dialect, type DialectConfigError } from "@parley/core/Dialect"
import { Engine } from "@parley/core/Engine"
import { Sessions } from "@parley/core/Sessions"
import { integer, Settings, integerIn } from "@parley/core/Settings"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import type { HttpRoutes } from "../_http/protocolRoutes.ts"
import { addDemoApps, appCommands, removeDemoApps, withCommandErrors } from "./apps.ts"
import { authenticators, authSetting } from "./auth.ts"
import { clientsOf, newUsersSetting } from "./clients.ts"
import { addDemoClass, classCommands, markingBroadcasts } from "./organizations.ts"
import { DIALECT, Records } from "./records.ts"
import { routesOf } from "./routes.ts"

const settings = {
  auth: authSetting,
  newUsers: newUsersSetting,
  perPage: integer(
    "hisihi.perPage",
    20,
    { min: 1, max: 100_000 },
    "Number of groups on a page for a request without `per_page`; not above `hisihi.maxPerPage`."
  ),
  maxPerPage: integer(
    "hisihi.maxPerPage",
    1000,
    { min: 1, max: 100_000 },
    "Maximum `per_page` of a request, in groups."
  )
}

type Requirements = Engine | Sessions | Store | Users | SecureRandom.SecureRandom

export const dialect: Dialect<HttpRoutes, Requirements, DialectConfigError> = {
  name: DIALECT,
  settings: Object.values(settings),
  open: Effect.fnUntraced(function* (site) {
    const authenticate = yield* authenticators(site, yield* Sessions)
    const engine = yield* Engine
    const random = yield* SecureRandom.SecureRandom
    const most = integerIn(site.settings, settings.maxPerPage)
    const records = new Records(yield* Store, engine)
    const routes = routesOf({
      engine,
      random,
      records,
      pages: { usual: Math.min(most, integerIn(site.settings, settings.perPage)), most },
      authenticate,
      settings: yield* Settings,
      clients: clientsOf(engine, yield* Users, site.settings[newUsersSetting.key] === true),
      signing: { random, mac: yield* Effect.provide(Mac.Mac, Mac.layerWebCrypto) },
      markBroadcast: markingBroadcasts(records)
    })
    return {
      endpoints: [{ _tag: "Http", ...routes }],
      commands: [...appCommands(records, random), ...classCommands(records)],
      demo: Effect.orDie(Effect.andThen(addDemoApps(records), addDemoClass(records))),
      removeDemo: Effect.map(withCommandErrors(removeDemoApps(records)), (ids) =>
        ids.map((id) => `the app ${id} of hisihi`)
      )
    }
  })
}
