/** Every check fails for some mutant, and the page that lists them is current. UPDATE_DOCS=1 rewrites it. */
import { readFileSync, writeFileSync } from "node:fs"
import { expect, it } from "vitest"
import { engineMutants } from "../../../server/test/mutants/EngineMutants.ts"
import { benign } from "./Benign.ts"
import { impostors } from "./Impostors.ts"
import { idle, killers, page } from "./Matrix.ts"
import { checks } from "./takenIds.ts"
import { targetChecks } from "./WireMutant.ts"
import { wireMutants } from "./WireMutants.ts"

const file = new URL("../../KILLS.md", import.meta.url)

it("every check must detect a mutant", () => {
  expect(idle()).toEqual([])
})

it("every mutant names existing checks", () => {
  const known = new Set(checks.map(({ id }) => id))
  expect([...killers()].filter((id) => !known.has(id))).toEqual([])
  const idlers = [
    ...wireMutants.map((mutant) => ({ name: mutant.name, kills: targetChecks(mutant) })),
    ...engineMutants
  ]
  expect(idlers.filter(({ kills }) => kills.length === 0).map(({ name }) => name)).toEqual([])
})

it("names are unique", () => {
  const names = [...wireMutants, ...engineMutants, ...benign, ...impostors].map(({ name }) => name)
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
})

it("the page is current", () => {
  const current = page()
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(file, current)
  expect(readFileSync(file, "utf8")).toBe(current)
})
