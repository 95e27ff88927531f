/** The kit does not fail what is right: no check finds anything in a server that only speaks differently. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { applies } from "../../src/scenarios/loadScenarios.ts"
import { isJudged } from "../../src/run/plan.ts"
import { benign } from "./Benign.ts"
import { Lane, patient, spread } from "./scenarioQueue.ts"
import { scenarios } from "./takenIds.ts"

let lanes: ReadonlyArray<Lane> = []
beforeAll(async () => {
  lanes = await Promise.all([Lane.open(), Lane.open(), Lane.open()])
})
afterAll(() => Promise.all(lanes.map((lane) => lane.close())))

describe("nothing is found in what is right", () => {
  for (const { name, says, mutant, more = {} } of [
    { name: "itself", says: "the good server", mutant: {} },
    ...benign
  ]) {
    it(`${name}: ${says}`, async () => {
      const ofXuanxuan = more.transport !== undefined || more.wire !== undefined
      const chosen = scenarios.filter((scenario) => {
        if (!isJudged(scenario, more.profile ?? "all")) return false
        if (!scenario.id.startsWith("xuanxuan/")) return !ofXuanxuan
        return applies(scenario, more.transport ?? "ws", more.wire ?? "documented")
      })
      const found = await spread(lanes, chosen, async (lane, { id }) => {
        const { result } = await lane.play(id, mutant, { ...more, timing: patient })
        const wrong = result.checks.filter(({ verdict }) => verdict !== "pass" && verdict !== "not-applicable")
        return wrong.map((check) => `${check.id} ${check.verdict}: ${check.evidence?.reason}`)
      })
      expect(found.flat()).toEqual([])
    })
  }
})
