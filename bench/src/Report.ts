/** The page of figures. */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { cpus, totalmem } from "node:os"
import type { Found } from "./Experiment.ts"
import { perConnection, perDelivered, perSend, ratios } from "./Goals.ts"
import { pinning } from "./Program.ts"
import { type Ratio, ratioTable } from "./Ratio.ts"
import type { Run } from "./Rounds.ts"
import type { Scenario } from "./Scenario.ts"
import { three } from "./Spread.ts"
import type { Subject } from "./Subject.ts"
import { markdownOf, type Table } from "./Table.ts"

export interface Report {
  readonly date: string
  readonly machine: string
  readonly versions: string
  readonly pinned: boolean
  /** Command line that produces the report. */
  readonly command: string
  readonly rounds: number
  /** Seconds that each run of a scenario was measured. */
  readonly duration: number
  readonly runs: ReadonlyArray<Run>
  readonly ratios: ReadonlyArray<Ratio>
  /** Tables of experiments. */
  readonly tables: ReadonlyArray<Table>
  /** Messages that did not arrive, in words. */
  readonly missing: ReadonlyArray<string>
}

const versionOf = (name: string): string => {
  const require = createRequire(import.meta.url)
  try {
    return `${name} ${(JSON.parse(readFileSync(require.resolve(`${name}/package.json`), "utf8")) as { version: string }).version}`
  } catch {
    return name
  }
}

const missingIn = ({ scenario, subject, round, missing, lost }: Run): ReadonlyArray<string> =>
  missing > 0 || lost > 0 ? [`${scenario}/${subject} round ${round}: ${missing} messages, ${lost} connections`] : []

export const reportOf = (
  runs: ReadonlyArray<Run>,
  found: Found,
  played: Pick<Report, "command" | "rounds" | "duration">
): Report => ({
  date: new Date().toISOString().slice(0, 10),
  machine: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
  versions: [
    `Node ${process.version}`,
    `SQLite ${process.versions["sqlite"] ?? "?"}`,
    versionOf("ws"),
    versionOf("socket.io")
  ].join(", "),
  pinned: pinning,
  ...played,
  runs,
  ratios: [...ratios(runs), ...found.ratios],
  tables: found.tables,
  missing: [...runs.flatMap(missingIn), ...found.missing]
})

/** The figures of the runs, a column for each scenario and a row for each server. */
const tablesOf = (
  { runs }: Report,
  scenarios: ReadonlyArray<Scenario>,
  subjects: ReadonlyArray<Subject>
): ReadonlyArray<Table> => {
  const figures = (
    title: string,
    among: ReadonlyArray<Scenario>,
    cell: (runs: ReadonlyArray<Run>) => string,
    note?: string
  ): ReadonlyArray<Table> => {
    const body = subjects
      .map(({ name }) => [
        name,
        ...among.map((scenario) => cell(runs.filter((run) => run.scenario === scenario.name && run.subject === name)))
      ])
      .filter(([, ...cells]) => cells.some((one) => one !== "–"))
    const head = ["server", ...among.map(({ name }) => name)]
    return body.length === 0 ? [] : [{ title, head, body, ...(note !== undefined && { note }) }]
  }
  const closed = scenarios.filter(({ pace }) => pace.mode === "closed")
  const open = scenarios.filter(({ pace }) => pace.mode === "open")
  const played = scenarios.filter(({ pace }) => pace.mode !== "idle")
  const idle = scenarios.filter(({ pace }) => pace.mode === "idle")
  return [
    ...figures("Server CPU, µs per delivered message", played, (of) => three(of.map(perDelivered), 2)),
    ...figures("Server CPU, µs per message sent", played, (of) => three(of.map(perSend), 1)),
    ...figures(
      "Messages sent per second",
      closed,
      (of) =>
        three(
          of.map(({ sends, from, to }) => (sends * 1e6) / (to - from)),
          0
        ),
      "It depends on the machine's other load and on the generator's speed."
    ),
    ...figures(
      "Milliseconds to the reply, at a constant rate",
      open,
      (of) =>
        three(
          of.flatMap(({ answers }) => (answers === undefined ? [] : [answers.median])),
          2
        ),
      "The median of each run."
    ),
    ...figures(
      "Milliseconds to the last member's client",
      played,
      (of) =>
        three(
          of.flatMap(({ latency }) => (latency === undefined ? [] : [latency.median])),
          1
        ),
      "The median of each run; in a saturated scenario mostly the time that a message waits for earlier ones."
    ),
    ...figures(
      "Memory, kB per connection that does nothing",
      idle,
      (of) => three(of.map(perConnection), 1),
      "Resident memory after a garbage collection, minus the memory before the first connection; the same for all servers."
    )
  ]
}

/** The report as Markdown: each figure is a median, with the least and the largest in brackets. */
export const markdown = (
  report: Report,
  scenarios: ReadonlyArray<Scenario>,
  subjects: ReadonlyArray<Subject>
): string => {
  const { date, machine, versions, pinned, command, rounds, duration, missing } = report
  const cores = pinned ? "server on core 0, generator on core 1" : "not kept on cores of their own"
  const runs = scenarios.length === 0 ? "" : `, ${rounds} ${rounds === 1 ? "round" : "rounds"} of ${duration} s`
  return [
    `Measured on ${date} by \`${command}\`: ${machine}; ${versions}; ${cores}${runs}. Each figure is the median, with the least and the largest in brackets.`,
    ...(report.ratios.length === 0 ? [] : [markdownOf(ratioTable(report.ratios))]),
    ...[...tablesOf(report, scenarios, subjects), ...report.tables].map(markdownOf),
    missing.length === 0 ? "No message was missing in any run." : `MISSING: ${missing.join("; ")}`
  ].join("\n\n")
}
