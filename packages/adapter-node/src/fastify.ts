/** Conversations in a Fastify application: `app.register(parleyFastify, { parley })`, before `listen`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify"
import type { Parley } from "./createParley.ts"

export interface Options {
  readonly parley: Parley
  /** Where the plugin is registered, as Fastify has it. */
  readonly prefix?: string
}

/**
 * An encapsulated plugin: in it no body is parsed, so that ours comes whole; the application's own routes keep their
 * parsers. It takes the server's WebSocket upgrades for the object's paths, and closes the object with the application.
 *
 * With `prefix`, the object must have the same `path`; without, it is where its `path` says. An object without a path
 * takes over the application's routes for everything that is not one of its own: give it one.
 */
export const parleyFastify = async (app: FastifyInstance, { parley }: Options): Promise<void> => {
  if (app.prefix !== "" && app.prefix !== parley.path) {
    throw new Error(
      `Parley is registered below ${app.prefix}, and its path is "${parley.path}": they must be the same.`
    )
  }
  app.removeAllContentTypeParsers()
  app.addContentTypeParser("*", (_request, _body, done) => done(null))
  const answer = (request: FastifyRequest, reply: FastifyReply): void => {
    let isForeign = false
    parley.node(request.raw, reply.raw, () => {
      isForeign = true
    })
    if (isForeign) reply.callNotFound()
    else reply.hijack()
  }
  const below = app.prefix === "" ? parley.path : ""
  app.all(`${below}/*`, answer)
  if (parley.path !== "") app.all(below === "" ? "/" : below, answer)
  const detach = parley.attach(app.server)
  // A server ends only when its last WebSocket has.
  app.addHook("preClose", () => parley.close())
  app.addHook("onClose", async () => detach())
}
