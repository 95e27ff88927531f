/** The command `replay`: runs the scenario of a check in a results file again, and prints both results. */
import { BadOptions, type Options } from "../run/plan.ts"
import { harmless } from "../report/Paint.ts"
import { readResults, resultsOf } from "../report/Reports.ts"
import { lines } from "../report/Text.ts"
import { exitCode, type Report, type ScenarioResult } from "../run/Results.ts"
import type { Command, Flags, Host } from "./Host.ts"
import { play } from "./Run.ts"
import { settings } from "./Settings.ts"

interface Recorded {
  readonly report: Report
  readonly scenario: ScenarioResult
}

const recorded = (file: string, check: string): ReadonlyArray<Recorded> => {
  const id = check.split("#")[0] ?? check
  const { reports } = readResults(file)
  const found = reports.flatMap((report) =>
    report.scenarios.flatMap((scenario) => (scenario.id === id ? [{ report, scenario }] : []))
  )
  if (found.length === 0) throw new BadOptions({ message: `${file} has no scenario ${id}` })
  const known = check === id || found.some(({ scenario }) => scenario.checks.some((one) => one.id === check))
  if (!known) throw new BadOptions({ message: `${file} has no check ${check}` })
  return found
}

/** The flags, with values of the results file for those that are missing. */
const withRecorded = (flags: Flags, { target, ...report }: Report, host: Host): Flags => {
  const recordedFlags: { readonly [flag: string]: string | undefined } = {
    url: target.http,
    ...(flags.text("url") === undefined ? { ws: target.ws, tcp: target.tcp } : {}),
    protocol: report.protocol,
    transport: report.transport,
    wire: report.wire,
    profile: report.profile
  }
  const text = (flag: string) =>
    flags.text(flag) ?? (host.env[`PARLEY_CONFORMANCE_${flag.toUpperCase()}`] ? undefined : recordedFlags[flag])
  return {
    ...flags,
    text,
    texts: (flag) => {
      const own = flags.texts(flag)
      const one = text(flag)
      return own.length > 0 || one === undefined ? own : [one]
    },
    on: (flag) => flags.on(flag) || (flag === "strict" && report.strict)
  }
}

const narrowed = (result: ScenarioResult, check: string): ScenarioResult =>
  check.includes("#") ? { ...result, checks: result.checks.filter(({ id }) => id === check) } : result

const show = (when: string, result: ScenarioResult, check: string, host: Host): void => {
  host.out(host.paint("bold", when))
  for (const line of lines(narrowed(result, check), host.paint)) host.out(`  ${line}`)
  for (const { actor, direction, text } of result.exchanges) {
    const [first = "", ...rest] = harmless(text).split("\n")
    host.out(host.paint("grey", `    ${actor} ${direction === "sent" ? "->" : "<-"} ${first}`))
    for (const line of rest) host.out(host.paint("grey", `       ${line}`))
  }
  host.out("")
}

export const replay: Command = {
  name: "replay",
  operands: "<results.json> <check>",
  summary: "run the scenario of a check again, and show both results",
  flags: [
    "url",
    "ws",
    "tcp",
    "insecure",
    "accounts",
    "reset",
    "timeout",
    "config",
    "sequences",
    "literal",
    "strict",
    "json"
  ],
  count: [2, 2],
  run: async (flags, host) => {
    const [file = "", check = ""] = flags.operands
    const reports: Array<Report> = []
    for (const { report, scenario } of recorded(file, check)) {
      const { runs } = settings(withRecorded(flags, report, host), host, { protocolNeeded: true })
      const only = runs.map((options): Options => ({ ...options, only: scenario.id, expected: [], bail: false }))
      const again = await play(only, { end: () => undefined })
      reports.push(...again)
      if (flags.on("json")) continue
      show(`then, ${report.started}`, scenario, check, host)
      for (const { started, scenarios } of again) {
        for (const result of scenarios) show(`now, ${started}`, result, check, host)
      }
    }
    if (flags.on("json")) host.out(JSON.stringify(resultsOf(reports), undefined, 2))
    return exitCode(...reports)
  }
}
