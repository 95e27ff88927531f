/**
 * The `hisihi` protocol: HTTP for the app of a school or another organisation whose messages a hosted IM service carries.
 * Source: seeds/001; PROTOCOLS, "hisihi".
 */
import { type Dialect, type SiteRefused } from "@parley/core/Dialect"
import { Engine } from "@parley/core/Engine"
import { Hub } from "@parley/core/Hub"
import { Sessions } from "@parley/core/Sessions"
import { Settings } from "@parley/core/Settings"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import { addDemoApps, appCommands } from "./Apps.ts"
import { askers, authSetting } from "./Asker.ts"
import { clientsOf } from "./Clients.ts"
import { addDemoClass, classCommands, markingBroadcasts } from "./Organizations.ts"
import { DIALECT, Records } from "./Records.ts"
import { type HttpRoutes, routesOf } from "./Routes.ts"

export type { HttpRoutes }

type Requirements = Engine | Hub | Sessions | Store | Users | SecureRandom.SecureRandom

export const dialect: Dialect<HttpRoutes, Requirements, SiteRefused> = {
  name: DIALECT,
  settings: [authSetting],
  open: Effect.fnUntraced(function* (site) {
    const askerOf = yield* askers(site, yield* Sessions)
    const engine = yield* Engine
    const random = yield* SecureRandom.SecureRandom
    const records = new Records(yield* Store, engine)
    const routes = routesOf({
      engine,
      random,
      records,
      askerOf,
      hub: yield* Hub,
      settings: yield* Settings,
      clients: clientsOf(engine, yield* Users),
      signing: { random, mac: yield* Effect.provide(Mac.Mac, Mac.layerWebCrypto) },
      markBroadcast: markingBroadcasts(records)
    })
    return {
      doors: [{ _tag: "Http", routes }],
      commands: [...appCommands(records, random), ...classCommands(records)],
      demo: Effect.orDie(Effect.andThen(addDemoApps(records), addDemoClass(records)))
    }
  })
}
