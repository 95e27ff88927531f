/** An application's own routes answer while its users talk. */
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley } from "@parley/adapter-node"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import { assert, it } from "vitest"
import { repetitions } from "../../../scripts/repetitions.ts"
import { frameworks } from "./frameworks.ts"
import { chatClient } from "./clients.ts"

const CLIENTS = 50
const MESSAGES = repetitions(50, 20)

it.each(["Express, below its mount path, a parser behind it", "Fastify, where its path says"] as const)(
  "%s: routes are answered while 50 clients chat in one group",
  async (name) => {
    const parley = await createParley({ store: MemoryStore.layer, dialects: [xuanxuan], path: "/im" })
    const accounts = Array.from({ length: CLIENTS }, (_, n) => `user${n}`)
    await parley.users.addAll(accounts.map((account) => ({ account })))
    const team = await parley.as("user0").createGroup({ name: "Everybody", gid: "everybody", members: accounts })
    const { http, close } = await frameworks[name](parley)
    const clients = await Promise.all(
      accounts.map(async (account) => {
        const client = await chatClient(`${http}/im/ws`)
        await client.login(account, await parley.mintToken(account))
        return client
      })
    )

    let isChatting = true
    const waits: Array<number> = []
    const asking = (async () => {
      for (let n = 0; isChatting; n++) {
        const start = performance.now()
        const answer = await fetch(`${http}/own`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ n })
        })
        assert.deepStrictEqual(await answer.json(), { own: { n } })
        waits.push(performance.now() - start)
      }
    })()
    const start = performance.now()
    await Promise.all(
      clients.map(async ({ ask }, index) => {
        for (let n = 0; n < MESSAGES; n++) {
          const gid = `${index}/${n}`
          const { result } = await ask("message", [{ gid, cgid: "everybody", content: gid }])
          assert.strictEqual(result, "success")
        }
      })
    )
    const took = performance.now() - start
    isChatting = false
    await asking
    // Every member received every message.
    await Promise.all(
      clients.map(({ heard, until }) =>
        until(() => {
          const told = heard.flatMap(({ method, result, data }) =>
            method === "message" && result === undefined ? (data as ReadonlyArray<unknown>) : []
          )
          return told.length >= (CLIENTS - 1) * MESSAGES ? true : undefined
        })
      )
    )
    assert.strictEqual((await parley.as("user0").history(team, { size: 1, number: 1 })).total, CLIENTS * MESSAGES)
    const slowest = Math.max(...waits)
    console.log(
      `${CLIENTS * MESSAGES} messages in ${took.toFixed(0)} ms; ${waits.length} own requests, the slowest ${slowest.toFixed(0)} ms`
    )
    assert.isAtLeast(waits.length, 10)
    // No client waited for the whole conversation.
    assert.isBelow(slowest, took / 2)
    for (const { leave } of clients) leave()
    await parley.close()
    await close()
  }
)
