/** `run`: plays the scenarios and judges. */
import * as Effect from "effect/Effect"
import type { Options } from "../run/plan.ts"
import { exitCode, type Report } from "../run/Results.ts"
import { resultsOf, writeReports } from "../report/Reports.ts"
import { summary } from "../report/Text.ts"
import { runEffect } from "../run/run.ts"
import type { Command, Host } from "./Host.ts"
import { type Progress, progress } from "./Progress.ts"
import { settings } from "./Settings.ts"

/** The flags that say what is run. */
export const target = ["url", "ws", "tcp", "accounts", "reset", "timeout", "config", "literal"]
export const choice = ["protocol", "transport", "wire", "profile", "strict", "only", "sequences"]

/** Plays one run after the other. Rejected with `CannotRun`. */
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
      if (options.bail === true && exitCode(report) !== 0) break
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
  summary: "play the scenarios against a server and judge what it says",
  flags: [...choice, ...target, "expected", "report", "json", "bail"],
  count: [0, 0],
  run: async (given, host) => {
    const { runs, reports: wanted } = settings(given, host, { protocolNeeded: true })
    const quiet = given.on("json") || wanted.some(({ file }) => file === "-")
    const reports = await play(runs, progress(host, quiet), (report) => {
      if (!quiet) say(report, host)
    })
    const results = resultsOf(reports)
    writeReports(given.on("json") ? [...wanted, { form: "json", file: "-" }] : wanted, results, host.out)
    return exitCode(...reports)
  }
}
