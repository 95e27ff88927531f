/**
 * Conversations in an Express application: `app.use(parleyExpress(parley))` before body parsers, and
 * `parley.attach(app.listen(3000))` for WebSockets.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Parley } from "./createParley.ts"

/** The shape of a middleware of Express, and of whatever took it over (Connect, Polka, Restana). */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void

/**
 * Takes the requests for the object's own paths, and hands all others on untouched. Mounted below a path
 * (`app.use("/im", …)`), the object must have the same `path`: it goes by the URL that was sent.
 */
export const parleyExpress =
  (parley: Pick<Parley, "node">): Middleware =>
  (request, response, next) =>
    parley.node(request, response, next)
