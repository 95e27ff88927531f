/** Nodes on one PostgreSQL, and on one NATS if it is their bus, each with links of its own to them. */
import { type NatsServer, startNats } from "../../scripts/nats/server.ts"
import { Database } from "./Database.ts"
import { Link } from "./Link.ts"
import type { NodeAddress } from "./Member.ts"
import { MAIN, ServerNode } from "./ServerNode.ts"

/** Milliseconds until a node must be ready after a fault. */
const READY_TIMEOUT = 45_000

export interface ClusterNode {
  readonly server: ServerNode
  /** To the servers of PostgreSQL, one each. */
  readonly links: ReadonlyArray<Link>
  /** To NATS. */
  readonly busLink: Link | undefined
}

export interface ClusterOptions {
  readonly nodes: number
  /** Whether PostgreSQL has a synchronous standby. */
  readonly standby: boolean
  /** Whether the bus is NATS, and not PostgreSQL. */
  readonly nats: boolean
  /** File of the program `parley`; its sources by default. */
  readonly program?: string
}

export class Cluster {
  readonly database: Database
  readonly nats: NatsServer | undefined
  readonly nodes: ReadonlyArray<ClusterNode>
  /** Ports of PostgreSQL's servers, in the order of a node's links. */
  readonly #slots: Array<number>

  private constructor(database: Database, nats: NatsServer | undefined, nodes: ReadonlyArray<ClusterNode>) {
    this.database = database
    this.nats = nats
    this.nodes = nodes
    this.#slots = [...database.ports]
  }

  static async start({ nats, nodes, program = MAIN, standby }: ClusterOptions): Promise<Cluster> {
    const database = await Database.start(standby)
    const all: Array<ClusterNode> = []
    const bus = nats ? await startNats() : undefined
    const cluster = new Cluster(database, bus, all)
    try {
      for (let number = 1; number <= nodes; number++) {
        const links = await Promise.all(database.ports.map((port) => Link.open(port)))
        const busLink = bus === undefined ? undefined : await Link.open(bus.port)
        const args = ["--database", Database.url(links.map(({ port }) => port))]
        if (busLink !== undefined) args.push("--bus", `nats://127.0.0.1:${busLink.port}`)
        all.push({ server: new ServerNode(`node ${number}`, program, args), links, busLink })
      }
      // The first one creates the tables and the demonstration, which takes longest; on a busy machine too long for a race.
      await all[0]?.server.start()
      await Promise.all(all.slice(1).map(({ server }) => server.start()))
      return cluster
    } catch (cause) {
      await cluster.stop()
      throw cause
    }
  }

  /** Addresses of all nodes, running or not, as a load balancer without health checks has them. */
  addresses(): ReadonlyArray<NodeAddress> {
    return this.nodes.map(({ server }) => server)
  }

  /** Leads the links to the present servers of PostgreSQL. */
  retarget(): void {
    const { ports } = this.database
    for (const port of ports) {
      if (this.#slots.includes(port)) continue
      const free = this.#slots.findIndex((old) => !ports.includes(old))
      this.#slots[free] = port
      for (const { links } of this.nodes) {
        const link = links[free]
        if (link !== undefined) link.target = port
      }
    }
  }

  async untilReady(): Promise<void> {
    await Promise.all(this.nodes.map(({ server }) => server.untilReady(READY_TIMEOUT)))
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map(({ server }) => server.discard()))
    for (const { busLink, links } of this.nodes) {
      busLink?.close()
      for (const link of links) link.close()
    }
    await this.nats?.remove()
    await this.database.remove()
  }
}
