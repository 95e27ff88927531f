import { serve } from "@hono/node-server"
import { parleyHono } from "@parley/adapter-node/hono"
import { Hono } from "hono"

export const start = async (parley) => {
  const app = new Hono()
  app.use(parleyHono(parley))
  app.get("/own", (context) => context.text("Your own page."))
  const server = await new Promise((resolve) => {
    const started = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, () => resolve(started))
  })
  parley.attach(server)
  const close = async () => {
    await parley.close()
    server.close()
    server.closeAllConnections()
  }
  return { port: server.address().port, close }
}
