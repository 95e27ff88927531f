/**
 * Each documented field of an answer or a push is left out, one at a time, and a check of its requirement finds it.
 * With UPDATE_DOCS=1 `fields.txt` is made anew: which check that is.
 */
import { afterAll, beforeAll, expect, it } from "vitest"
import { fieldKills, fieldRequirements, leavingOut, placesOf, unfound, writeFieldKills } from "./FieldMutants.ts"
import { Lane, missed, patient, spread } from "./scenarioQueue.ts"
import type { Heard } from "./Proxy.ts"

let lanes: ReadonlyArray<Lane> = []
beforeAll(async () => {
  lanes = await Promise.all([Lane.open(), Lane.open(), Lane.open()])
})
afterAll(() => Promise.all(lanes.map((lane) => lane.close())))

const scenarioOfCheck = (check: string): string => check.slice(0, check.indexOf("#"))

const isFound = async (lane: Lane, check: string, place: string): Promise<boolean> => {
  // Strictly, so that a form that is only tolerated is found as well.
  // A reply without one of these is none.
  const silent = /(^|\.)(module|method|result)$/.test(place)
  const search = { strict: true, silent }
  const left = await missed(lane, scenarioOfCheck(check), () => leavingOut(check, place), [check], search)
  return left.length === 0
}

/** What the good server says in each of these scenarios. */
const listen = async (names: ReadonlyArray<string>): Promise<ReadonlyMap<string, Heard>> =>
  new Map(
    await spread(lanes, [...new Set(names)], async (lane, name) => {
      const { heard } = await lane.play(name, {}, { timing: patient })
      return [name, heard] as const
    })
  )

const update = async (): Promise<void> => {
  const heard = await listen(fieldRequirements.flatMap(({ checks }) => checks.map(scenarioOfCheck)))
  const rows = await spread(lanes, fieldRequirements, async (lane, requirement) => {
    const found = new Map<string, string>()
    for (const check of requirement.checks) {
      const said = heard.get(scenarioOfCheck(check))
      for (const place of said === undefined ? [] : placesOf(check, requirement, said)) {
        if (!found.has(place) && (await isFound(lane, check, place))) found.set(place, check)
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
  expect(without.toSorted()).toEqual(Object.keys(unfound).toSorted())
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
  // Several requirements may rest on one field of one answer.
  const work = [...new Map(rows.map(([place, check]) => [`${check} ${place}`, { place, check }])).values()]
  const left = await spread(lanes, work, async (lane, { place, check }) =>
    (await isFound(lane, check, place)) ? [] : [`${check} without ${place}`]
  )
  expect(left.flat()).toEqual([])
  expect(work.length).toBeGreaterThan(400)
}, 300_000)
