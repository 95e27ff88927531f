/** Runs the routes of protocols for requests of `node:http`. A client that disconnects interrupts its request. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpEffect from "effect/http/HttpEffect"
import { ClientAbort } from "effect/http/HttpServerError"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import type { IncomingMessage, ServerResponse } from "node:http"
import { NodeRequest } from "./NodeRequest.ts"
import { discardBody, writeResponse } from "./nodeResponse.ts"

export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void

/** Requests in flight end with the scope. */
export const makeNodeHandler = <E>(
  app: Effect.Effect<HttpServerResponse, E, HttpServerRequest | Scope.Scope>,
  scope: Scope.Scope
): Effect.Effect<NodeHandler> => {
  const handled = HttpEffect.toHandled(app, (request, response) =>
    request instanceof NodeRequest ? writeResponse(request, response) : Effect.die("not a request of node:http")
  )
  return Effect.map(Effect.context<never>(), (services): NodeHandler => (request, response) => {
    // Before Node's own listener, which reads what is left of a body without a limit.
    response.prependListener("finish", () => discardBody(request, response))
    const context = Context.add(services, HttpServerRequest, new NodeRequest(request, response))
    const fiber = Fiber.runIn(Effect.runForkWith(context)(handled), scope)
    if (fiber.pollUnsafe() !== undefined) return
    response.on("close", () => {
      if (!response.writableEnded) fiber.interruptUnsafe(fiber.id, ClientAbort.annotation)
    })
  })
}
