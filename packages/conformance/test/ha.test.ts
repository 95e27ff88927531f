/** Every request of ha has the headers that its document requires, so that a server may demand them. */
import { expect, it } from "vitest"
import { requestOf } from "../src/run/http.ts"
import { load } from "../src/scenarios/loadScenarios.ts"

const { scenarios } = load("ha")

it("every request has the documented content type, with a body or without", () => {
  const without = scenarios.flatMap(({ id, steps }) =>
    steps.flatMap((step) => {
      if (!("http" in step)) return []
      const { headers, url } = requestOf(step, "http://127.0.0.1:1", new Map())
      const types = headers.filter(([name]) => name === "content-type").map(([, value]) => value)
      const isDocumented = /\/(message|conversation)(\?|$)/.test(url)
      return isDocumented && types.join() !== "application/json" ? [`${id}#${step.check}`] : []
    })
  )
  expect(without).toEqual([])
})
