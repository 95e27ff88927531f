/** The product's server on both databases, as its pages use it. */
import { connect, type Parley, ParleyError } from "@parley/client"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { createDatabase } from "../../../scripts/postgres/database.ts"
import { startProduct } from "./product.ts"

const login = (url: string, name: string, password = "chat"): Promise<Response> =>
  fetch(`${url}/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ login: name, password })
  })

/** Connects with the product's cookie, as a page does. */
const open = async (url: string, name: string): Promise<Parley> => {
  const cookie = (await login(url, name)).headers.getSetCookie()[0]?.split(";", 1)[0] ?? ""
  class WithCookie extends WebSocket {
    constructor(address: string) {
      // Node's own option, which the type of browsers lacks.
      super(address, { headers: { cookie } } as never)
    }
  }
  return connect({ url: `${url}/chat`, WebSocket: WithCookie })
}

const messageOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "no error",
    (error: unknown) => (error instanceof ParleyError ? (error.refused[0]?.message ?? error.message) : String(error))
  )

const DATABASES: ReadonlyArray<readonly [string, () => Promise<string | undefined>]> = [
  ["SQLite", async () => undefined],
  ["PostgreSQL", () => createDatabase("18")]
]

describe.each(DATABASES)("the product's server on %s", (_, databaseUrl) => {
  let product: Awaited<ReturnType<typeof startProduct>>
  beforeAll(async () => {
    product = await startProduct(await databaseUrl())
  }, 120_000)
  afterAll(() => product.end())

  it("has companies, moderation, a webhook and a rate limit", async () => {
    const { url, receiver } = product
    assert.strictEqual((await login(url, "ada", "tea")).status, 401)
    assert.strictEqual((await login(url, "eve")).status, 401)
    const [ada, ben, gus] = await Promise.all(["ada", "ben", "gus"].map((name) => open(url, name)))
    if (ada === undefined || ben === undefined || gus === undefined) throw new Error("a client is missing")
    const accounts = ({ users }: Parley) => [...users.values()].map(({ account }) => account).toSorted()
    assert.deepStrictEqual(accounts(ada), ["ada", "ben", "cleo"])
    assert.deepStrictEqual(accounts(gus), ["gil", "gus"])
    // Users carry the ids of the product's own table.
    assert.match(ada.me.externalId ?? "", /^[0-9a-f-]{36}$/)

    const chat = await ada.openDirectChat(ben.me)
    const arrived: Array<string> = []
    const last = new Promise<void>((resolve) =>
      ben.on("message", ({ content }) => {
        arrived.push(content)
        if (content === "Bye") resolve()
      })
    )
    await ada.send(chat, "Hello Ben")
    assert.strictEqual(await messageOf(ada.send(chat, "You are STUPID")), "Please stay friendly.")
    const card = await ada.send(chat, "My card is 4111 1111 1111 1111")
    assert.strictEqual(await messageOf(ada.edit(card, "idiot")), "Please stay friendly.")
    await ada.send(chat, "Bye")
    await last
    assert.deepStrictEqual(arrived, ["Hello Ben", "My card is •••• 1111", "Bye"])
    assert.strictEqual(await messageOf(gus.send(chat, "Hello")), "There is no such chat.")

    // The receiver refused the first request: it was repeated, and the others waited for it.
    await receiver.until(3)
    assert.deepStrictEqual(receiver.contents, arrived)
    assert.isTrue(receiver.isSigned())

    const own = await gus.create({ name: "Notes" })
    const flood = await Promise.all(Array.from({ length: 200 }, (_, n) => messageOf(gus.send(own, `Message ${n}`))))
    assert.match(flood.find((message) => message !== "no error") ?? "", /^Too many messages; retry in \d+ seconds/)
    for (const client of [ada, ben, gus]) client.close()
  }, 240_000)

  it("keeps sessions and chats over a restart, and ends them at the logout", async () => {
    const { url, start, stop } = product
    const ada = await open(url, "ada")
    const [chat] = ada.chats.values()
    const online = new Promise<void>((resolve) => ada.on("state", ({ state }) => state === "online" && resolve()))
    await stop()
    await start()
    await online
    assert.strictEqual((await ada.history(chat ?? "")).messages[0]?.content, "Bye")
    const cookie = (await login(url, "ada")).headers.getSetCookie()[0]?.split(";", 1)[0] ?? ""
    const ended = new Promise<string | undefined>((resolve) =>
      ada.on("state", ({ state, error }) => state === "ended" && resolve(error?.code))
    )
    await fetch(`${url}/logout`, { method: "POST", headers: { cookie } })
    // This client still has another session of the product, which the logout of one browser leaves alone.
    assert.deepStrictEqual(await (await fetch(`${url}/me`, { headers: { cookie } })).json(), { id: null })
    ada.close()
    assert.strictEqual(await ended, "closed")
  }, 240_000)
})
