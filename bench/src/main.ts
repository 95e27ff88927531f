/** `npx pnpm bench`: see docs/performance.md. Exit codes: 0 done, 1 messages were missing, 2 usage. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { BadOptions, type Options, readOptions, usage } from "./Options.ts"
import { prepare, type Prepared } from "./Prepared.ts"
import { summary } from "./Profile.ts"
import { markdown, type Report, reportOf } from "./Report.ts"
import { play } from "./Rounds.ts"
import { countRows, type Rows } from "./Rows.ts"
import { onlineOf, usersOf } from "./Scenario.ts"

const PROFILES = fileURLToPath(new URL("../profiles", import.meta.url))

/** Functions shown of each profile. */
const TOP = 25

const tell = (line: string): void => void process.stderr.write(`${line}\n`)

const rowsOf = async (prepared: Prepared, rows: Options["rows"]): Promise<ReadonlyArray<Rows>> => {
  const counted: Array<Rows> = []
  for (const members of rows?.members ?? []) counted.push(await countRows(prepared, members, rows?.messages ?? 0))
  return counted
}

const bench = async (options: Options, folder: string): Promise<Report> => {
  const { scenarios, subjects, rows, profile } = options
  const count = Math.max(2, ...scenarios.map(usersOf), ...(rows?.members ?? []))
  const online = Math.max(1, ...scenarios.map(onlineOf))
  tell(`importing ${count} users, logging ${online} of them in`)
  const prepared = await prepare(folder, count, online)
  const profiles = profile ? PROFILES : undefined
  if (profile) rmSync(PROFILES, { recursive: true, force: true })
  const runs = await play({ ...options, prepared, folder, profiles, tell }, scenarios, subjects)
  if (profile) {
    for (const run of runs.filter(({ subject, round }) => subject === "parley" && round === 1)) {
      tell(`${run.scenario}:\n${summary(join(PROFILES, run.scenario), run, TOP)}`)
    }
  }
  return reportOf(runs, await rowsOf(prepared, rows))
}

const main = async (): Promise<number> => {
  const options = readOptions(process.argv.slice(2))
  if (options === undefined) return (console.log(usage), 0)
  const folder = mkdtempSync(join(tmpdir(), "parley-bench-"))
  try {
    const report = await bench(options, folder)
    console.log(options.json ? JSON.stringify(report) : markdown(report, options.scenarios, options.subjects))
    return report.runs.every(({ missing, lost }) => missing === 0 && lost === 0) ? 0 : 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

try {
  process.exitCode = await main()
} catch (cause) {
  if (!(cause instanceof BadOptions)) throw cause
  console.error(`${cause.message}\n\n${usage}`)
  process.exitCode = 2
}
