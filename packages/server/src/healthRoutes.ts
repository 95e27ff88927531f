/**
 * Health endpoints: `/healthz` for liveness; `/readyz` for readiness: the server has started, storage accepts writes, and a node has
 * reached its database in the last seconds.
 */
import type { Bus } from "@parley/core/Bus"
import type { StorageHealth } from "@parley/core/StorageHealth"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"

const NO_STORE = { headers: { "cache-control": "no-store" } } as const

const unready = (status: string) => HttpServerResponse.jsonUnsafe({ status }, { ...NO_STORE, status: 503 })

/** The state of the bus, for one of several nodes. It does not count for readiness: without it, changes of others come by the database. */
const busState = ({ isConnected, maxBytes }: Bus["Service"]): { readonly bus?: "connected" | "disconnected" } =>
  maxBytes === 0 ? {} : { bus: isConnected() ? "connected" : "disconnected" }

/** `ready` returns whether the server has started. */
export const healthRoutes = (
  ready: () => boolean,
  { refresh }: Pick<StorageHealth["Service"], "refresh">,
  bus: Bus["Service"]
) =>
  Layer.mergeAll(
    HttpRouter.add("GET", "/healthz", HttpServerResponse.jsonUnsafe({ status: "alive" }, NO_STORE)),
    HttpRouter.add(
      "GET",
      "/readyz",
      Effect.suspend(() =>
        ready()
          ? Effect.map(refresh, (storage) =>
              storage === "working"
                ? HttpServerResponse.jsonUnsafe({ status: "ready", ...busState(bus) }, NO_STORE)
                : unready(`storage ${storage}`)
            )
          : Effect.succeed(unready("starting"))
      )
    )
  )
