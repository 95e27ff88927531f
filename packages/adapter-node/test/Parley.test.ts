/** The object that embedders put into their servers: two protocols below a path, beside whatever else is there. */
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley, type Parley, ParleyError, type ParleyOptions } from "@parley/adapter-node"
import { dialect as ha } from "@parley/dialects/ha"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import { execFile } from "node:child_process"
import { createServer, type IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { afterEach, assert, describe, it } from "vitest"
import { WebSocketServer } from "ws"
import { tryWebSocket } from "./hostFixture.ts"
import { chatClient, closing, KEY, listening, sayByHa } from "./clients.ts"
import { Effect } from "effect"

const ending: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

const made = async (options: Partial<ParleyOptions> = {}): Promise<Parley> => {
  const parley = await createParley({
    store: MemoryStore.layer,
    blobs: MemoryBlobs.layer,
    dialects: [xuanxuan, ha],
    path: "/im",
    ...options
  })
  ending.push(() => parley.close())
  await parley.users.addAll(["ann", "ben", "cat"].map((account) => ({ account, password: "correct-horse-7" })))
  await parley.operate("ha-key add", { key: KEY })
  return parley
}

const tried = (url: string) => Effect.runPromise(tryWebSocket(url))

/** The object in a plain server that has a page of its own. */
const served = async (parley: Parley) => {
  const server = createServer((request, response) =>
    parley.node(request, response, () => response.end(`theirs ${request.url}`))
  )
  parley.attach(server)
  ending.push(() => closing(server))
  return { server, http: await listening(server) }
}

describe("an object below a path", () => {
  it("serves its protocols there, and leaves everything else alone", async () => {
    const parley = await made()
    const { http } = await served(parley)
    const ben = await chatClient(`${http}/im/ws`)
    assert.strictEqual((await ben.login("ben", "correct-horse-7")).result, "success")
    await sayByHa(`${http}/im`, await parley.openSession("ann"), 2, "by HTTP")
    await ben.told("by HTTP")
    const heard: Array<string> = []
    parley.on("message", ({ message }) => heard.push(message.content))
    await ben.ask("message", [{ gid: "m1", cgid: "1&2", content: "by WebSocket" }])
    assert.deepStrictEqual(heard, ["by WebSocket"])
    assert.deepStrictEqual(
      (await parley.as("ann").history("1&2")).messages.map(({ content }) => content),
      ["by WebSocket", "by HTTP"]
    )
    for (const path of ["/", "/conversation", "/imx/conversation", "/im", "/im/nothing", "/ws"]) {
      assert.strictEqual(await (await fetch(http + path)).text(), `theirs ${path}`)
    }
    assert.strictEqual(await tried(`${http.replace("http", "ws")}/ws`), 404)
    assert.isTrue((await fetch(`${http}/im/index.php?mode=getconfig`)).ok)
    ben.leave()
  })

  it("answers web requests too, and throttles logins by the address that it is told", async () => {
    const parley = await made({ login: true, settings: { "login.attempts": 1 } })
    const login = (account: string, address: string) =>
      parley
        .fetch(
          new Request("http://host.example/im/auth/login", {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ account, password: account === "ann" ? "correct-horse-7" : "wrong" })
          }),
          { address }
        )
        .then(({ status, headers }) => {
          assert.strictEqual(headers.get("cache-control"), "no-store")
          return status
        })
    assert.strictEqual(await login("ann", "192.0.2.1"), 200)
    for (const account of ["x1", "x2", "x3"]) assert.strictEqual(await login(account, "192.0.2.2"), 401)
    assert.strictEqual(await login("ann", "192.0.2.2"), 429)
    assert.strictEqual(await login("ann", "192.0.2.1"), 200)
    assert.strictEqual((await parley.fetch(new Request("http://host.example/auth/login"))).status, 404)
  })

  it("lives beside another WebSocket library, and beside who handles sockets by hand", async () => {
    const parley = await made()
    const { http, server } = await served(parley)
    // One that was there before, and one that comes later: each answers 400 to every path that is not its own.
    const theirs = ["/other", "/third"].map((path) => new WebSocketServer({ server, path }))
    parley.attach(server)
    for (const one of theirs) {
      one.on("connection", (ws) => ws.on("message", (data: Buffer) => ws.send(`theirs ${data.toString()}`)))
    }
    const ben = await chatClient(`${http}/im/ws`)
    assert.strictEqual((await ben.login("ben", "correct-horse-7")).result, "success")
    await parley.as("ann").send(await parley.as("ann").openDirectChat("ben"), "undisturbed")
    await ben.told("undisturbed")
    ben.leave()
    for (const one of theirs) one.close()
    const ws = http.replace("http", "ws")
    const other = new WebSocketServer({ server, path: "/other" })
    other.on("connection", (socket) => socket.on("message", (data: Buffer) => socket.send(`theirs ${data.toString()}`)))
    assert.strictEqual(await tried(`${ws}/other`), "theirs x")
    assert.strictEqual(await tried(`${ws}/nobody`), 400)
    other.close()
    server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
      if (request.url === "/raw") socket.end("HTTP/1.1 418 I'm a teapot\r\ncontent-length: 0\r\n\r\n")
    })
    assert.strictEqual(await tried(`${ws}/raw`), 418)
    const still = await chatClient(`${http}/im/ws`)
    assert.strictEqual((await still.login("ben", "correct-horse-7")).result, "success")
    still.leave()
  })

  it("says in one sentence what is wrong with it", async () => {
    const failed = async (options: Partial<ParleyOptions>) => {
      const error: unknown = await createParley({ store: MemoryStore.layer, dialects: [], ...options }).catch(
        (cause: unknown) => cause
      )
      assert.instanceOf(error, ParleyError)
      return error.message
    }
    assert.match(await failed({ dialects: [xuanxuan, xuanxuan] }), /Two protocols use WebSockets at \/ws/)
    assert.match(await failed({ dialects: [ha], settings: { "xuanxuan.tcpProfile": "x" } }), /is unknown/)
    assert.match(await failed({ dialects: [xuanxuan], settings: { "xuanxuan.tcpProfile": "x" } }), /must be one of/)
    const parley = await made()
    await assertRejects(parley.operate("ha-key burn"), /There is no command ha-key burn; there are ha-key add/)
    assert.include(
      parley.commands().map(({ path: words }) => words.join(" ")),
      "ha-key add"
    )
  })

  it("serves raw TCP at an address of its own", async () => {
    const parley = await made()
    const { port } = await parley.listenTcp({ host: "127.0.0.1", port: 0 })
    const response = await parley.fetch(new Request("http://host.example/im/index.php?mode=getconfig"))
    assert.deepInclude(await response.json(), { ip: "127.0.0.1", port })
    await assertRejects(parley.listenTcp({ host: "127.0.0.1", port }), /the port is in use/)
  })

  it("ends politely, and leaves the server to its owner", async () => {
    const parley = await made()
    const { http, server } = await served(parley)
    const before = process.eventNames().map((name) => [name, process.listenerCount(name)])
    const ann = await chatClient(`${http}/im/ws`)
    await ann.login("ann", "correct-horse-7")
    const ended = parley.close({ drain: 2000 })
    assert.strictEqual(await ann.closed(), 1001)
    await ended
    assert.strictEqual(server.listenerCount("upgrade"), 0)
    assert.strictEqual(await (await fetch(`${http}/`)).text(), "theirs /")
    assert.strictEqual((await fetch(`${http}/im/index.php?mode=getconfig`)).status, 503)
    await assertRejects(parley.users.list(), /The engine is closed/)
    assert.deepStrictEqual(
      process.eventNames().map((name) => [name, process.listenerCount(name)]),
      before
    )
  })

  it("ends with a signal", async () => {
    const control = new AbortController()
    const parley = await made({ signal: control.signal })
    const { http } = await served(parley)
    const ann = await chatClient(`${http}/im/ws`)
    control.abort()
    assert.strictEqual(await ann.closed(), 1001)
    await parley.close()
  })
})

const assertRejects = async (work: Promise<unknown>, message: RegExp): Promise<void> => {
  const error: unknown = await work.catch((cause: unknown) => cause)
  assert.instanceOf(error, ParleyError)
  assert.match(error.message, message)
}

it("loads the protocols that are listed, and no other", async () => {
  const script = fileURLToPath(new URL("./fixtures/one-protocol.ts", import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: 30_000 })
  const { loaded, answered } = JSON.parse(stdout) as {
    readonly loaded: ReadonlyArray<string>
    readonly answered: number
  }
  assert.strictEqual(answered, 404)
  assert.deepStrictEqual(loaded, ["ha"])
})

it("runs effects on its services, for who knows Effect", async () => {
  const parley = await made()
  assert.strictEqual(await parley.run(Effect.succeed(1)), 1)
})
