/**
 * Each operation of hisihi has a scenario that succeeds and one that is refused, and every section of its document has one.
 */
import { describe, expect, it } from "vitest"
import { load } from "../src/scenarios/loadScenarios.ts"
import { headingsOf } from "./Headings.ts"

const { scenarios } = load("hisihi")
const headings = headingsOf("hisihi")

describe("the scenarios of hisihi", () => {
  it("leave no section of the document out", () => {
    const sources = scenarios.flatMap(({ steps }) => steps.map(({ source }) => source))
    const named = new Set(sources.flatMap(({ doc, section }) => (doc === "hisihi" ? [section] : [])))
    expect(headings["hisihi"]?.filter((heading) => !named.has(heading))).toEqual([])
  })

  it("have a documented and a refused form for every operation", () => {
    const ids = new Set(scenarios.map(({ id }) => id))
    const areas = new Set(scenarios.map(({ id }) => id.split("/")[1]))
    expect(areas.size).toBe(12)
    for (const area of areas) {
      expect(ids).toContain(`hisihi/${area}/documented`)
      expect(ids).toContain(`hisihi/${area}/refused`)
    }
  })
})
