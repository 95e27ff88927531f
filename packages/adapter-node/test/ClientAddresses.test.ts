/** One address of a client, whichever way it comes, over real sockets. */
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley, type Parley, type ParleyOptions } from "@parley/adapter-node"
import { dialect as spark } from "@parley/dialects/spark"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import { once } from "node:events"
import { createServer } from "node:http"
import { connect } from "node:net"
import { networkInterfaces } from "node:os"
import { afterEach, assert, describe, it } from "vitest"
import { chatClient, closing } from "./clients.ts"

const ending: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

const BOTH_FAMILIES = Object.values(networkInterfaces()).some((one) => one?.some(({ family }) => family === "IPv6"))
  ? "::"
  : "0.0.0.0"

/** Serves it for both families until the test is over; answers where. */
const listening = async (parley: Parley): Promise<string> => {
  const server = createServer(parley.node)
  parley.attach(server)
  await new Promise<void>((resolve) => server.listen(0, BOTH_FAMILIES, resolve))
  ending.push(
    () => closing(server),
    () => parley.close()
  )
  const address = server.address()
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`
}

/** Records the addresses given to an embedder's authenticator by a dual-stack server, where IPv4 clients have IPv6 addresses. */
const seeing = async (trustedProxies?: ParleyOptions["trustedProxies"]) => {
  let seen: ReadonlyArray<string> = []
  const parley = await createParley({
    store: MemoryStore.layer,
    dialects: [xuanxuan, spark],
    trustedProxies,
    authenticate: ({ kind, address }) => {
      seen = [...seen, `${kind} ${address}`]
    }
  })
  await parley.users.add({ account: "ann" })
  const http = await listening(parley)
  const during = async (work: () => Promise<unknown>) => {
    seen = []
    await work()
    return seen
  }
  const url = `${http}/session/start`
  const form = () => new URLSearchParams({ To: "ann" })
  return {
    overHttp: (headers = {}) => during(() => fetch(url, { method: "POST", body: form(), headers })),
    overWebSocket: (headers = {}) =>
      during(async () => {
        const chat = await chatClient(`${http}/ws`, headers)
        await chat.login("ann")
        chat.leave()
      }),
    overFetch: (from: Parameters<typeof parley.fetch>[1], headers = {}) =>
      during(() => parley.fetch(new Request(url, { method: "POST", body: form(), headers }), from))
  }
}

const FORWARDED = { "x-forwarded-for": "203.0.113.9, ::ffff:203.0.113.7" }

describe("the address given to an authenticator", () => {
  it("is the peer's, in its usual form, without trusted proxies", async () => {
    const { overHttp, overWebSocket, overFetch } = await seeing()
    assert.deepStrictEqual(await overHttp(FORWARDED), ["http 127.0.0.1"])
    assert.deepStrictEqual(await overWebSocket(FORWARDED), ["websocket 127.0.0.1"])
    assert.deepStrictEqual(await overFetch({ peer: "::ffff:127.0.0.1" }, FORWARDED), ["http 127.0.0.1"])
    assert.deepStrictEqual(await overFetch(undefined, FORWARDED), ["http "])
  })

  it("is the client's behind a trusted proxy", async () => {
    const { overHttp, overWebSocket, overFetch } = await seeing(["loopback"])
    assert.deepStrictEqual(await overHttp(FORWARDED), ["http 203.0.113.7"])
    assert.deepStrictEqual(await overWebSocket(FORWARDED), ["websocket 203.0.113.7"])
    assert.deepStrictEqual(await overFetch({ peer: "127.0.0.1" }, FORWARDED), ["http 203.0.113.7"])
    assert.deepStrictEqual(await overFetch({ peer: "198.51.100.1" }, FORWARDED), ["http 198.51.100.1"])
  })

  it("is the trusted proxy's if the header is unreadable", async () => {
    const { overHttp, overWebSocket } = await seeing(["loopback"])
    for (const headers of [
      {},
      { "x-forwarded-for": "?" },
      { forwarded: "for=203.0.113.7" },
      { "x-real-ip": "203.0.113.7" }
    ]) {
      assert.deepStrictEqual(await overHttp(headers), ["http 127.0.0.1"])
      assert.deepStrictEqual(await overWebSocket(headers), ["websocket 127.0.0.1"])
    }
  })

  it("is the one passed to `fetch`, regardless of headers", async () => {
    const { overFetch } = await seeing(["loopback"])
    assert.deepStrictEqual(await overFetch({ address: "127.0.0.1", peer: "127.0.0.1" }, FORWARDED), ["http 127.0.0.1"])
    assert.deepStrictEqual(await overFetch({ address: "::ffff:192.0.2.1" }, FORWARDED), ["http 192.0.2.1"])
  })
})

it("failed logins of one client count together, over HTTP, WebSocket, TCP and the API", async () => {
  const parley = await createParley({
    store: MemoryStore.layer,
    dialects: [xuanxuan],
    login: true,
    // Of an address three times as many.
    settings: { "login.attempts": 1 }
  })
  await parley.users.add({ account: "ann", password: "correct-horse-7" })
  const http = await listening(parley)
  const tcp = await parley.listenTcp({ host: BOTH_FAMILIES, port: 0 })

  const overHttp = async (account: string) => {
    const body = JSON.stringify({ account, password: "correct-horse-7" })
    const headers = { "content-type": "application/json" }
    return (await fetch(`${http}/auth/login`, { method: "POST", headers, body })).text()
  }
  const overWebSocket = async (account: string) => {
    const chat = await chatClient(`${http}/ws`)
    const { message } = await chat.login(account, "correct-horse-7")
    chat.leave()
    return message ?? ""
  }
  const overTcp = async (account: string) => {
    const socket = connect(tcp.port, "127.0.0.1")
    socket.write(
      `${JSON.stringify({ module: "chat", method: "login", params: { account, password: "0".repeat(32) } })}\n`
    )
    const [answer] = (await once(socket, "data")) as ReadonlyArray<unknown>
    socket.destroy()
    return String(answer)
  }
  const byTheApi = (account: string) =>
    parley.login(account, "correct-horse-7", { address: "::ffff:127.0.0.1" }).then(
      () => "success",
      (error: unknown) => String(error)
    )

  const throttled = /too many/i
  for (const [ways, login] of Object.entries({ overHttp, overWebSocket, overTcp })) {
    assert.notMatch(await login(`nobody ${ways}`), throttled)
  }
  for (const login of [overHttp, overWebSocket, overTcp, byTheApi]) assert.match(await login("ann"), throttled)
})
