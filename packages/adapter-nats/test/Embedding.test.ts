/** Embedded engines on PostgreSQL, with NATS as their bus. */
import { assert, it } from "@effect/vitest"
import { createEngine } from "@parley/core"
import * as NatsBus from "@parley/adapter-nats/NatsBus"
import * as PgNodes from "@parley/adapter-postgres/PgNodes"
import * as PgStore from "@parley/adapter-postgres/PgStore"
import { missingNats, startNats } from "../../../scripts/nats/server.ts"
import { createDatabase, execute } from "../../../scripts/postgres/database.ts"

it("engines with a store, nodes and a bus hear each other, and the database carries no packets", async ({ skip }) => {
  skip(missingNats !== undefined, missingNats)
  const [url, nats] = await Promise.all([createDatabase("18"), startNats()])
  const log: Array<string> = []
  const open = () =>
    createEngine({
      store: PgStore.layer({ url }),
      nodes: PgNodes.layer({ url }),
      bus: NatsBus.layer({ url: nats.url() }),
      log: ({ message }) => void log.push(message)
    })
  const [one, other] = [await open(), await open()]
  try {
    await one.users.addAll([{ account: "ann" }, { account: "ben" }])
    const events = other.events()
    const chat = await one.as("ann").openDirectChat("ben")
    await one.as("ann").send(chat, "hello")
    for await (const event of events) if (event.type === "message" && event.message.content === "hello") break
    const listening = await execute(
      url,
      "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    )
    assert.deepStrictEqual(listening, [])
    assert.deepStrictEqual(new Set(log), new Set(["bus connected"]))
  } finally {
    await Promise.all([one.close(), other.close()])
    await nats.remove()
  }
})
