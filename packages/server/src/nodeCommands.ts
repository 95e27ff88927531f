/** Operator commands for the nodes of a shared database. */
import type { OperatorCommand } from "@parley/core/Dialect"
import type { Hub } from "@parley/core/Hub"
import type { ListedNode, Nodes } from "@parley/core/Nodes"
import * as Effect from "effect/Effect"
import { time } from "./terminal/time.ts"

const row = (node: ListedNode, self: string | undefined) => ({
  node: node.node,
  host: node.host,
  address: node.address,
  version: node.version,
  started: node.startedAt === 0 ? null : time(node.startedAt),
  lease: Number((node.renewedAgo / 1000).toFixed(1)),
  connections: node.connections,
  this: node.node === self
})

/** `hub` is that of the process that runs the commands. */
export const nodeCommands = (nodes: Nodes["Service"], hub: Hub["Service"]): ReadonlyArray<OperatorCommand> => [
  {
    path: ["node", "list"],
    description:
      "List live nodes; lease: seconds since its last renewal, one each second; this: the one that runs the command",
    inputs: [],
    lists: true,
    run: () =>
      nodes.list.pipe(
        Effect.mapError(() => "the nodes cannot be read"),
        Effect.map((all) => ({
          columns: ["node", "host", "address", "version", "started", "lease", "connections", "this"],
          rows: all.map((node) => row(node, hub.nodes?.id)),
          empty: "no node is running; only servers on PostgreSQL are nodes"
        }))
      )
  }
]
