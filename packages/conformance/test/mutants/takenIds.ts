/** The messages that a check consumes, derived from its scenario without running it. */
import { isArray, isObject, type Json, type JsonObject } from "../../src/Json.ts"
import { load, protocols } from "../../src/index.ts"
import { reading } from "../../src/requirements/Requirements.ts"
import {
  checks as checksOf,
  generalChecks,
  type Protocol,
  type Scenario,
  type Step
} from "../../src/scenarios/Scenario.ts"
import { aboutOf, type Answer, type Packet } from "./Mutant.ts"

export type Taken =
  /** `about`: `module/method` in lower case; `undefined` if any reply matches. */
  | { readonly way: "reply"; readonly about: ReadonlyArray<string> }
  | { readonly way: "push"; readonly about: ReadonlyArray<string> }
  | { readonly way: "answer"; readonly method: string; readonly path: RegExp }
  /** A `quiet` step: packets that must not arrive. */
  | { readonly way: "nothing" }
  | { readonly way: "end" }
  /** A `that` step, `setup` or `wire`. */
  | { readonly way: "all" }

export interface Check {
  readonly id: string
  readonly scenario: Scenario
  /** `undefined` for the checks of the whole scenario. */
  readonly step: Step | undefined
  readonly taken: Taken
}

const words = (pattern: Json | undefined): ReadonlyArray<string> => {
  if (typeof pattern === "string") return pattern.startsWith("$") ? [] : [pattern.toLowerCase()]
  if (isArray(pattern)) return pattern.flatMap(words)
  if (!isObject(pattern)) return []
  const targetChecks = pattern["$reading"]
  if (typeof targetChecks !== "string") return Object.values(pattern).flatMap(words)
  const found = reading(targetChecks)
  return [...(found?.forms ?? []), ...(found?.tolerated ?? [])].flatMap(words)
}

const namesIn = (pattern: Json): ReadonlyArray<string> => {
  if (!isObject(pattern)) return []
  const within = pattern["with"]
  const laid: JsonObject = isObject(within) ? Object.assign({ module: "chat" }, within) : pattern
  return words(laid["module"]).flatMap((module) => words(laid["method"]).map((method) => `${module}/${method}`))
}

/** The pattern of a path without its query, with variables as wildcards. */
const pathOf = (template: Json): RegExp => {
  const said = isObject(template) ? template["$text"] : template
  const text = typeof said === "string" ? said : "{all}"
  const parts = text.split("?")[0]?.split(/\{[^}]+\}/) ?? []
  return new RegExp(`^${parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".+")}$`)
}

const requestsOf = (frame: Json): ReadonlyArray<string> =>
  (isArray(frame) ? frame : [frame]).flatMap((request) => (isObject(request) ? [aboutOf(request)] : []))

/** Open requests by actor, as the kit counts them. */
type Asked = Map<string, ReadonlyArray<string>>

const takenBy = (step: Step, asked: Asked): Taken => {
  const mine = asked.get(step.by) ?? []
  if ("until" in step) return { way: "reply", about: requestsOf(step.send) }
  if ("push" in step) {
    const isReply = isObject(step.push) && Object.hasOwn(step.push, "result")
    return { way: isReply ? "reply" : "push", about: namesIn(step.push) }
  }
  if ("http" in step) return { way: "answer", method: step.http.method, path: pathOf(step.http.path) }
  if ("quiet" in step) return { way: "nothing" }
  if ("closed" in step) return { way: "end" }
  if (!("reply" in step)) return { way: "all" }
  asked.set(step.by, mine.slice(1))
  if (step.to !== undefined) return { way: "reply", about: step.to.module === "" ? [] : [aboutOf({ ...step.to })] }
  return { way: "reply", about: mine.slice(0, 1) }
}

const checksIn = (scenario: Scenario, protocol: Protocol): ReadonlyArray<Check> => {
  const judged = new Set([...checksOf(scenario, "documented", protocol), ...checksOf(scenario, "client-1.0", protocol)])
  const asked: Asked = new Map()
  const own = scenario.steps.flatMap((step): ReadonlyArray<Check> => {
    if ("connect" in step || "use" in step) asked.set(step.by, [])
    if ("send" in step && !("until" in step)) {
      asked.set(step.by, [...(asked.get(step.by) ?? []), ...requestsOf(step.send)])
    }
    const taken = takenBy(step, asked)
    return "check" in step ? [{ id: `${scenario.id}#${step.check}`, scenario, step, taken }] : []
  })
  const whole = generalChecks.map((name): Check => {
    return { id: `${scenario.id}#${name}`, scenario, step: undefined, taken: { way: "all" } }
  })
  return [...own, ...whole].filter(({ id }) => judged.has(id))
}

const catalogues = protocols().map((protocol) => load(protocol))

/** Every scenario of the kit. */
export const scenarios: ReadonlyArray<Scenario> = catalogues.flatMap((one) => one.scenarios)

/** Every check of the kit. */
export const checks: ReadonlyArray<Check> = catalogues.flatMap(({ protocol, scenarios: some }) =>
  some.flatMap((scenario) => checksIn(scenario, protocol))
)

export const scenarioOf = (id: string): Scenario => {
  const found = scenarios.find((one) => one.id === id)
  if (found === undefined) throw new Error(`there is no scenario ${id}`)
  return found
}

const byId = new Map(checks.map((check) => [check.id, check]))

export const checkOf = (id: string): Check => {
  const found = byId.get(id)
  if (found === undefined) throw new Error(`there is no check ${id}`)
  return found
}

export const isPacketFor = (taken: Taken, { way, about }: Packet): boolean =>
  (taken.way === "reply" || taken.way === "push") &&
  taken.way === way &&
  (taken.about.length === 0 || taken.about.includes(about))

export const isAnswerFor = (taken: Taken, { method, path }: Answer): boolean =>
  taken.way === "answer" && taken.method === method && taken.path.test(decodeURIComponent(path))
