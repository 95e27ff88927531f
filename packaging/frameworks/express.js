import { parleyExpress } from "@parley/adapter-node/express"
import express from "express"

export const start = async (parley) => {
  const app = express()
  app.use(parleyExpress(parley))
  app.get("/own", (_request, response) => response.send("Your own page."))
  const server = app.listen(0, "127.0.0.1")
  await new Promise((resolve) => server.once("listening", resolve))
  parley.attach(server)
  const close = async () => {
    await parley.close()
    server.close()
    server.closeAllConnections()
  }
  return { port: server.address().port, close }
}
