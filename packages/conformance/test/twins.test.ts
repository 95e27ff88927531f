/** Every refused request has a twin: an accepted request of its scenario that differs in one thing only. */
import { describe, expect, it } from "vitest"
import { load, protocols } from "../src/scenarios/loadScenarios.ts"
import { differences, exchanges } from "./Exchanges.ts"

/** Refusals without a twin, with the reason. */
const without = new Map([
  ["youdu/envelope/refused#plain-body", "a body that is not sealed differs in every field from a sealed one"]
])

/** Refusals after which no request of the scenario can be accepted. */
const last = /^youdu\/token\/expired#/

describe.each(protocols())("the refusals of %s", (name) => {
  const { protocol, scenarios } = load(name)
  const all = scenarios.map((scenario) => ({ id: scenario.id, found: exchanges(protocol, scenario) }))
  const refused = all.flatMap(({ id, found }) =>
    found.filter(({ isRefused }) => isRefused).map((one) => ({ id: `${id}#${one.step.check}`, one, found }))
  )
  const twin = ({ one, found }: (typeof refused)[number]) => found.find(({ step }) => step.check === one.step.unlike)

  it("name a request of the same scenario that is accepted", () => {
    const wrong = refused.filter((each) => !without.has(each.id) && twin(each)?.isRefused !== false)
    expect(wrong.map(({ id }) => id)).toEqual([])
  })

  it("differ from it in one thing at most", () => {
    const wrong = refused.filter((each) => {
      const accepted = twin(each)
      return accepted !== undefined && differences(accepted, each.one) > 1
    })
    expect(wrong.map(({ id }) => id)).toEqual([])
  })

  it("are followed by an accepted request, which shows that the server goes on and what it has", () => {
    const wrong = refused.filter(
      ({ one, found }) => !found.slice(found.indexOf(one) + 1).some((later) => !later.isRefused)
    )
    expect(wrong.map(({ id }) => id).filter((id) => !last.test(id))).toEqual([])
  })

  it("are the only requests that name a twin", () => {
    const accepted = all.flatMap(({ id, found }) =>
      found
        .filter(({ isRefused, step }) => !isRefused && step.unlike !== undefined)
        .map(({ step }) => `${id}#${step.check}`)
    )
    expect(accepted).toEqual([])
  })
})
