/** Ratios, and the page of figures. A figure in µs is good for this machine only; a ratio travels. */
import { cpus, totalmem } from "node:os"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { pinning } from "./Program.ts"
import type { Run } from "./Rounds.ts"
import type { Rows } from "./Rows.ts"
import type { Scenario } from "./Scenario.ts"
import type { Subject } from "./Subject.ts"

export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

export const spread = (values: ReadonlyArray<number>): Spread => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const at = (index: number): number => sorted[index] ?? Number.NaN
  return { min: at(0), median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, max: at(sorted.length - 1) }
}

/** What one run is compared by. */
type Figure = (run: Run) => number
const perDelivered: Figure = ({ cpu, delivered }) => cpu / delivered
const perSend: Figure = ({ cpu, sends }) => cpu / sends

interface Goal {
  readonly says: string
  readonly of: readonly [scenario: string, subject: string]
  readonly over: readonly [scenario: string, subject: string]
  readonly figure: Figure
  readonly goal: number
}

const FRAME = "relay-frame"
const goals: ReadonlyArray<Goal> = [
  { says: "a: CPU per message / relay-frame", of: ["a", "parley"], over: ["a", FRAME], figure: perDelivered, goal: 2 },
  {
    says: "b: CPU per delivered message / relay-frame",
    of: ["b", "parley"],
    over: ["b", FRAME],
    figure: perDelivered,
    goal: 0.4
  },
  {
    says: "c: CPU per delivered message / relay-frame",
    of: ["c", "parley"],
    over: ["c", FRAME],
    figure: perDelivered,
    goal: 0.75
  },
  {
    says: "d: CPU per send, 990 offline / none",
    of: ["d", "parley"],
    over: ["d10", "parley"],
    figure: perSend,
    goal: 1.1
  },
  { says: "d: CPU per send / relay-frame", of: ["d", "parley"], over: ["d", FRAME], figure: perSend, goal: 0.8 },
  {
    says: "b150: CPU per delivered message / socket.io",
    of: ["b150", "parley"],
    over: ["b150", "socket.io"],
    figure: perDelivered,
    goal: 1
  }
]

export interface Ratio extends Spread {
  readonly says: string
  readonly goal: number
}

/** Each ratio is made within a round, then spread over the rounds. */
export const ratios = (runs: ReadonlyArray<Run>): ReadonlyArray<Ratio> =>
  goals.flatMap(({ says, of, over, figure, goal }) => {
    const find = (round: number, [scenario, subject]: Goal["of"]): Run | undefined =>
      runs.find((run) => run.round === round && run.scenario === scenario && run.subject === subject && run.sends > 0)
    const values = [...new Set(runs.map(({ round }) => round))].flatMap((round) => {
      const [upper, lower] = [find(round, of), find(round, over)]
      return upper === undefined || lower === undefined ? [] : [figure(upper) / figure(lower)]
    })
    return values.length === 0 ? [] : [{ says, goal, ...spread(values) }]
  })

export interface Report {
  readonly machine: string
  readonly versions: string
  readonly pinned: boolean
  readonly runs: ReadonlyArray<Run>
  readonly ratios: ReadonlyArray<Ratio>
  readonly rows: ReadonlyArray<Rows>
}

const versionOf = (name: string): string => {
  const require = createRequire(import.meta.url)
  try {
    return `${name} ${(JSON.parse(readFileSync(require.resolve(`${name}/package.json`), "utf8")) as { version: string }).version}`
  } catch {
    return name
  }
}

export const reportOf = (runs: ReadonlyArray<Run>, rows: ReadonlyArray<Rows>): Report => ({
  machine: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
  versions: [
    `Node ${process.version}`,
    `SQLite ${process.versions["sqlite"] ?? "?"}`,
    versionOf("ws"),
    versionOf("socket.io")
  ].join(", "),
  pinned: pinning,
  runs,
  ratios: ratios(runs),
  rows
})

const table = (head: ReadonlyArray<string>, body: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map(() => "---"), ...body].map((cells) => `| ${cells.join(" | ")} |`).join("\n")

const three = (values: ReadonlyArray<number>, digits: number): string => {
  const { min, median, max } = spread(values)
  if (Number.isNaN(median)) return "–"
  return values.length === 1
    ? median.toFixed(digits)
    : `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`
}

/** The report as Markdown: each figure is a median, with the least and the largest in brackets. */
export const markdown = (
  report: Report,
  scenarios: ReadonlyArray<Scenario>,
  subjects: ReadonlyArray<Subject>
): string => {
  const of = (scenario: string, subject: string) =>
    report.runs.filter((run) => run.scenario === scenario && run.subject === subject)
  const body = (cell: (runs: ReadonlyArray<Run>) => string, among: ReadonlyArray<Scenario>) =>
    subjects.map(({ name }) => [name, ...among.map((scenario) => cell(of(scenario.name, name)))])
  const played = scenarios.filter(({ pace }) => pace.mode !== "idle")
  const idle = scenarios.filter(({ pace }) => pace.mode === "idle")
  const head = ["server", ...played.map(({ name }) => name)]
  const lossy = report.runs.filter(({ missing, lost }) => missing > 0 || lost > 0)
  return [
    `${report.machine}; ${report.versions}; ${report.pinned ? "server on core 0, generator on core 1" : "not pinned to cores"}.`,
    ...played.map(({ name, says }) => `- ${name}: ${says}`),
    ...(report.ratios.length === 0
      ? []
      : [
          "\n**Ratios**\n",
          table(
            ["ratio", "min", "median", "max", "goal", ""],
            report.ratios.map(({ says, min, median, max, goal }) => [
              says,
              min.toFixed(2),
              median.toFixed(2),
              max.toFixed(2),
              `≤ ${goal.toFixed(2)}`,
              median <= goal ? "met" : `${(median / goal).toFixed(2)} × the goal`
            ])
          )
        ]),
    ...(played.length === 0
      ? []
      : [
          "\n**Server CPU, µs per delivered message**\n",
          table(
            head,
            body((runs) => three(runs.map(perDelivered), 2), played)
          ),
          "\n**Server CPU, µs per message sent**\n",
          table(
            head,
            body((runs) => three(runs.map(perSend), 1), played)
          ),
          "\n**Messages sent per second** (moves with whatever else the machine does)\n",
          table(
            head,
            body(
              (runs) =>
                three(
                  runs.map(({ sends, from, to }) => (sends * 1e6) / (to - from)),
                  0
                ),
              played
            )
          ),
          "\n**Milliseconds to the last member's client, median of each run** (the same)\n",
          table(
            head,
            body(
              (runs) =>
                three(
                  runs.flatMap(({ latency }) => (latency === undefined ? [] : [latency.median])),
                  1
                ),
              played
            )
          )
        ]),
    ...(idle.length === 0
      ? []
      : [
          "\n**Memory, kB per connection that does nothing**\n",
          table(
            ["server", ...idle.map(({ says }) => says)],
            body(
              (runs) =>
                three(
                  runs.map(({ memory, connections }) => (memory.after - memory.before) / connections),
                  1
                ),
              idle
            )
          )
        ]),
    ...(report.rows.length === 0
      ? []
      : [
          "\n**Rows per message while nobody is online**\n",
          table(
            ["members", "messages", "rows added per message"],
            report.rows.map(({ members, messages, added }) => [
              String(members),
              String(messages),
              Object.entries(added)
                .map(([name, rows]) => `${name} ${rows / messages}`)
                .join(", ")
            ])
          )
        ]),
    "",
    lossy.length === 0
      ? "No message was missing in any run."
      : `MISSING: ${lossy.map(({ scenario, subject, round, missing, lost }) => `${scenario}/${subject} round ${round}: ${missing} messages, ${lost} connections`).join("; ")}`
  ].join("\n")
}
