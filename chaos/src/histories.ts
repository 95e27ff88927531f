/** Reads the history of each chat from each node. */
import type { Cluster } from "./Cluster.ts"
import { Connection } from "./Connection.ts"
import { logIn } from "./Member.ts"
import type { Stored } from "./Record.ts"
import type { World } from "./World.ts"

const PAGE_SIZE = 1000

/** Histories by chat, oldest message first, in the order of the nodes. */
export type Histories = ReadonlyMap<string, ReadonlyArray<ReadonlyArray<Stored>>>

const historyOf = async (connection: Connection, gid: string): Promise<ReadonlyArray<Stored>> => {
  const stored: Array<Stored> = []
  for (let pageID = 1; ; pageID++) {
    const reply = await connection.ask("history", { gid, recPerPage: PAGE_SIZE, pageID })
    if (reply.result !== "success") throw new Error(`the history of ${gid} could not be read: ${reply.message}`)
    const page = reply.data as ReadonlyArray<Stored>
    stored.push(...page.map(({ content, id }) => ({ id, content })))
    if (page.length < PAGE_SIZE) return stored.reverse()
  }
}

export const readHistories = async (cluster: Cluster, world: World): Promise<Histories> => {
  const histories = new Map<string, Array<ReadonlyArray<Stored>>>()
  for (const { gid, owner } of world.chats) {
    const pages: Array<ReadonlyArray<Stored>> = []
    for (const { server } of cluster.nodes) {
      const connection = await Connection.open(server, "websocket", () => undefined)
      await logIn(connection, owner)
      pages.push(await historyOf(connection, gid))
      connection.drop()
    }
    histories.set(gid, pages)
  }
  return histories
}
