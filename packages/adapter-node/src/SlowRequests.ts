/** Logs HTTP requests that took long to answer, gathered by the beginning of their path and without their query. */
import { logThrottled } from "@parley/core/LogThrottle"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"

/** Milliseconds from which a request is slow. The time in which its body comes in counts, that of the answer's body does not. */
export const SLOW = 2000

/** Characters of a path that are logged, at most. */
const PATH = 200

/** `/im/group/17?token=…` is `/im/group/17`. */
const pathOf = (url: string): string => (/^[^?#;]*/.exec(url)?.[0] ?? "").slice(0, PATH)

/** Runs the request, and logs it if it was slow, whatever came of it. */
export const noteSlow = <A, E, R>(app: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest, ({ method, url }) =>
    Effect.flatMap(Clock.currentTimeMillis, (began) =>
      Effect.onExit(app, () =>
        Effect.flatMap(Clock.currentTimeMillis, (ended) => {
          const milliseconds = ended - began
          if (milliseconds < SLOW) return Effect.void
          const path = pathOf(url)
          const beginning = path.split("/", 3).join("/")
          return logThrottled({
            key: `slow request ${method} ${beginning}`,
            level: "Info",
            message: "slow request",
            details: { method, path, milliseconds }
          })
        })
      )
    )
  )
