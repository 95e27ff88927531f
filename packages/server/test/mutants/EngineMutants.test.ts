/** An engine that is wrong in one place is found by the checks of the conformance kit that are there to find it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Lane, missed, spread } from "../../../conformance/test/mutants/scenarioQueue.ts"
import { scenarios } from "../../../conformance/test/mutants/takenIds.ts"
import type { EngineMutant } from "./EngineMutant.ts"
import { engineMutants } from "./EngineMutants.ts"

const changed = `--import=${new URL("Changed.ts", import.meta.url).href}`

/** The named checks that do not find it, on a server that it is. */
const survives = async (lane: Lane, { name, kills, silent }: EngineMutant): Promise<ReadonlyArray<string>> => {
  await lane.server.tell(name)
  const byScenario = Object.entries(Object.groupBy(kills, (id) => id.slice(0, id.indexOf("#"))))
  const left: Array<string> = []
  for (const [scenario, ids = []] of byScenario)
    left.push(...(await missed(lane, scenario, () => ({}), ids, { silent: silent === true })))
  await lane.server.tell("")
  return left
}

const lanes: Array<Lane> = []
const open = async (): Promise<Lane> => {
  const lane = await Lane.open(changed)
  lanes.push(lane)
  return lane
}

let shared: Lane
beforeAll(async () => {
  shared = await open()
})
afterAll(() => Promise.all(lanes.map((lane) => lane.close())))

describe("found by the checks named for it", () => {
  for (const mutant of engineMutants) {
    it(`${mutant.name}: ${mutant.says}`, async () => {
      const left = await survives(mutant.spoils === true ? await open() : shared, mutant)
      expect(left).toEqual([])
    })
  }
})

it("the server without a mutant is the good one, also after all of them", async () => {
  const found = await spread([shared], scenarios, async (one, { id }) => {
    const { result } = await one.play(id, {}, { timing: { reply: 15_000, close: 15_000, scenario: 50_000 } })
    return result.checks.filter(({ verdict }) => verdict !== "pass").map((check) => check.id)
  })
  expect(found.flat()).toEqual([])
})
