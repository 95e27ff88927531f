/** Chat in a Fastify application: `app.register(parleyFastify, { parley })`, before `listen`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify"
import type { Parley } from "./createParley.ts"
import { checkParley } from "./internal/http/optionChecks.ts"

/** Options of the plugin. */
export interface Options {
  /** The instance to serve. */
  readonly parley: Parley
  /** Prefix of the registration, set by Fastify. */
  readonly prefix?: string
}

/**
 * An encapsulated plugin: it parses no bodies; the application's routes keep their parsers. It handles the server's
 * WebSocket upgrades for Parley's paths, and closes Parley with the application.
 *
 * With `prefix`, `createParley` needs the same `path`; without, `path` determines the location. Without a `path` it
 * handles all requests that match no route of the application.
 */
export const parleyFastify = async (app: FastifyInstance, { parley }: Options): Promise<void> => {
  checkParley("parleyFastify", parley)
  if (app.prefix !== "" && app.prefix !== parley.path) {
    throw new Error(
      `Parley is registered below ${app.prefix}, and its path is "${parley.path}": they must be the same.`
    )
  }
  app.removeAllContentTypeParsers()
  app.addContentTypeParser("*", (_request, _body, done) => done(null))
  const handle = (request: FastifyRequest, reply: FastifyReply): void => {
    let isForeign = false
    parley.node(request.raw, reply.raw, () => {
      isForeign = true
    })
    if (isForeign) reply.callNotFound()
    else reply.hijack()
  }
  const below = app.prefix === "" ? parley.path : ""
  app.all(`${below}/*`, handle)
  if (parley.path !== "") app.all(below === "" ? "/" : below, handle)
  const detach = parley.attach(app.server)
  // A server closes only after its last WebSocket.
  app.addHook("preClose", () => parley.close())
  app.addHook("onClose", async () => detach())
}
