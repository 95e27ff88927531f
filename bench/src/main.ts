/** `npx pnpm bench`: see docs/performance.md. Exit codes: 0 done, 1 something was missing, 2 usage. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { type Found, together } from "./Experiment.ts"
import { BadOptions, type Options, readOptions, usage } from "./Options.ts"
import { writePage } from "./Page.ts"
import { prepare } from "./Prepared.ts"
import { summary } from "./Profile.ts"
import { markdown, type Report, reportOf } from "./Report.ts"
import { play, type Run, type Setting } from "./Rounds.ts"
import { onlineOf, usersOf } from "./Scenario.ts"

const PROFILES = fileURLToPath(new URL("../profiles", import.meta.url))

/** Functions shown of each profile. */
const TOP = 25

const tell = (line: string): void => void process.stderr.write(`${line}\n`)

const showProfiles = (runs: ReadonlyArray<Run>): void => {
  for (const run of runs.filter(({ subject, round }) => subject.startsWith("parley") && round === 1)) {
    tell(`${run.scenario}:\n${summary(join(PROFILES, run.scenario + run.subject), run, TOP)}`)
  }
}

const bench = async (options: Options, folder: string): Promise<Report> => {
  const { scenarios, subjects, experiments, profile, quick, command, rounds, duration } = options
  const wanted = experiments.map(({ users }) => users?.(quick) ?? 0)
  const count = Math.max(2, ...scenarios.map(usersOf), ...wanted)
  const online = Math.max(1, ...scenarios.map(onlineOf), ...wanted)
  tell(`importing ${count} users, with sessions for ${online} of them`)
  const prepared = await prepare(folder, count, online)
  if (profile) rmSync(PROFILES, { recursive: true, force: true })
  const setting: Setting = { ...options, prepared, folder, profiles: profile ? PROFILES : undefined, tell }
  const runs = await play(setting, scenarios, subjects)
  if (profile) showProfiles(runs)
  const found: Array<Found> = []
  for (const experiment of experiments) {
    tell(`${experiment.name}: ${experiment.description}`)
    found.push(await experiment.play(setting))
  }
  return reportOf(runs, together(found), { command, rounds, duration })
}

const main = async (): Promise<number> => {
  const options = readOptions(process.argv.slice(2))
  if (options === undefined) return (console.log(usage), 0)
  const folder = mkdtempSync(join(tmpdir(), "parley-bench-"))
  try {
    const report = await bench(options, folder)
    const page = markdown(report, options.scenarios, options.subjects)
    if (options.write !== undefined) writePage(options.write, page)
    console.log(options.json ? JSON.stringify(report) : page)
    return report.missing.length === 0 ? 0 : 1
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
