/** Rows of the offline queue match the packets that are pushed at the next login. */
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley } from "@parley/adapter-node"
import { dialect, offlineQueueRow } from "@parley/dialects/xuanxuan"
import { createServer } from "node:http"
import { assert, it } from "vitest"
import { chatClient, closing, listening } from "../../../adapter-node/test/clients.ts"

it("the offline queue has the document's rows, and the client gets the same packets", async () => {
  await using parley = await createParley({ store: MemoryStore.layer, dialects: [dialect] })
  await parley.users.addAll(["ann", "ben"].map((account) => ({ account, password: "correct-horse-7" })))
  const ann = parley.as("ann")
  const team = await ann.createGroup({ name: "Team", gid: "team", members: ["ben"] })
  const { id } = await ann.send(team, "while you were out", { gid: "m1", date: 1_700_000_000_123 })
  await ann.send(team, "and more", { gid: "m2" })
  const rows = (await parley.as("ben").queue()).map(offlineQueueRow)
  assert.deepStrictEqual(
    rows.map((row) => Object.keys(row)),
    rows.map(() => ["id", "level", "user", "module", "method", "data"])
  )
  assert.deepStrictEqual(
    { ...rows[0] },
    {
      id,
      level: 3,
      user: 2,
      module: "chat",
      method: "message",
      data: JSON.stringify([
        {
          id,
          gid: "m1",
          cgid: "team",
          user: 1,
          date: 1_700_000_000,
          type: "normal",
          contentType: "text",
          content: "while you were out"
        }
      ])
    }
  )

  const server = createServer(parley.node)
  parley.attach(server)
  const ben = await chatClient(`${await listening(server)}/ws`)
  await ben.login("ben", "correct-horse-7")
  const last = await ben.told("and more")
  const pushed = ben.heard.filter(({ method, result }) => method === "message" && result === undefined)
  assert.strictEqual(pushed.at(-1), last)
  assert.deepStrictEqual(
    pushed.map((packet) => [packet.id, JSON.stringify(packet.data)]),
    rows.map((row) => [row.id, row.data])
  )
  // Acknowledged packets are no longer in the queue.
  await parley.as("ben").acknowledge(rows.map((row) => row.id))
  assert.deepStrictEqual(await parley.as("ben").queue(), [])
  ben.leave()
  await closing(server)
})
