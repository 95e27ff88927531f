/** Lints well-formed scenarios: unknown matchers, undefined variables, unknown actors. */
import { isArray, isObject, type Json } from "../Json.ts"
import { matchers } from "../match/match.ts"
import { reading } from "../requirements/Requirements.ts"
import { factVariables, generalChecks, type Protocol, type Scenario, type Wire } from "./Scenario.ts"
import { operators, reads, writes } from "../match/Variables.ts"
import { expand, routine } from "./Template.ts"
import { simpleMatchers } from "../match/matchers.ts"

const wires: ReadonlyArray<Wire> = ["documented", "client-1.0"]

/** Texts that begin with `$` on the wire. */
const literals = ["$ALL", "$ADMINS", "$NOBODY"]
const structure = ["$shape", "$profile"]

const walk = (value: Json, visit: (value: Json) => void): void => {
  visit(value)
  if (isArray(value)) value.forEach((item) => walk(item, visit))
  else if (isObject(value)) Object.values(value).forEach((item) => walk(item, visit))
}

/** Unknown `$` words of a template. */
export const unknownWords = (template: Json): ReadonlyArray<string> => {
  const found: Array<string> = []
  const known = new Set<string>([...matchers, ...operators, ...structure])
  walk(template, (value) => {
    if (typeof value === "string" && value.startsWith("$") && ![...simpleMatchers, ...literals].includes(value)) {
      found.push(value)
    }
    if (!isObject(value)) return
    for (const key of Object.keys(value)) if (key.startsWith("$") && !known.has(key)) found.push(key)
    const named = value["$reading"]
    const ids = isObject(named) ? Object.keys(named) : typeof named === "string" ? [named] : []
    for (const id of ids) if (reading(id) === undefined) found.push(`the reading ${id}`)
  })
  return found
}

const inWire = (protocol: Protocol, scenario: Scenario, wire: Wire): ReadonlyArray<string> => {
  const faults: Array<string> = []
  const entered = [...scenario.actors, ...(scenario.away ?? [])]
  const names = [...entered, ...Object.keys(scenario.guests ?? {})]
  const entry = (actor: string) =>
    protocol.routines["login"] === undefined
      ? []
      : routine(protocol, "login", wire, actor).flatMap((step) => [...writes({ ...step })])
  const known = new Set(names.flatMap((one) => [`${one}.account`, `${one}.password`]))
  for (const made of entered.flatMap(entry)) known.add(made)
  for (const fact of scenario.facts ?? []) for (const name of factVariables[fact]) known.add(name)
  const labels = new Set<string>()
  const seen = new Set<string>()
  for (const [index, step] of scenario.steps.entries()) {
    const where = `${scenario.id} step ${index + 1}`
    if ("check" in step && (step.profiles ?? [wire]).includes(wire)) {
      if (seen.has(step.check) || generalChecks.includes(step.check)) {
        faults.push(`${where}: the check ${step.check} is there twice`)
      }
      seen.add(step.check)
    }
    if ("unlike" in step && step.unlike !== undefined) {
      const twin = scenario.steps.find((one) => "check" in one && one.check === step.unlike)
      if (twin === undefined || twin === step) faults.push(`${where}: no other step is named ${step.unlike}`)
    }
    if ("use" in step && protocol.routines[step.use] === undefined) faults.push(`${where}: no routine ${step.use}`)
    if ("push" in step && step.after !== undefined && !labels.has(step.after)) {
      faults.push(`${where}: no earlier push is named ${step.after}`)
    }
    if ("push" in step && step.as !== undefined) labels.add(step.as)
    const anonymous = ("http" in step || "that" in step) && names.length === 0
    if (!names.includes(step.by) && !anonymous) {
      faults.push(`${where}: ${step.by} is not among its actors, away and guests`)
    }
    for (const word of unknownWords({ ...step })) faults.push(`${where}: unknown word ${word}`)
    const template = expand({ ...step }, protocol, wire, undefined)
    const made = "use" in step && step.use === "login" ? new Set(entry(step.by)) : writes(template)
    // Captured variables are defined in later steps only; fresh ones also in the rest of their frame.
    const here = "send" in step && !("until" in step) ? made : new Set<string>()
    for (const read of reads(template)) {
      if (!known.has(read) && !here.has(read)) faults.push(`${where}: no earlier step sets ${read}`)
    }
    for (const one of made) known.add(one)
  }
  return faults
}

/** The faults of a scenario, each with its scenario and step. */
export const lintScenarios = (protocol: Protocol, scenario: Scenario): ReadonlyArray<string> => {
  const found = wires
    .filter((wire) => (scenario.profiles ?? [wire]).includes(wire))
    .flatMap((wire) => {
      try {
        return inWire(protocol, scenario, wire)
      } catch (cause) {
        return [`${scenario.id}: ${cause instanceof Error ? cause.message : String(cause)}`]
      }
    })
  return [...new Set(found)]
}
