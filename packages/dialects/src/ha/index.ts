/**
 * The `ha` protocol: direct messages between two users, over HTTP. Source: seeds/003; PROTOCOLS, "ha".
 */
import type { Dialect } from "@parley/core/Dialect"
import { Engine } from "@parley/core/Engine"
import { Hub } from "@parley/core/Hub"
import { CursorStore } from "@parley/core/CursorStore"
import { Sessions } from "@parley/core/Sessions"
import { integer, integerIn } from "@parley/core/Settings"
import { Store } from "@parley/core/Store"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import type { HttpRoutes } from "../_http/protocolRoutes.ts"
import { makeApiKeys } from "./apiKeys.ts"
import { routesOf } from "./routes.ts"

const settings = {
  limit: integer(
    "ha.limit",
    20,
    { min: 1, max: 10_000 },
    "Default `limit` of `GET /message`, in messages; at most `ha.maxLimit`."
  ),
  maxLimit: integer("ha.maxLimit", 100, { min: 1, max: 10_000 }, "Maximum `limit` of `GET /message`, in messages.")
}

const DEMO_KEY = "ha-demo"

type Requirements = Engine | Hub | CursorStore | Sessions | Store | SecureRandom.SecureRandom

/** The `ha` protocol, for `createParley` and `serve`. */
export const dialect: Dialect<HttpRoutes, Requirements> = {
  name: "ha",
  settings: Object.values(settings),
  open: Effect.fnUntraced(function* (context) {
    const engine = yield* Engine
    const store = yield* Store
    const maxLimit = integerIn(context.settings, settings.maxLimit)
    const keys = makeApiKeys(store, engine)
    const routes = routesOf({
      keys,
      engine,
      store,
      hub: yield* Hub,
      sessions: yield* Sessions,
      cursors: yield* CursorStore,
      random: yield* SecureRandom.SecureRandom,
      limits: { default: Math.min(maxLimit, integerIn(context.settings, settings.limit)), max: maxLimit }
    })
    return {
      endpoints: [{ _tag: "Http", ...routes }],
      commands: keys.commands,
      demo: keys.ensure(DEMO_KEY),
      removeDemo: Effect.map(keys.remove(DEMO_KEY), (removed) => (removed ? [`the key ${DEMO_KEY} of ha`] : []))
    }
  })
}
