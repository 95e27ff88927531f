/**
 * The `spark` protocol: apps over HTTP, with sessions that are known by their members, approval of new members, and
 * messages. Source: seeds/000; PROTOCOLS, "spark".
 */
import type { Dialect } from "@parley/core/Dialect"
import { Engine } from "@parley/core/Engine"
import { Hub } from "@parley/core/Hub"
import { Sessions } from "@parley/core/Sessions"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import { DIALECT } from "./Identity.ts"
import { Pending } from "./Pending.ts"
import { type HttpRoutes, routesOf } from "./Routes.ts"

type Requirements = Digest.Digest | Engine | Hub | SecureRandom.SecureRandom | Sessions

export const dialect: Dialect<HttpRoutes, Requirements> = {
  name: DIALECT,
  settings: [],
  open: Effect.fnUntraced(function* () {
    const engine = yield* Engine
    const routes = routesOf({
      engine,
      hub: yield* Hub,
      sessions: yield* Sessions,
      digest: yield* Digest.Digest,
      random: yield* SecureRandom.SecureRandom,
      pending: new Pending(engine.desk.store, engine.desk.users)
    })
    return { doors: [{ _tag: "Http", routes }], commands: [], demo: Effect.void }
  })
}
