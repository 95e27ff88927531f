/**
 * Progress of a run: one line for each scenario, or on a terminal a status line below the scenarios that did not pass.
 */
import type { Options } from "../run/plan.ts"
import { lines } from "../report/Text.ts"
import type { ScenarioResult } from "../run/Results.ts"
import type { Host } from "./Host.ts"

const clear = "\r\u001b[K"

export interface Progress extends Pick<Options, "onPlan" | "onStart" | "onScenario"> {
  /** Removes the status line. */
  readonly end: () => void
}

const everyLine = (host: Host): Progress => ({
  onScenario: (result) => host.out(lines(result, host.paint).join("\n")),
  end: () => undefined
})

const oneLine = (host: Host, columns: number): Progress => {
  let total = 0
  let done = 0
  let bad = 0
  const draw = (id: string) => {
    const failed = bad === 0 ? "" : `  ${bad} failed`
    host.draw(`${clear}${`${done}/${total}${failed}  ${id}`.slice(0, Math.max(10, columns - 1))}`)
  }
  const noteworthy = ({ verdict }: ScenarioResult) => verdict !== "pass" && verdict !== "not-applicable"
  return {
    onPlan: (scenarios) => {
      total = scenarios
      done = 0
      bad = 0
    },
    onStart: ({ id }) => draw(id),
    onScenario: (result) => {
      if (result.verdict !== "not-applicable") done++
      if (result.verdict === "fail" || result.verdict === "error") bad++
      if (noteworthy(result)) {
        host.draw(clear)
        host.out(lines(result, host.paint).join("\n"))
      }
      draw(result.id)
    },
    end: () => host.draw(clear)
  }
}

export const progress = (host: Host, quiet: boolean): Progress => {
  if (quiet) return { end: () => undefined }
  return host.columns === undefined ? everyLine(host) : oneLine(host, host.columns)
}
