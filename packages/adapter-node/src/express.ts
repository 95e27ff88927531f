/**
 * Chat in an Express application: `app.use(parleyExpress(parley))` before body parsers, and
 * `parley.attach(app.listen(3000))` for WebSockets.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Parley } from "./createParley.ts"
import { checkParley } from "./internal/http/optionChecks.ts"

/** A middleware of Express, Connect, Polka or Restana. */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void

/**
 * Handles requests for Parley's paths and passes all others on untouched. If mounted below a path (`app.use("/im", …)`),
 * `createParley` needs the same `path`, since the original URL is matched.
 */
export const parleyExpress = (parley: Pick<Parley, "node">): Middleware => {
  checkParley("parleyExpress", parley)
  return (request, response, next) => parley.node(request, response, next)
}
