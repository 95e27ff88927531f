/** The command `run`: runs the scenarios against a server. */
import * as Effect from "effect/Effect"
import type { Options } from "../run/plan.ts"
import { exitCode, type Report } from "../run/Results.ts"
import { resultsOf, writeReports } from "../report/Reports.ts"
import { summary } from "../report/Text.ts"
import { runEffect } from "../run.ts"
import type { Command, Host } from "./Host.ts"
import { type Progress, progress } from "./Progress.ts"
import { settings } from "./Settings.ts"

/** Flags that several commands share. */
export const target = ["url", "ws", "tcp", "insecure", "accounts", "reset", "timeout", "config", "literal"]
export const choice = ["protocol", "transport", "wire", "profile", "strict", "only", "skip", "without", "sequences"]

/** Executes the runs one after another. Rejects with `CannotRun`. */
export const play = async (
  runs: ReadonlyArray<Options>,
  follow: Progress,
  more?: (report: Report) => void
): Promise<ReadonlyArray<Report>> => {
  const { onPlan, onStart, onScenario, end } = follow
  const hooks = {
    ...(onPlan === undefined ? {} : { onPlan }),
    ...(onStart === undefined ? {} : { onStart }),
    ...(onScenario === undefined ? {} : { onScenario })
  }
  const reports: Array<Report> = []
  try {
    for (const options of runs) {
      const report = await Effect.runPromise(runEffect({ ...options, ...hooks }))
      reports.push(report)
      end()
      more?.(report)
      if (options.signal?.aborted === true || (options.bail === true && exitCode(report) !== 0)) break
    }
    return reports
  } finally {
    end()
  }
}

const say = (report: Report, host: Host): void => {
  const code = exitCode(report)
  host.out(host.paint(code === 0 ? "green" : "red", summary(report)))
}

export const run: Command = {
  name: "run",
  operands: "",
  summary: "run the scenarios against a server",
  flags: [...choice, ...target, "expected", "report", "json", "bail"],
  count: [0, 0],
  run: async (flags, host) => {
    const { runs, reports: wanted } = settings(flags, host, { protocolNeeded: true })
    const quiet = flags.on("json") || wanted.some(({ file }) => file === "-")
    const reports = await play(runs, progress(host, quiet), (report) => {
      if (!quiet) say(report, host)
    })
    const results = resultsOf(reports)
    writeReports(flags.on("json") ? [...wanted, { form: "json", file: "-" }] : wanted, results, host.out)
    return exitCode(...reports)
  }
}
