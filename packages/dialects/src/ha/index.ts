/**
 * The `ha` protocol: two people who message each other, over HTTP. Source: seeds/003; PROTOCOLS, "ha".
 */
import type { Dialect } from "@parley/core/Dialect"
import { Engine } from "@parley/core/Engine"
import { Hub } from "@parley/core/Hub"
import { Places } from "@parley/core/Places"
import { Sessions } from "@parley/core/Sessions"
import { Store } from "@parley/core/Store"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import { makeKeys } from "./Keys.ts"
import { type HttpRoutes, routesOf } from "./Routes.ts"

const DEMO_KEY = "ha-demo"

type Requirements = Engine | Hub | Places | Sessions | Store | SecureRandom.SecureRandom

export const dialect: Dialect<HttpRoutes, Requirements> = {
  name: "ha",
  settings: [],
  open: Effect.fnUntraced(function* () {
    const engine = yield* Engine
    const store = yield* Store
    const keys = makeKeys(store, engine)
    const routes = routesOf({
      keys,
      engine,
      store,
      hub: yield* Hub,
      sessions: yield* Sessions,
      places: yield* Places,
      random: yield* SecureRandom.SecureRandom
    })
    return {
      doors: [{ _tag: "Http", routes }],
      commands: keys.commands,
      demo: keys.ensure(DEMO_KEY)
    }
  })
}
