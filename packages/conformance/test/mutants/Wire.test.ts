/** Every wire mutant is detected by the checks that are named for it: by some of them in the quick run. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { share } from "../../../../scripts/repetitions.ts"
import { distribute, type MutantRunner, openRunners, undetected } from "./MutantRunner.ts"
import { scenarioOf } from "./takenIds.ts"
import { targetChecks } from "./WireMutant.ts"
import { wireMutants } from "./WireMutants.ts"

let runners: ReadonlyArray<MutantRunner> = []
beforeAll(async () => {
  runners = await openRunners()
})
afterAll(() => Promise.all(runners.map((runner) => runner.close())))

describe("found by the checks named for it", () => {
  for (const [turn, mutant] of wireMutants.entries()) {
    it(`${mutant.name}: ${mutant.description}`, async () => {
      const byScenario = Object.groupBy(targetChecks(mutant), (id) => id.slice(0, id.indexOf("#")))
      const work = Object.entries(byScenario).map(([scenario, ids]) => ({ scenario, ids: ids ?? [] }))
      expect(work.length).toBeGreaterThan(0)
      const left = await distribute(
        runners,
        work.length < 12 ? work : share(work, 12, turn),
        (runner, { scenario, ids }) =>
          undetected(runner, scenario, () => mutant.make(scenarioOf(scenario)), ids, {
            ...mutant.more,
            silent: mutant.silent === true
          })
      )
      expect(left.flat()).toEqual([])
    })
  }
})
