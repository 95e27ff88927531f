/**
 * Each documented field of a response or a push is removed, one at a time, and a check of its requirement detects it.
 * UPDATE_DOCS=1 rewrites `fields.txt`, which names the checks.
 */
import { afterAll, beforeAll, expect, it } from "vitest"
import { share } from "../../../../scripts/repetitions.ts"
import { fieldKills, fieldRequirements, leavingOut, placesOf, undetectable, writeFieldKills } from "./FieldMutants.ts"
import { distribute, longTimeouts, type MutantRunner, openRunners, undetected } from "./MutantRunner.ts"
import type { Traffic } from "./Proxy.ts"

let runners: ReadonlyArray<MutantRunner> = []
beforeAll(async () => {
  runners = await openRunners()
})
afterAll(() => Promise.all(runners.map((runner) => runner.close())))

const scenarioOfCheck = (check: string): string => check.slice(0, check.indexOf("#"))

const isFound = async (runner: MutantRunner, check: string, place: string): Promise<boolean> => {
  // Strict, so that tolerated forms are detected as well.
  // A reply without one of these fields is not recognized as a reply.
  const silent = /(^|\.)(module|method|result)$/.test(place)
  const search = { strict: true, silent }
  const left = await undetected(runner, scenarioOfCheck(check), () => leavingOut(check, place), [check], search)
  return left.length === 0
}

/** The reference server's messages in each of these scenarios. */
const listen = async (names: ReadonlyArray<string>): Promise<ReadonlyMap<string, Traffic>> =>
  new Map(
    await distribute(runners, [...new Set(names)], async (runner, name) => {
      const { traffic } = await runner.play(name, {}, { timing: longTimeouts })
      return [name, traffic] as const
    })
  )

const update = async (): Promise<void> => {
  const traffic = await listen(fieldRequirements.flatMap(({ checks }) => checks.map(scenarioOfCheck)))
  const rows = await distribute(runners, fieldRequirements, async (runner, requirement) => {
    const found = new Map<string, string>()
    for (const check of requirement.checks) {
      const said = traffic.get(scenarioOfCheck(check))
      for (const place of said === undefined ? [] : placesOf(check, requirement, said)) {
        if (!found.has(place) && (await isFound(runner, check, place))) found.set(place, check)
      }
    }
    return [requirement.id, Object.fromEntries(found)] as const
  })
  writeFieldKills(Object.fromEntries(rows.filter(([, found]) => Object.keys(found).length > 0)))
}

it("every field has a mutant, or a reason why nobody can find it missing", async () => {
  if (process.env["UPDATE_DOCS"] === "1") await update()
  const kills = fieldKills()
  const without = fieldRequirements.map(({ id }) => id).filter((id) => kills[id] === undefined)
  expect(without.toSorted()).toEqual(Object.keys(undetectable).toSorted())
}, 300_000)

it("the check named for a field is one of its requirement's", () => {
  const checks = new Map(fieldRequirements.map((requirement) => [requirement.id, requirement.checks]))
  const foreign = Object.entries(fieldKills()).flatMap(([id, places]) =>
    Object.values(places).filter((check) => checks.get(id)?.includes(check) !== true)
  )
  expect(foreign).toEqual([])
})

it("every field that is left out is found by the check named for it", async () => {
  const rows = Object.values(fieldKills()).flatMap((places) => Object.entries(places))
  // Several requirements may cover one field of one response.
  const work = [...new Map(rows.map(([place, check]) => [`${check} ${place}`, { place, check }])).values()]
  const left = await distribute(runners, share(work, 8), async (runner, { place, check }) =>
    (await isFound(runner, check, place)) ? [] : [`${check} without ${place}`]
  )
  expect(left.flat()).toEqual([])
  expect(work.length).toBeGreaterThan(400)
}, 300_000)
