/**
 * Every requirement of the documents has a fault that breaks it alone and that one of its checks detects, or a reason why
 * no fault is visible. UPDATE_DOCS=1 looks for a mutant of each requirement that has none, and writes it into
 * `requirements/mutants.txt`.
 */
import { writeFileSync } from "node:fs"
import { afterAll, beforeAll, expect, it } from "vitest"
import { share } from "../../../../scripts/repetitions.ts"
import { engineMutants } from "../../../server/test/mutants/EngineMutants.ts"
import { printMutants } from "../../scripts/sources/printMutants.ts"
import { mutantsOf, notDetectable, requirementMutants, type RequirementMutant } from "../../src/requirements/Mutants.ts"
import { documents, requirement, type Requirement, requirements } from "../../src/requirements/Requirements.ts"
import { fieldRequirements, placesOf } from "./FieldMutants.ts"
import { distribute, longTimeouts, type MutantRunner, openRunners, undetected } from "./MutantRunner.ts"
import type { Traffic } from "./Proxy.ts"
import { candidates, isNamed, isSilent, mutantOf } from "./RequirementMutants.ts"
import { targetChecks } from "./WireMutant.ts"
import { wireMutants } from "./WireMutants.ts"

const testable: ReadonlyArray<Requirement> = documents
  .flatMap((name) => requirements(name))
  .filter(({ excluded }) => excluded === undefined)

let runners: ReadonlyArray<MutantRunner> = []
beforeAll(async () => {
  runners = await openRunners()
}, 300_000)
afterAll(() => Promise.all(runners.map((runner) => runner.close())))

const scenarioOfCheck = (check: string): string => check.slice(0, check.indexOf("#"))

const isFound = async (runner: MutantRunner, row: RequirementMutant): Promise<boolean> => {
  // Strict, so that tolerated forms are detected as well.
  const search = { strict: true, silent: isSilent(row.mutation) }
  const left = await undetected(runner, scenarioOfCheck(row.check), () => mutantOf(row), [row.check], search)
  return left.length === 0
}

/** The mutant of the kill matrix that a check is named for, the most particular first. */
const named = (check: string): string | undefined =>
  [...engineMutants, ...wireMutants.toReversed().map((one) => ({ name: one.name, kills: targetChecks(one) }))]
    .filter(({ kills }) => kills.includes(check))
    .toSorted((a, b) => a.kills.length - b.kills.length)[0]?.name

const attempt = async (runner: MutantRunner, row: RequirementMutant): Promise<boolean> => {
  try {
    return await isFound(runner, row)
  } catch {
    return false
  }
}

const found = async (runner: MutantRunner, one: Requirement, traffic: ReadonlyMap<string, Traffic>) => {
  const rows: Array<RequirementMutant> = []
  for (const check of one.checks) {
    const said = traffic.get(scenarioOfCheck(check))
    const isSent = one.field !== undefined && one.field.in !== "request"
    const places = isSent && said !== undefined ? placesOf(check, one, said) : []
    const drops = places.filter((place) => !rows.some(({ mutation }) => mutation === `drop ${place}`))
    for (const mutation of [...drops.map((place) => `drop ${place}`), ...candidates(one)]) {
      const row = { requirement: one.id, check, mutation }
      if (!(await attempt(runner, row))) continue
      rows.push(row)
      if (!isSent) return rows
    }
  }
  const as =
    one.field === undefined && rows.length === 0 ? one.checks.find((check) => named(check) !== undefined) : undefined
  return as === undefined ? rows : [{ requirement: one.id, check: as, mutation: `as ${named(as)}` }]
}

const update = async (): Promise<void> => {
  const missing = testable.filter(({ id }) => mutantsOf(id).length === 0 && !notDetectable().has(id))
  const names = [...new Set(missing.flatMap(({ checks }) => checks.map(scenarioOfCheck)))]
  const traffic = new Map(
    await distribute(runners, names, async (runner, name) => {
      const { traffic: said } = await runner.play(name, {}, { timing: longTimeouts })
      return [name, said] as const
    })
  )
  const rows = await distribute(runners, missing, (runner, one) => found(runner, one, traffic))
  const mutants = [...requirementMutants(), ...rows.flat()]
  const reasons = Array.from(notDetectable(), ([id, reason]) => ({ requirement: id, reason }))
  const file = new URL("../../requirements/mutants.txt", import.meta.url)
  writeFileSync(file, printMutants({ mutants, notDetectable: reasons }))
}

it("every requirement has a mutant, or a reason why it has none", async () => {
  if (process.env["UPDATE_DOCS"] === "1") await update()
  const without = testable.filter(({ id }) => mutantsOf(id).length === 0).map(({ id }) => id)
  expect(without.toSorted()).toEqual([...notDetectable().keys()].toSorted())
}, 3_600_000)

it("the check named for a requirement is one of its own", () => {
  const foreign = requirementMutants().filter(
    ({ requirement: id, check }) => requirement(id)?.checks.includes(check) !== true
  )
  expect(foreign).toEqual([])
})

it("a mutant of the kill matrix is detected by the check that is named here", () => {
  const kills = new Map([
    ...wireMutants.map((one) => [one.name, targetChecks(one)] as const),
    ...engineMutants.map((one) => [one.name, one.kills] as const)
  ])
  const wrong = requirementMutants().filter(
    ({ check, mutation }) => isNamed(mutation) && kills.get(mutation.slice("as ".length))?.includes(check) !== true
  )
  expect(wrong).toEqual([])
})

it("every mutant of a requirement is found by its check", async () => {
  const rows = requirementMutants().filter(({ mutation }) => !isNamed(mutation))
  // Several requirements may have the same mutant.
  const work = [...new Map(rows.map((row) => [`${row.check} ${row.mutation}`, row])).values()]
  const left = await distribute(runners, share(work, 32), async (runner, row) =>
    (await isFound(runner, row)) ? [] : [`${row.check} with ${row.mutation}`]
  )
  expect(left.flat()).toEqual([])
  expect(work.length).toBeGreaterThan(600)
  expect(fieldRequirements.length).toBeGreaterThan(500)
}, 900_000)
