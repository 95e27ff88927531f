/** Logs HTTP requests that took long to answer, gathered by the beginning of their path and without their query. */
import { noteSlow } from "@parley/core/SlowRequests"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"

/** Characters of a path that are logged, at most. */
const PATH = 200

/** `/im/group/17?token=…` is `/im/group/17`. */
const pathOf = (url: string): string => (/^[^?#;]*/.exec(url)?.[0] ?? "").slice(0, PATH)

/** The time in which the request's body comes in counts, that of the answer's body does not. */
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
