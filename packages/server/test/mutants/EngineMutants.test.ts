/** Every engine mutant is detected by its checks of the conformance kit: by those of some scenarios in the quick run. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { repetitions, share } from "../../../../scripts/repetitions.ts"
import { MutantRunner, undetected, distribute } from "../../../conformance/test/mutants/MutantRunner.ts"
import { scenarios } from "../../../conformance/test/mutants/takenIds.ts"
import type { EngineMutant } from "./EngineMutant.ts"
import { operations } from "../../../core/src/rules/Operations.ts"
import { engineMutants } from "./EngineMutants.ts"
import { operationCases } from "./OperationMutants.ts"

const changed = `--import=${new URL("Changed.ts", import.meta.url).href}`

/** Returns the mutant's checks that do not detect it. */
const survives = async (
  runner: MutantRunner,
  { name, kills, silent }: EngineMutant,
  turn: number
): Promise<ReadonlyArray<string>> => {
  await runner.server.tell(name)
  const byScenario = Object.entries(Object.groupBy(kills, (id) => id.slice(0, id.indexOf("#"))))
  const left: Array<string> = []
  const some = byScenario.length < 3 ? byScenario.slice(0, repetitions(3, 1)) : share(byScenario, 3, turn)
  for (const [scenario, ids = []] of some)
    left.push(...(await undetected(runner, scenario, () => ({}), ids, { silent: silent === true })))
  await runner.server.tell("")
  return left
}

const runners: Array<MutantRunner> = []
const open = async (): Promise<MutantRunner> => {
  const runner = await MutantRunner.open(changed)
  runners.push(runner)
  return runner
}

let shared: MutantRunner
beforeAll(async () => {
  shared = await open()
})
afterAll(() => Promise.all(runners.map((runner) => runner.close())))

/** Mutants that need a server of their own; the quick run plays a quarter of them. */
const spoiling = engineMutants.filter(({ spoils }) => spoils === true)
const chosen = new Set(share(spoiling, 4))

describe("detected by its checks", () => {
  for (const [turn, mutant] of engineMutants.entries()) {
    it.runIf(mutant.spoils !== true || chosen.has(mutant))(`${mutant.name}: ${mutant.description}`, async () => {
      const left = await survives(mutant.spoils === true ? await open() : shared, mutant, turn)
      expect(left).toEqual([])
    })
  }
})

it("every rule of every operation has a mutant, or a reason why it has none", () => {
  const named = Object.groupBy(operationCases, ({ operation }) => operation)
  const found = Object.entries(named).map(([operation, cases = []]) => [operation, cases.map(({ rule }) => rule)])
  expect(found).toEqual(Object.entries(operations).map(([name, rules]) => [name, rules.map((rule) => rule.name)]))
})

it("the server without a mutant conforms, even after all of them", async () => {
  const found = await distribute([shared], share(scenarios, 24), async (one, { id }) => {
    const { result } = await one.play(id, {}, { timing: { reply: 15_000, close: 15_000, scenario: 50_000 } })
    return result.checks.filter(({ verdict }) => verdict !== "pass").map((check) => check.id)
  })
  expect(found.flat()).toEqual([])
})
