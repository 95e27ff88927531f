/**
 * The entry points of frameworks: the same object below the same path in each, with the application's own routes and
 * body parsers around it.
 */
import "reflect-metadata"
import { Module } from "@nestjs/common"
import { NestFactory } from "@nestjs/core"
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley, type Parley } from "@parley/adapter-node"
import { parleyFastify } from "@parley/adapter-node/fastify"
import { ParleyModule } from "@parley/adapter-node/nest"
import { dialect as ha } from "@parley/dialects/ha"
import { dialect as spark } from "@parley/dialects/spark"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import fastify from "fastify"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { plainPasswords } from "../../core/test/harness.ts"
import { frameworks, type Mounted } from "./frameworks.ts"
import { chatClient, KEY, sayByHa } from "./clients.ts"

for (const [name, mount] of Object.entries(frameworks)) {
  describe(`${name}`, () => {
    let parley: Parley
    let mounted: Mounted
    beforeAll(async () => {
      parley = await createParley({
        store: MemoryStore.layer,
        blobs: MemoryBlobs.layer,
        passwords: plainPasswords,
        dialects: [xuanxuan, ha, spark],
        path: "/im",
        login: true,
        trustedProxies: ["loopback"],
        settings: { "login.attempts": 2 }
      })
      await parley.users.addAll(["ann", "ben"].map((account) => ({ account, password: "correct-horse-7" })))
      await parley.operate("ha-key add", { key: KEY })
      mounted = await mount(parley)
    })
    afterAll(async () => {
      await parley.close()
      await mounted.close()
    })

    it("carries a conversation through two protocols", async () => {
      const at = `${mounted.http}/im`
      const ben = await chatClient(`${at}/ws`)
      assert.strictEqual((await ben.login("ben", "correct-horse-7")).result, "success")
      const token = await parley.openSession("ann")
      await sayByHa(at, token, 2, "你好, by HTTP")
      await ben.told("你好, by HTTP")
      const next = parley.as("ann").log("1&2", { after: 2 }).next()
      await ben.ask("message", [{ gid: "m1", cgid: "1&2", content: "by WebSocket" }])
      assert.strictEqual((await next).value?.message?.content, "by WebSocket")
      ben.leave()
    })

    it("takes forms and files whole", async () => {
      const at = `${mounted.http}/im`
      const token = await parley.openSession("ann")
      const started = await fetch(`${at}/session/start?token=${token}`, {
        method: "POST",
        body: new URLSearchParams([["To", "ben"]])
      })
      const session = (await started.json()) as { readonly SessionId?: string; readonly Members?: unknown }
      assert.deepStrictEqual(session.Members, ["ann", "ben"])
      const form = new FormData()
      form.append("gid", String(session.SessionId))
      form.append("files", new Blob(["x".repeat(100_000)]), "notes.txt")
      const uploaded = await fetch(`${at}/attach-upload.json?sid=${token}`, { method: "POST", body: form })
      const { data } = (await uploaded.json()) as { readonly data?: ReadonlyArray<{ readonly id: number }> }
      assert.lengthOf(data ?? [], 1)
      const file = await fetch(`${at}/attach-download-${data?.[0]?.id}.json?sid=${token}`)
      assert.lengthOf(await file.text(), 100_000)
    })

    it("leaves the application's own routes to it", async () => {
      const { http, own = "/own" } = mounted
      const post = (path: string) =>
        fetch(http + path, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ a: 1 })
        })
      assert.deepStrictEqual(await (await post(own)).json(), { own: { a: 1 } })
      assert.strictEqual((await post("/im/own")).status, 404)
      assert.strictEqual((await post("/nothing")).status, 404)
      assert.strictEqual((await post("/auth/login")).status, 404)
      assert.strictEqual((await post("/im/auth/login")).status, 400)
    })

    const login = (account: string, headers = {}) =>
      fetch(`${mounted.http}/im/auth/login`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({ account, password: "wrong" })
      }).then(({ status }) => status)

    it("throttles clients behind a trusted proxy each by their own address, over HTTP and WebSocket alike", async () => {
      const behind = (client: string) => ({ "x-forwarded-for": `6.6.6.6, ${client}` })
      for (let n = 0; n < 6; n++) assert.strictEqual(await login(`one${n}`, behind("192.0.2.1")), 401)
      assert.strictEqual(await login("one", behind("::ffff:192.0.2.1")), 429)
      assert.strictEqual(await login("two", behind("192.0.2.2")), 401)
      const enters = async (client: string) => {
        const chat = await chatClient(`${mounted.http}/im/ws`, behind(client))
        const { result } = await chat.login("ben", "correct-horse-7")
        chat.leave()
        return result
      }
      assert.strictEqual(await enters("192.0.2.1"), "fail")
      assert.strictEqual(await enters("192.0.2.2"), "success")
    })

    it("throttles failed logins by the client's address", async () => {
      const statuses: Array<number> = []
      for (let n = 0; n < 7; n++) statuses.push(await login(`nobody${n}`))
      assert.deepStrictEqual([statuses[0], statuses.at(-1)], [401, 429])
      // Not everybody: only that address. A client of another one is not in the same boat.
      const other = new Request(`${mounted.http}/im/auth/login`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ account: "ann", password: "correct-horse-7" })
      })
      assert.strictEqual((await parley.fetch(other, { address: "192.0.2.7" })).status, 200)
    })
  })
}

it("Fastify says when the prefix is not the object's path, and closes it with the application", async () => {
  const parley = await createParley({ store: MemoryStore.layer, dialects: [ha], path: "/im" })
  const wrong = fastify()
  const error: unknown = await (async () => wrong.register(parleyFastify, { parley, prefix: "/chat" }))().catch(
    (cause: unknown) => cause
  )
  assert.match(String(error), /below \/chat, and its path is "\/im"/)
  const app = fastify()
  await app.register(parleyFastify, { parley })
  await app.ready()
  await app.close()
  assert.match(String(await parley.users.list().catch((cause: unknown) => cause)), /The engine is closed/)
})

it("Nest closes the object with the application", async () => {
  const parley = await createParley({ store: MemoryStore.layer, dialects: [ha] })
  class Application {}
  Module({ imports: [ParleyModule.forRootAsync({ useFactory: async () => parley })] })(Application)
  const app = await NestFactory.create(Application, { logger: false })
  await app.init()
  await app.close()
  assert.match(String(await parley.users.list().catch((cause: unknown) => cause)), /The engine is closed/)
})
