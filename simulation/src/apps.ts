/** HTTP routes of protocols, called in this process without a socket. */
import type { ParleyEngine } from "@parley/core/ParleyEngine"
import type { OpenDialect } from "@parley/core/Dialect"
import { Effect, Layer, Scope } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"

export interface HttpReply {
  readonly status: number
  readonly json: Readonly<Record<string, unknown>>
}

/** Sends a request. Rejects only if the engine ends. */
export type Post = (path: string, body: object) => Promise<HttpReply>

/** Opens the routes of a protocol for as long as the engine runs. */
export const openRoutes = async (
  engine: ParleyEngine,
  { endpoints }: OpenDialect<Layer.Layer<never, never, HttpRouter.HttpRouter>>
): Promise<Post> => {
  const routes = endpoints.flatMap((endpoint) => (endpoint._tag === "Http" ? [endpoint.routes] : []))
  const scope = Effect.runSync(Scope.make())
  const app = await engine.runtime.runPromise(
    Effect.provideService(HttpRouter.toHttpEffect(Layer.mergeAll(Layer.empty, ...routes)), Scope.Scope, scope)
  )
  return async (path, body) => {
    const request = new Request(`http://127.0.0.1${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body)
    })
    const response = await engine.runtime.runPromise(
      Effect.scoped(
        Effect.provideService(app, HttpServerRequest.HttpServerRequest, HttpServerRequest.fromWeb(request))
      ) as Effect.Effect<HttpServerResponse.HttpServerResponse>
    )
    const text = response.body._tag === "Uint8Array" ? new TextDecoder().decode(response.body.body) : "{}"
    return { status: response.status, json: JSON.parse(text) as HttpReply["json"] }
  }
}
