/** The host's middleware for upgrades, and its own request in `authenticate`. */
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import {
  createParley,
  type LogLine,
  type Parley,
  type ParleyOptions,
  type UpgradeMiddleware
} from "@parley/adapter-node"
import { dialect as spark } from "@parley/dialects/spark"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import { createServer, IncomingMessage } from "node:http"
import { connect as connectSocket, type Socket } from "node:net"
import { afterEach, assert, describe, it } from "vitest"
import { WebSocket } from "ws"
import { type MiddlewareResult, runUpgradeMiddleware } from "../src/internal/socket/upgradeMiddleware.ts"
import { chatClient, closing, listening } from "./clients.ts"

const ending: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

interface Marked extends IncomingMessage {
  user?: string
}

/** Sets the user that a header names, as the session of an application does. */
const session: UpgradeMiddleware = (request: Marked, _response, next) => {
  const name = request.headers["x-session"]
  if (typeof name === "string") request.user = name
  setImmediate(next)
}

const served = async (options: Partial<ParleyOptions>) => {
  const lines: Array<LogLine> = []
  const ids = new Map<string, number>()
  const parley: Parley = await createParley({
    store: MemoryStore.layer,
    dialects: [xuanxuan, spark],
    path: "/im",
    authenticate: ({ source }) => ids.get((source as Marked).user ?? ""),
    log: (line) => lines.push(line),
    ...options
  })
  ending.push(() => parley.close())
  for (const { account, id } of await parley.users.addAll([{ account: "ann" }, { account: "ben" }]))
    ids.set(account, id)
  const server = createServer((request: Marked, response) => {
    session(request, response, () => parley.node(request, response))
  })
  parley.attach(server)
  ending.push(() => closing(server))
  return { parley, lines, http: await listening(server) }
}

/** Status and body of the response to a refused upgrade. */
const refusal = (http: string, headers: Readonly<Record<string, string>> = {}): Promise<string> =>
  new Promise((resolve) => {
    const ws = new WebSocket(`${http.replace("http", "ws")}/im/ws`, { headers })
    ws.on("unexpected-response", (request, response) => {
      let body = ""
      response.on("data", (chunk) => (body += String(chunk)))
      response.on("end", () => {
        resolve(`${response.statusCode} ${body}`)
        request.destroy()
      })
    })
    ws.on("error", (error) => resolve(error.message))
    ws.on("open", () => {
      ws.close()
      resolve("accepted")
    })
  })

describe("the host's middleware for upgrades", () => {
  it("runs in order before `authenticate`, which gets the request as the middleware left it", async () => {
    const order: Array<string> = []
    const note =
      (name: string): UpgradeMiddleware =>
      async (request: Marked, _response, next) => {
        order.push(`${name} ${request.user}`)
        next()
      }
    const { http } = await served({ upgradeMiddleware: [note("before"), session, note("after")] })
    const ann = await chatClient(`${http}/im/ws`, { "x-session": "ann" })
    const reply = await ann.ask("login", {})
    assert.deepInclude(reply.data as object, { account: "ann" })
    assert.deepStrictEqual(order, ["before undefined", "after ann"])
    const other = await chatClient(`${http}/im/ws`, {})
    assert.include(await other.ask("login", {}), { result: "fail" })
    ann.leave()
    other.leave()
  })

  it("gives `authenticate` the host's request over HTTP too, whose body was read before", async () => {
    const { parley, http } = await served({ login: false })
    const start = (headers: Readonly<Record<string, string>>) =>
      fetch(`${http}/im/session/start`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({ To: ["ben"] })
      })
    assert.strictEqual((await start({ "x-session": "ann" })).status, 200)
    assert.strictEqual((await start({})).status, 401)
    const { promise, resolve } = Promise.withResolvers<number>()
    const server = createServer((request: Marked & { body?: unknown }, response) => {
      request.user = "ann"
      let text = ""
      request.on("data", (chunk) => (text += String(chunk)))
      request.on("end", () => {
        request.body = JSON.parse(text)
        parley.node(request, response)
      })
      response.on("finish", () => resolve(response.statusCode))
    })
    ending.push(() => closing(server))
    await fetch(`${await listening(server)}/im/session/start`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ To: ["ben"] })
    })
    assert.strictEqual(await promise, 200)
    const web = new Request("http://localhost/im/session/start", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ To: ["ben"] })
    })
    assert.strictEqual((await parley.fetch(Object.assign(web, { user: "ann" }))).status, 200)
  })

  it("does not run for a page of another origin", async () => {
    let calls = 0
    const { http } = await served({
      upgradeMiddleware: [
        (_request, _response, next) => {
          calls++
          next()
        }
      ]
    })
    assert.match(await refusal(http, { origin: "https://evil.example" }), /^403 .*evil\.example/)
    assert.strictEqual(calls, 0)
    assert.strictEqual(await refusal(http, { origin: http }), "accepted")
    assert.strictEqual(calls, 1)
  })

  it("refuses the upgrade by ending the response, which the client gets", async () => {
    const { http } = await served({
      upgradeMiddleware: [
        (_request, response) => response.writeHead(401, { "content-type": "text/plain" }).end("Sign in first.")
      ]
    })
    assert.strictEqual(await refusal(http), "401 Sign in first.")
  })

  const failing: ReadonlyArray<readonly [string, UpgradeMiddleware]> = [
    ["calls next with an error", (_request, _response, next) => next(new Error("no database"))],
    [
      "throws",
      () => {
        throw new Error("no database")
      }
    ],
    ["rejects", async () => Promise.reject(new Error("no database"))]
  ]
  it.each(failing)("refuses the upgrade with 500 and a log line if one %s", async (_, one) => {
    const { http, lines } = await served({ upgradeMiddleware: [one] })
    assert.strictEqual(await refusal(http), '500 {"message":"The server\'s middleware failed."}')
    const [line] = lines.filter(({ level }) => level === "error")
    assert.strictEqual(line?.message, "upgradeMiddleware failed")
    assert.include(String(line?.error), "no database")
  })

  it("opens nothing for a client that has left meanwhile, and refuses the others while closing", async () => {
    const waiting: Array<() => void> = []
    const started = Promise.withResolvers<void>()
    const { http, parley } = await served({
      upgradeMiddleware: [
        (_request, _response, next) => {
          waiting.push(next)
          if (waiting.length === 2) started.resolve()
        }
      ]
    })
    const { port } = new URL(http)
    const gone: Socket = connectSocket(Number(port), "127.0.0.1", () =>
      gone.write(
        "GET /im/ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
      )
    )
    const refused = refusal(http)
    await started.promise
    const left = new Promise((resolve) => gone.once("close", resolve))
    gone.destroy()
    await left
    const closed = parley.close()
    for (const next of waiting) next()
    assert.match(await refused, /^503/)
    await closed
  })

  it("fails after its time without a call of next", async () => {
    const server = createServer()
    ending.push(() => closing(server))
    const result = new Promise<MiddlewareResult>((resolve) =>
      server.on("connection", (socket) =>
        resolve(runUpgradeMiddleware([() => {}], new IncomingMessage(socket), socket, 1))
      )
    )
    const client = connectSocket(Number(new URL(await listening(server)).port), "127.0.0.1")
    const failed = await result
    assert(failed._tag === "Failed")
    assert.strictEqual(String(failed.cause), "Error: a middleware has not called next within 1 ms")
    client.destroy()
  })
})
