/** Figures of a run, and the promises that were broken. */
import type { Cluster } from "./Cluster.ts"
import type { FaultSpan, Record } from "./Record.ts"
import type { World } from "./World.ts"

/** Maximum number of broken promises that are printed. */
const MAX_SHOWN = 40

/** Longest time without an answered message while one kind of fault lasted. */
interface Gap {
  readonly fault: string
  readonly times: number
  readonly longest: number
}

export interface Report {
  readonly duration: number
  readonly counts: Readonly<{ [name: string]: number }>
  /** Milliseconds from the answer to the push, while no fault lasted: median, 99 %, maximum. */
  readonly delivery: readonly [median: number, most: number, longest: number]
  readonly gaps: ReadonlyArray<Gap>
  /** Lines of the nodes' logs above level Info, with their numbers. */
  readonly complaints: ReadonlyMap<string, number>
  readonly broken: ReadonlyArray<string>
}

const gapIn = (answers: ReadonlyArray<number>, { endedAt, startedAt }: FaultSpan): number => {
  const within = [startedAt, ...answers.filter((at) => at > startedAt && at < endedAt), endedAt]
  return Math.max(...within.slice(1).map((at, index) => at - (within[index] ?? at)))
}

const gapsOf = ({ faults, sent }: Record): ReadonlyArray<Gap> => {
  const answers = sent.filter(({ outcome }) => outcome === "answered").map(({ endedAt }) => endedAt)
  answers.sort((a, b) => a - b)
  return [...Map.groupBy(faults, ({ name }) => name)].map(([fault, spans]) => ({
    fault,
    times: spans.length,
    longest: Math.max(...spans.map((span) => gapIn(answers, span)))
  }))
}

const deliveryOf = (record: Record): Report["delivery"] => {
  const answered = new Map(record.sent.filter(({ outcome }) => outcome === "answered").map((one) => [one.content, one]))
  const opened = new Map(record.connections.map(({ number, openedAt }) => [number, openedAt]))
  const first = new Set<string>()
  const times: Array<number> = []
  for (const { account, at, connection, content } of record.heard) {
    const sent = answered.get(content)
    const key = `${account} ${content}`
    if (sent === undefined || first.has(key)) continue
    first.add(key)
    // Those that were missed while the client was not connected came with its login.
    if ((opened.get(connection) ?? 0) > sent.startedAt || record.hasFault(sent.startedAt, at)) continue
    times.push(Math.max(0, at - sent.endedAt))
  }
  times.sort((a, b) => a - b)
  const atShare = (share: number): number => times[Math.floor((times.length - 1) * share)] ?? Number.NaN
  return [atShare(0.5), atShare(0.99), atShare(1)]
}

export const reportOf = ({
  broken,
  cluster,
  duration,
  record,
  world
}: {
  readonly record: Record
  readonly world: World
  readonly cluster: Cluster
  readonly broken: ReadonlyArray<string>
  readonly duration: number
}): Report => {
  const members = [...world.members.values()]
  const sum = (figure: (member: (typeof members)[number]) => number): number =>
    members.reduce((total, member) => total + figure(member), 0)
  const count = (outcome: string): number => record.sent.filter((one) => one.outcome === outcome).length
  const pushes = new Set(record.heard.map(({ account, content }) => `${account} ${content}`)).size
  const complaints = new Map<string, number>()
  for (const { server } of cluster.nodes) {
    for (const [line, times] of server.complaints) complaints.set(line, (complaints.get(line) ?? 0) + times)
  }
  return {
    duration,
    counts: {
      "messages answered": count("answered"),
      refused: count("refused"),
      "of unknown outcome": count("unknown"),
      pushes,
      "pushes again": record.heard.length - pushes,
      "changes of members": record.moves.length,
      "chat logins": sum(({ logins }) => logins),
      resumptions: sum(({ resumes }) => resumes),
      "HTTP logins": world.apps.logins,
      faults: record.faults.length
    },
    delivery: deliveryOf(record),
    gaps: gapsOf(record),
    complaints,
    broken
  }
}

export const textOf = ({ broken, complaints, counts, delivery, duration, gaps }: Report): string =>
  [
    `${(duration / 60_000).toFixed(1)} minutes: ${Object.entries(counts)
      .map(([name, number]) => `${number} ${name}`)
      .join(", ")}`,
    `delivery without faults: median ${delivery[0]} ms, 99 % ${delivery[1]} ms, longest ${delivery[2]} ms`,
    ...gaps.map(
      ({ fault, longest, times }) =>
        `${fault.padEnd(18)}${times} times, longest time without an answered message ${longest} ms`
    ),
    ...[...complaints].map(([line, times]) => `log, ${times} times: ${line}`),
    broken.length === 0 ? "all promises were kept" : `${broken.length} PROMISES WERE BROKEN`,
    ...broken.slice(0, MAX_SHOWN)
  ].join("\n")
