/** The store on PostgreSQL beside the one on SQLite: CPU, commits a second, latency, two nodes, and a failover. */
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { startCluster } from "../../../scripts/postgres/cluster.ts"
import { execute } from "../../../scripts/postgres/database.ts"
import type { CommitsSeen } from "../commits/main.ts"
import type { Experiment, Found } from "../Experiment.ts"
import { delayProxy } from "../postgres/DelayProxy.ts"
import { failover, type FailoverSeen } from "../postgres/failover.ts"
import type { LoneSeen } from "../postgres/lone.ts"
import { removeDatabase } from "../Prepared.ts"
import { start } from "../Program.ts"
import { ratio } from "../Ratio.ts"
import type { Setting } from "../Rounds.ts"
import { three } from "../Spread.ts"

const COMMITS = fileURLToPath(new URL("../commits/main.ts", import.meta.url))
const LONE = fileURLToPath(new URL("../postgres/lone.ts", import.meta.url))
const OUTSTANDING = 128
/** Milliseconds that are added in each direction. */
const DELAY = 1

/** As in production; the test's own settings flush nothing. */
const SETTINGS = ["fsync=on", "full_page_writes=on", "shared_buffers=256MB"]

interface Round {
  readonly sqlite: CommitsSeen
  readonly postgres: CommitsSeen
  /** Two nodes at once, on other chats of one database. */
  readonly two: readonly [CommitsSeen, CommitsSeen]
  readonly lone: LoneSeen
  readonly delayed: LoneSeen
  readonly failover: FailoverSeen
}

interface Server {
  readonly port: number
  readonly pid: number
  readonly url: (database: string) => string
}

const run = async <A>(args: ReadonlyArray<string>): Promise<A> => JSON.parse(await start(undefined, args).output) as A

/** Creates a database, and returns its URL. */
const fresh = async (server: Server, name: string): Promise<string> => {
  await execute(server.url("postgres"), `CREATE DATABASE ${name} TEMPLATE template0`)
  return server.url(name)
}

const play = async ({ duration, folder }: Setting, server: Server, round: number): Promise<Round> => {
  const milliseconds = String(duration * 1000)
  const commits = (path: "parley" | "postgres", where: string, pid: number): Promise<CommitsSeen> =>
    run([COMMITS, path, where, String(OUTSTANDING), milliseconds, String(pid)])
  const file = join(folder, "pg-sqlite.db")
  const sqlite = await commits("parley", file, 0)
  removeDatabase(file)
  const database = await fresh(server, `round_${round}`)
  const postgres = await commits("postgres", database, server.pid)
  // CPU of the server is that of both nodes: each counts all of it, for its own rows.
  const two = await Promise.all([commits("postgres", database, server.pid), commits("postgres", database, server.pid)])
  const lone = await run<LoneSeen>([LONE, database, milliseconds])
  const proxy = await delayProxy(server.port, DELAY)
  try {
    const through = new URL(database)
    through.port = String(proxy.port)
    const delayed = await run<LoneSeen>([LONE, through.href, milliseconds])
    return { sqlite, postgres, two, lone, delayed, failover: await failover() }
  } finally {
    proxy.close()
  }
}

const all = ({ cpu, serverCpu }: CommitsSeen): number => cpu + serverCpu
const rateOfTwo = ({ two: [one, other] }: Round): number => one.rate + other.rate
/** CPU for each commit of two nodes together. */
const cpuOfTwo = ({ two: [one, other] }: Round): number =>
  // Each has divided the same CPU of the server by its own rows.
  (one.cpu * one.rate + other.cpu * other.rate + one.serverCpu * one.rate) / (one.rate + other.rate)

const describe = (round: Round): string =>
  [
    `${round.sqlite.rate.toFixed(0)} and ${round.postgres.rate.toFixed(0)} commits/s on SQLite and PostgreSQL`,
    `${round.sqlite.cpu.toFixed(1)} and ${round.postgres.cpu.toFixed(1)} + ${round.postgres.serverCpu.toFixed(1)} µs each`,
    `two nodes ${rateOfTwo(round).toFixed(0)}/s`,
    `lone commit ${round.lone.commit.toFixed(2)} ms, INSERT ${round.lone.insert.toFixed(2)} ms`,
    `failover ${round.failover.promotion.toFixed(0)} ms, longest gap ${round.failover.gap.toFixed(0)} ms`
  ].join("; ")

export const postgres: Experiment = {
  name: "pg",
  description: "the store on PostgreSQL, beside the one on SQLite",
  play: async (setting): Promise<Found> => {
    const server = await startCluster("18", SETTINGS)
    const rounds: Array<Round> = []
    try {
      for (let round = 1; round <= setting.rounds; round++) {
        const one = await play(setting, server, round)
        rounds.push(one)
        setting.tell(`${round} pg: ${describe(one)}`)
      }
    } finally {
      await server.remove()
    }
    const values = (figure: (round: Round) => number): ReadonlyArray<number> => rounds.map(figure)
    const row = (description: string, digits: number, figure: (round: Round) => number): ReadonlyArray<string> => [
      description,
      three(values(figure), digits)
    ]
    const lost = rounds.reduce((sum, one) => sum + one.failover.lost, 0)
    return {
      ratios: [
        ...ratio(
          `pg: CPU of the node per commit / SQLite, ${OUTSTANDING} outstanding`,
          1,
          values((one) => one.postgres.cpu / one.sqlite.cpu)
        ),
        ...ratio(
          "pg: CPU of node and PostgreSQL per commit / SQLite",
          3,
          values((one) => all(one.postgres) / one.sqlite.cpu)
        ),
        ...ratio(
          `pg: commits a second / SQLite, ${OUTSTANDING} outstanding`,
          0.3,
          values((one) => one.postgres.rate / one.sqlite.rate),
          { atLeast: true }
        ),
        ...ratio(
          "pg: lone commit, median / bare INSERT of one row",
          1.3,
          values((one) => one.lone.commit / one.lone.insert)
        ),
        ...ratio(
          "pg: time added to a lone commit / added round trip",
          1.3,
          values((one) => (one.delayed.commit - one.lone.commit) / (one.delayed.roundTrip - one.lone.roundTrip))
        ),
        ...ratio(
          "pg: 2 nodes / 1, commits by CPU: twice the CPU of one per commit / that of two",
          1.6,
          values((one) => (2 * all(one.postgres)) / cpuOfTwo(one)),
          { atLeast: true }
        ),
        ...ratio(
          "pg: seconds of the longest gap of a failover beyond its promotion",
          1,
          values(({ failover: { gap, promotion } }) => Math.max(0, gap - promotion) / 1000)
        )
      ],
      tables: [
        {
          title: "The store on PostgreSQL",
          head: ["figure", ""],
          body: [
            row("commits/s, SQLite", 0, (one) => one.sqlite.rate),
            row("commits/s, PostgreSQL", 0, (one) => one.postgres.rate),
            row("commits/s, two nodes on PostgreSQL", 0, rateOfTwo),
            row("µs of CPU per commit, SQLite", 1, (one) => one.sqlite.cpu),
            row("µs of CPU per commit, node on PostgreSQL", 1, (one) => one.postgres.cpu),
            row("µs of CPU per commit, PostgreSQL", 1, (one) => one.postgres.serverCpu),
            row("µs of CPU per commit, two nodes and PostgreSQL", 1, cpuOfTwo),
            row("ms of a lone commit", 2, (one) => one.lone.commit),
            row("ms of a bare INSERT", 2, (one) => one.lone.insert),
            row("ms of a lone commit, delayed", 2, (one) => one.delayed.commit),
            row("ms of the added round trip", 2, (one) => one.delayed.roundTrip - one.lone.roundTrip),
            row("ms of a promotion", 0, (one) => one.failover.promotion),
            row("ms of the longest gap between answers", 0, (one) => one.failover.gap)
          ],
          note: `No server of Parley and no sockets to clients. SQLite and PostgreSQL flush each commit to the disk; with ${OUTSTANDING} outstanding, 100 chats. Two nodes, PostgreSQL and the generators share the cores of this machine, so two nodes are judged by CPU. The failover kills the primary, promotes a synchronous standby at once, and has 16 senders.`
        }
      ],
      missing: lost === 0 ? [] : [`pg: ${lost} answered messages were lost in ${rounds.length} failovers`]
    }
  }
}
