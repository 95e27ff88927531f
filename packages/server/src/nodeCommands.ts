/** Operator commands for the nodes of a shared database. */
import type { OperatorCommand } from "@parley/core/Dialect"
import type { Hub } from "@parley/core/Hub"
import type { ListedNode, Nodes } from "@parley/core/Nodes"
import * as Effect from "effect/Effect"
import { columns } from "./terminal/columns.ts"
import { time } from "./terminal/time.ts"

const row = (node: ListedNode, self: string | undefined): ReadonlyArray<string> => [
  node.node,
  node.host,
  node.address,
  node.version,
  node.startedAt === 0 ? "" : time(node.startedAt),
  `${(node.renewedAgo / 1000).toFixed(1)} s`,
  String(node.connections),
  node.node === self ? "this node" : ""
]

/** `hub` is that of the process that runs the commands. */
export const nodeCommands = (nodes: Nodes["Service"], hub: Hub["Service"]): ReadonlyArray<OperatorCommand> => [
  {
    path: ["node", "list"],
    description:
      "List live nodes; lease: time since its last renewal, each second; this node: the one that runs the command",
    inputs: [],
    run: () =>
      nodes.list.pipe(
        Effect.mapError(() => "the nodes cannot be read"),
        Effect.map((all) =>
          all.length === 0
            ? "no node is running; only servers on PostgreSQL are nodes"
            : columns(
                ["node", "host", "address", "version", "started", "lease", "connections", ""],
                all.map((node) => row(node, hub.nodes?.id))
              )
        )
      )
  }
]
