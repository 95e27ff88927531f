/** Two nodes on one database: the delay of messages between them, and the cost of receiving them by the bus. */
import { missingNats, startNats } from "../../../scripts/nats/server.ts"
import { startCluster } from "../../../scripts/postgres/cluster.ts"
import { execute } from "../../../scripts/postgres/database.ts"
import type { Experiment, Found } from "../Experiment.ts"
import { type Delays, delays, type Hearing, hearing } from "../nodes/traffic.ts"
import { startTwoNodes } from "../nodes/twoNodes.ts"
import { ratio } from "../Ratio.ts"
import type { Setting } from "../Rounds.ts"
import { three } from "../Spread.ts"

/** Members of the group who listen, besides the sender. */
const LISTENERS = 10

/** As in production; the test's own settings flush nothing. */
const SETTINGS = ["fsync=on", "full_page_writes=on", "shared_buffers=256MB"]

interface Round {
  readonly bus: string
  readonly delays: Delays
  readonly hearing: Hearing
}

const added = ({ delays: { local, remote } }: Round): number => remote - local

export const nodes: Experiment = {
  name: "nodes",
  description: "two servers on PostgreSQL: the delay between them, and what hearing by the bus costs",
  play: async (setting: Setting): Promise<Found> => {
    const { duration, folder, quick, rounds, tell } = setting
    const cluster = await startCluster("18", SETTINGS)
    const nats = missingNats === undefined ? await startNats() : undefined
    const buses = [
      { bus: "PgBus", goal: 3, url: undefined },
      ...(nats === undefined ? [] : [{ bus: "NatsBus", goal: 2, url: nats.url() }])
    ]
    if (nats === undefined) tell(`nodes: ${missingNats ?? ""}`)
    const seen: Array<Round> = []
    try {
      for (let round = 1; round <= rounds; round++) {
        for (const { bus, url } of buses) {
          const database = `nodes_${bus.toLowerCase()}_${round}`
          await execute(cluster.url("postgres"), `CREATE DATABASE ${database} TEMPLATE template0`)
          const running = await startTwoNodes(cluster.url(database), { folder, members: LISTENERS + 1, bus: url })
          try {
            const one = {
              bus,
              delays: await delays(running, quick ? 20 : 300),
              hearing: await hearing(running, LISTENERS, duration * 1000)
            }
            seen.push(one)
            tell(
              `${round} nodes ${bus}: ${one.delays.local.toFixed(2)} ms on the same node, ${one.delays.remote.toFixed(2)} ms on the other; ${LISTENERS} listeners take ${one.hearing.local.toFixed(1)} and ${one.hearing.remote.toFixed(1)} µs of CPU, none take ${one.hearing.unheard.toFixed(1)} µs`
            )
          } finally {
            await running.stop()
          }
        }
      }
    } finally {
      await cluster.remove()
      await nats?.remove()
    }
    const of = (name: string): ReadonlyArray<Round> => seen.filter(({ bus }) => bus === name)
    const row = (
      description: string,
      digits: number,
      figure: (round: Round) => number
    ): ReadonlyArray<ReadonlyArray<string>> =>
      buses.map(({ bus }) => [`${description}, ${bus}`, three(of(bus).map(figure), digits)])
    const lost = seen.reduce((sum, one) => sum + one.delays.missing, 0)
    return {
      ratios: buses.flatMap(({ bus, goal }) => [
        ...ratio(`nodes: ms until the other node delivers, beyond the own one, ${bus}`, goal, of(bus).map(added)),
        ...ratio(
          `nodes: CPU per message received by ${bus} / announced locally, ${LISTENERS} listeners`,
          1.5,
          of(bus).map((one) => one.hearing.remote / one.hearing.local)
        )
      ]),
      tables: [
        {
          title: "Two nodes",
          head: ["figure", ""],
          body: [
            ...row("ms until delivery on the sender's node", 2, (one) => one.delays.local),
            ...row("ms until delivery on the other node", 2, (one) => one.delays.remote),
            ...row(
              `µs of CPU that ${LISTENERS} listeners add to a message on its own node`,
              1,
              (one) => one.hearing.local
            ),
            ...row(`µs of CPU per message on another node, ${LISTENERS} listeners`, 1, (one) => one.hearing.remote),
            ...row("µs of CPU per message on another node, no listener", 1, (one) => one.hearing.unheard)
          ],
          note: "Two `parley serve`, PostgreSQL, NATS and the clients share the cores of this machine. Delays: a message each 5 ms. CPU: 16 messages on their way at once, and all of the server's process."
        }
      ],
      missing: lost === 0 ? [] : [`nodes: ${lost} messages were not delivered`]
    }
  }
}
