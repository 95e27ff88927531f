/** The same list and the same header give the same client as in the frameworks whose own routes are beside ours. */
import { plainAddress } from "@parley/core/ClientAddress"
import express from "express"
import fastify from "fastify"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { clientAddressResolver } from "../src/internal/http/trustedProxies.ts"

const TRUSTED = ["loopback", "10.0.0.0/8", "2001:db8::/32"]

const HEADERS = [
  "203.0.113.7",
  "203.0.113.7, 10.0.0.1",
  "6.6.6.6, 203.0.113.7, 10.0.0.1, 10.200.0.1",
  "10.0.0.1, 203.0.113.7",
  "10.0.0.2,10.0.0.1",
  " 203.0.113.7 ,, ::ffff:10.0.0.1 ,",
  "fd00::7, 2001:db8::1",
  "2001:db8:ffff::7",
  "192.168.0.7",
  "::ffff:203.0.113.7"
]

const list = Array.from(TRUSTED)
const frameworks = {
  Express: async () => {
    const app = express().set("trust proxy", list)
    app.get("/", (request, response) => void response.send(request.ip))
    const server = app.listen(0, "127.0.0.1")
    await new Promise((resolve) => server.once("listening", resolve))
    const address = server.address()
    const http = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`
    return { http, close: () => new Promise((resolve) => server.close(resolve)) }
  },
  Fastify: async () => {
    const app = fastify({ trustProxy: list })
    app.get("/", async (request) => request.ip)
    return { http: await app.listen({ port: 0, host: "127.0.0.1" }), close: () => app.close() }
  }
}

for (const [name, start] of Object.entries(frameworks)) {
  describe(`${name}`, () => {
    let running: Awaited<ReturnType<typeof start>>
    beforeAll(async () => {
      running = await start()
    })
    afterAll(() => running.close())

    it.each(HEADERS)("says the same of %j", async (header) => {
      const response = await fetch(running.http, { headers: { "x-forwarded-for": header } })
      assert.strictEqual(clientAddressResolver(TRUSTED)("127.0.0.1", header), plainAddress(await response.text()))
    })
  })
}
