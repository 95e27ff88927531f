/**
 * The `spark` protocol: apps over HTTP, with sessions identified by their members, approval of new members, and messages.
 * Source: seeds/000; PROTOCOLS, "spark".
 */
import type { Dialect } from "@parley/core/Dialect"
import { Engine } from "@parley/core/Engine"
import { Sessions } from "@parley/core/Sessions"
import { integer, integerIn } from "@parley/core/Settings"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import type { HttpRoutes } from "../_http/protocolRoutes.ts"
import { DIALECT } from "./sessionKey.ts"
import { PendingMembers } from "./PendingMembers.ts"
import { SessionIds } from "./SessionIds.ts"
import { routesOf } from "./routes.ts"

const settings = {
  key: integer(
    "spark.key",
    255,
    { min: 1, max: 1024 },
    "Maximum size of a key that `session/Edit` keeps, in bytes; `limits.attributesPerChat` and `limits.attribute` bound the values."
  )
}

type Requirements = Digest.Digest | Engine | SecureRandom.SecureRandom | Sessions

/** The `spark` protocol, for `createParley` and `serve`. */
export const dialect: Dialect<HttpRoutes, Requirements> = {
  name: DIALECT,
  settings: Object.values(settings),
  open: Effect.fnUntraced(function* (context) {
    const engine = yield* Engine
    const digest = yield* Digest.Digest
    const random = yield* SecureRandom.SecureRandom
    const routes = routesOf({
      engine,
      digest,
      random,
      sessions: yield* Sessions,
      ids: new SessionIds(engine, digest, random),
      pending: new PendingMembers(engine.context.store, engine.context.users),
      maxKeySize: integerIn(context.settings, settings.key)
    })
    return { endpoints: [{ _tag: "Http", ...routes }], commands: [], demo: Effect.void }
  })
}
