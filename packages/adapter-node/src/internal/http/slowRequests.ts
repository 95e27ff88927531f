/** Logs slow HTTP requests, grouped by the first two path segments and without their query. */
import { noteSlow } from "@parley/core/SlowRequests"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"

/** Maximum characters of a logged path. */
const MAX_PATH = 200

/** `/im/group/17?token=…` is `/im/group/17`. */
const pathOf = (url: string): string => (/^[^?#;]*/.exec(url)?.[0] ?? "").slice(0, MAX_PATH)

/** Measures from the head of the request to the head of the response, including the request's body. */
export const noteSlowHttp = <A, E, R>(app: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest, ({ method, url }) =>
    noteSlow(app, (milliseconds) => {
      const path = pathOf(url)
      return {
        key: `slow request ${method} ${path.split("/", 3).join("/")}`,
        details: { method, path, milliseconds }
      }
    })
  )
