import { parleyFastify } from "@parley/adapter-node/fastify"
import fastify from "fastify"

export const start = async (parley) => {
  const app = fastify({ forceCloseConnections: true })
  await app.register(parleyFastify, { parley })
  app.get("/own", async () => "Your own page.")
  await app.listen({ port: 0, host: "127.0.0.1" })
  return { port: app.server.address().port, close: () => app.close() }
}
