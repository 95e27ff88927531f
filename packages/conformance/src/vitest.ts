/** Scenarios as Vitest tests. */
import { describe, expect, it } from "vitest"
import { type Options, plan } from "./run/plan.ts"
import type { ScenarioResult } from "./run/Results.ts"
import { audits } from "./run.ts"

/** Milliseconds added to the scenario's timeout for the test's. */
const slack = 10_000

/**
 * Declares a `describe` block with a test for each applicable scenario, run one after another. Options that depend on a
 * hook are a function, which each test calls; the scenarios are chosen without it.
 *
 * ```ts
 * describeConformance("spark", () => ({ target: fromFetch(app.fetch), protocol: "spark", accounts }), { protocol: "spark" })
 * ```
 */
export const describeConformance = (
  name: string,
  options: Options | (() => Options | Promise<Options>),
  choice?: Omit<Options, "target">
): void => {
  const nowhere = { http: "http://127.0.0.1:9", ws: "ws://127.0.0.1:9/ws", tcp: "tcp://127.0.0.1:9" }
  const known: Options = typeof options === "function" ? { ...choice, target: nowhere } : options
  const { runContext } = plan(known)
  describe(`${name}`, { concurrent: false, timeout: runContext.timing.scenario + slack }, () => {
    for (const { id, title } of audits(known)) {
      it(`${id}: ${title}`, async ({ skip }) => {
        const now = typeof options === "function" ? { ...choice, ...(await options()) } : options
        const unplayed: Array<string> = []
        const onScenario = (result: ScenarioResult) => {
          now.onScenario?.(result)
          if (result.checks.length === 0) unplayed.push(result.reason ?? "")
        }
        const [audit] = audits({ ...now, only: id, onScenario })
        expect(audit, `${id} is not a scenario of these options`).toBeDefined()
        await audit?.run()
        if (unplayed.length > 0) skip(unplayed.join())
      })
    }
  })
}
