/** The faults. Each one happens, lasts, and is mended again by itself. */
import { setTimeout as sleep } from "node:timers/promises"
import type { Cluster, ClusterNode } from "./Cluster.ts"
import type { Random } from "./random.ts"

export interface FaultContext {
  readonly cluster: Cluster
  readonly random: Random
  /** Waits for so many milliseconds in a long run, for less in a short one. */
  readonly hold: (milliseconds: number) => Promise<void>
}

export interface Fault {
  readonly name: string
  readonly description: string
  readonly isPossible?: (cluster: Cluster) => boolean
  /** Returns which part failed. */
  readonly run: (context: FaultContext) => Promise<string>
}

const onNode = (
  name: string,
  description: string,
  run: (node: ClusterNode, context: FaultContext) => Promise<void>
): Fault => ({
  name,
  description,
  run: async (context) => {
    const node = context.random.pick(context.cluster.nodes)
    await run(node, context)
    return node.server.name
  }
})

/** A table and a column as the next version of Parley may add them. */
const NEXT_SCHEMA = [
  "CREATE TABLE of_the_next_version (id bigint PRIMARY KEY)",
  "ALTER TABLE users ADD COLUMN of_the_next_version text",
  "UPDATE schema_version SET version = version + 1"
]
const OWN_SCHEMA = [
  "UPDATE schema_version SET version = version - 1",
  "ALTER TABLE users DROP COLUMN of_the_next_version",
  "DROP TABLE of_the_next_version"
]

/** Packets that this version cannot decode: of the next format, and no packet at all. The channel has the schema's name. */
const FOREIGN_PACKETS = [
  `SELECT pg_notify('parley', '{"format":2,"node":"of-the-next-version","number":7,"rows":[]}')`,
  `SELECT pg_notify('parley', 'no packet')`
]

export const faults: ReadonlyArray<Fault> = [
  onNode("node-kill", "SIGKILL of a node, which is started again", async ({ server }, { hold }) => {
    await server.end("SIGKILL")
    await hold(3_000)
    await server.start()
  }),
  onNode("node-restart", "SIGTERM of a node, which is started again, as in a rolling upgrade", async ({ server }) => {
    await server.end("SIGTERM")
    await server.start()
  }),
  onNode("node-stop", "SIGSTOP of a node for 20 s", async ({ server }, { hold }) => {
    server.signal("SIGSTOP")
    await hold(20_000)
    server.signal("SIGCONT")
  }),
  onNode("node-cut", "the link of a node to PostgreSQL forwards nothing for 12 s", async ({ links }, { hold }) => {
    for (const link of links) link.cut()
    await hold(12_000)
    for (const link of links) link.heal()
  }),
  onNode("node-flaky", "the same for 1 s, five times", async ({ links }, { hold }) => {
    for (let time = 0; time < 5; time++) {
      for (const link of links) link.cut()
      await hold(1_000)
      for (const link of links) link.heal()
      await hold(500)
    }
  }),
  {
    name: "postgres-kill",
    description: "SIGKILL of PostgreSQL, which is started again",
    run: async ({ cluster: { database }, hold }) => {
      await database.kill()
      await hold(1_000)
      await database.restart()
      return "primary"
    }
  },
  {
    name: "postgres-away",
    description: "the same, after 8 s",
    run: async ({ cluster: { database }, hold }) => {
      await database.kill()
      await hold(8_000)
      await database.restart()
      return "primary"
    }
  },
  {
    name: "postgres-promote",
    description: "SIGKILL of PostgreSQL, whose synchronous standby is promoted; a new standby is added later",
    isPossible: ({ database }) => database.hasStandby,
    run: async ({ cluster, hold }) => {
      await cluster.database.promote()
      await hold(4_000)
      await cluster.database.addStandby()
      cluster.retarget()
      return "primary"
    }
  },
  {
    name: "presence-lost",
    description: "the tables of leases and presence, which are not logged, are emptied",
    run: async ({ cluster }) => {
      await cluster.database.execute("TRUNCATE nodes, node_presence")
      return "nodes, node_presence"
    }
  },
  {
    name: "nats-kill",
    description: "SIGKILL of NATS, which is started again",
    isPossible: ({ nats }) => nats !== undefined,
    run: async ({ cluster: { nats }, hold }) => {
      await nats?.kill()
      await hold(5_000)
      await nats?.start()
      return "bus"
    }
  },
  {
    name: "nats-stop",
    description: "SIGSTOP of NATS for 8 s",
    isPossible: ({ nats }) => nats !== undefined,
    run: async ({ cluster: { nats }, hold }) => {
      nats?.pause()
      await hold(8_000)
      nats?.resume()
      return "bus"
    }
  },
  {
    name: "nats-cut",
    description: "the link of a node to NATS forwards nothing for 8 s",
    isPossible: ({ nats }) => nats !== undefined,
    run: async ({ cluster, hold, random }) => {
      const { busLink, server } = random.pick(cluster.nodes)
      busLink?.cut()
      await hold(8_000)
      busLink?.heal()
      return server.name
    }
  },
  {
    name: "packets-unknown",
    description: "packets of the next format, and no packets at all, on the bus of PostgreSQL",
    isPossible: ({ nats }) => nats === undefined,
    run: async ({ cluster, hold }) => {
      for (let time = 0; time < 5; time++) {
        await cluster.database.execute(...FOREIGN_PACKETS)
        await hold(500)
      }
      return "bus"
    }
  },
  {
    name: "schema-next",
    description: "tables of the next version, on which a node is killed and started again",
    run: async ({ cluster, hold, random }) => {
      const { server } = random.pick(cluster.nodes)
      await cluster.database.execute(...NEXT_SCHEMA)
      await server.end("SIGKILL")
      await hold(1_000)
      await server.start()
      await sleep(1_000)
      await cluster.database.execute(...OWN_SCHEMA)
      return server.name
    }
  }
]
