/** The kit can fail: every mutant on the wire is found by the checks that are there to find it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Lane, missed, spread } from "./scenarioQueue.ts"
import { scenarioOf } from "./takenIds.ts"
import { named } from "./WireMutant.ts"
import { wireMutants } from "./WireMutants.ts"

let lanes: ReadonlyArray<Lane> = []
beforeAll(async () => {
  lanes = await Promise.all([Lane.open(), Lane.open(), Lane.open()])
})
afterAll(() => Promise.all(lanes.map((lane) => lane.close())))

describe("found by the checks named for it", () => {
  for (const mutant of wireMutants) {
    it(`${mutant.name}: ${mutant.says}`, async () => {
      const byScenario = Object.groupBy(named(mutant), (id) => id.slice(0, id.indexOf("#")))
      const work = Object.entries(byScenario).map(([scenario, ids]) => ({ scenario, ids: ids ?? [] }))
      expect(work.length).toBeGreaterThan(0)
      const left = await spread(lanes, work, (lane, { scenario, ids }) =>
        missed(lane, scenario, () => mutant.make(scenarioOf(scenario)), ids, {
          ...mutant.more,
          silent: mutant.silent === true
        })
      )
      expect(left.flat()).toEqual([])
    })
  }
})
