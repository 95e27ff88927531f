/** One run: a cluster, its load, and faults one after another; then the record is checked. */
import { setTimeout as sleep } from "node:timers/promises"
import { check } from "./check.ts"
import { Cluster } from "./Cluster.ts"
import type { FaultContext } from "./faults.ts"
import { type Histories, readHistories } from "./histories.ts"
import type { Options } from "./Options.ts"
import { Random } from "./random.ts"
import { type FaultSpan, isMemberThroughout, Record, type Sent } from "./Record.ts"
import { type Report, reportOf } from "./Report.ts"
import { Script } from "./Script.ts"
import { World } from "./World.ts"

/** Milliseconds between two faults. */
const PAUSE = 4_000
/** Milliseconds until the last messages must have arrived everywhere. */
const ARRIVAL_TIMEOUT = 20_000

const isHeard = (record: Record, { by, chat, content, startedAt }: Sent): boolean => {
  const members = new Set(record.moves.filter((move) => move.chat === chat).map(({ account }) => account))
  for (const account of members) {
    if (account === by || !isMemberThroughout(record.movesOf(chat, account), startedAt, Date.now())) continue
    if (!record.heard.some((heard) => heard.account === account && heard.content === content)) return false
  }
  return true
}

const untilHeard = async (record: Record, last: ReadonlyArray<Sent>): Promise<void> => {
  for (const deadline = Date.now() + ARRIVAL_TIMEOUT; Date.now() < deadline; await sleep(50)) {
    if (last.every((sent) => isHeard(record, sent))) return
  }
}

/** Runs one fault after another, for as long as `duration`, and each of them at least once if `duration` is 0. */
const runFaults = async (
  { duration, faults, scale, seed }: Options,
  cluster: Cluster,
  record: Record,
  tell: (line: string) => void
): Promise<void> => {
  const random = new Random(seed + 1)
  const possible = faults.filter(({ isPossible }) => isPossible?.(cluster) !== false)
  const context: FaultContext = { cluster, random, hold: (milliseconds) => sleep(milliseconds * scale) }
  const begin = Date.now()
  do {
    for (const fault of random.shuffled(possible)) {
      await sleep(PAUSE * scale)
      const span: FaultSpan = { name: fault.name, startedAt: Date.now(), endedAt: Number.POSITIVE_INFINITY }
      record.faults.push(span)
      const where = await fault.run(context)
      const mendedAt = Date.now()
      await cluster.untilReady()
      span.endedAt = Date.now()
      const [at, lasted, ready] = [span.startedAt - begin, mendedAt - span.startedAt, span.endedAt - mendedAt]
      tell(
        `${(at / 1000).toFixed(1).padStart(7)} s  ${fault.name.padEnd(18)}${where}, ${lasted} ms; all nodes ready ${ready} ms later`
      )
      if (duration > 0 && Date.now() - begin > duration) break
    }
  } while (Date.now() - begin < duration)
  await sleep(PAUSE * scale)
}

export const run = async (options: Options, tell: (line: string) => void): Promise<Report> => {
  const { rate, seed, slack } = options
  tell(`seed ${seed}`)
  const cluster = await Cluster.start(options)
  const record = new Record()
  const random = new Random(seed)
  const world = new World(record, random, () => cluster.addresses())
  try {
    await world.start()
    const script = new Script(world, random)
    const running = script.run(rate)
    const begin = Date.now()
    await runFaults(options, cluster, record, tell)
    const last = await script.end()
    await running
    await untilHeard(record, last)
    const end = Date.now()
    await world.end()
    const histories: Histories = await readHistories(cluster, world)
    const broken = [...check({ record, end, slack }, histories), ...script.problems]
    return reportOf({ record, world, cluster, broken, duration: end - begin })
  } finally {
    await world.end()
    await cluster.stop()
  }
}
