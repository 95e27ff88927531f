/**
 * No false positives: no check fails a server whose messages differ only in permitted ways. The server itself plays all
 * scenarios, and with each way a quarter of them; in the quick run a twelfth of them each.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { repetitions } from "../../../../scripts/repetitions.ts"
import { applies } from "../../src/scenarios/loadScenarios.ts"
import { isJudged } from "../../src/run/plan.ts"
import { type Benign, benign } from "./Benign.ts"
import { distribute, longTimeouts, type MutantRunner, openRunners } from "./MutantRunner.ts"
import { scenarios } from "./takenIds.ts"

let runners: ReadonlyArray<MutantRunner> = []
beforeAll(async () => {
  runners = await openRunners()
})
afterAll(() => Promise.all(runners.map((runner) => runner.close())))

describe("nothing is found in what is right", () => {
  const itself: Benign = { name: "itself", description: "the good server", mutant: {} }
  for (const [turn, { name, description, mutant, more = {} }] of [itself, ...benign].entries()) {
    it(`${name}: ${description}`, async () => {
      const ofXuanxuan = more.transport !== undefined || more.wire !== undefined
      const chosen = scenarios.filter((scenario) => {
        if (!isJudged(scenario, more.profile ?? "all")) return false
        if (!scenario.id.startsWith("xuanxuan/")) return !ofXuanxuan
        return applies(scenario, more.transport ?? "ws", more.wire ?? "documented")
      })
      const every = turn > 0 ? repetitions(4, 12) : repetitions(1, 12)
      const played = chosen.filter((_, index) => (index + turn) % every === 0)
      const found = await distribute(runners, played, async (runner, { id }) => {
        const { result } = await runner.play(id, mutant, { ...more, timing: longTimeouts })
        const wrong = result.checks.filter(({ verdict }) => verdict !== "pass" && verdict !== "not-applicable")
        return wrong.map((check) => `${check.id} ${check.verdict}: ${check.evidence?.reason}`)
      })
      expect(found.flat()).toEqual([])
    })
  }
})
