/** Expands templates of scenario files: shapes, wire forms, routines. */
import * as Schema from "effect/Schema"
import { isArray, isObject, type Json, type JsonObject } from "../Json.ts"
import { reading } from "../requirements/Requirements.ts"
import { badData, type Protocol, Step, type Wire } from "./Scenario.ts"

const decodeStep = Schema.decodeUnknownSync(Step, { onExcessProperty: "error", errors: "all" })

const depth = 32

/**
 * The template with shapes and readings expanded and the wire form chosen; `self.` in names becomes the actor's name.
 */
export const expand = (template: Json, protocol: Protocol, wire: Wire, self: string | undefined, level = 0): Json => {
  const again = (value: Json) => expand(value, protocol, wire, self, level + 1)
  if (level > depth) throw badData(protocol.protocol, "shapes are nested too deep")
  if (typeof template === "string") return self === undefined ? template : template.replaceAll("self.", `${self}.`)
  if (isArray(template)) return template.map(again)
  if (!isObject(template)) return template
  const chosen = template["$profile"]
  if (isObject(chosen)) return again(chosen[wire] ?? null)
  const read = template["$reading"]
  if (typeof read === "string") return again(alternatives(read))
  const shape = template["$shape"]
  if (typeof shape !== "string") {
    return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, again(value)]))
  }
  const base = protocol.shapes[shape]
  if (base === undefined) throw badData(protocol.protocol, `no shape ${shape}`)
  const over = template["with"]
  const merged: Json = isObject(base) && isObject(over) ? merge(base, over) : base
  return again(merged)
}

/** The pattern of a value reading, with its tolerated forms as lenient. */
const alternatives = (id: string): Json => {
  const found = reading(id)
  if (found === undefined) throw badData("readings", `no reading ${id}`)
  const any = (patterns: ReadonlyArray<Json>): Json => ({ $anyOf: patterns })
  return found.tolerated.length === 0 ? any(found.forms) : { $lenient: [any(found.forms), any(found.tolerated), id] }
}

/** Merges `with` into nested shapes, so that it overrides fields of either. */
const merge = (base: JsonObject, over: JsonObject): JsonObject =>
  typeof base["$shape"] === "string"
    ? { ...base, with: merge(isObject(base["with"]) ? base["with"] : {}, over) }
    : { ...base, ...over }

/** The steps of a routine for the actor `self`. */
export const routine = (protocol: Protocol, name: string, wire: Wire, self: string): ReadonlyArray<Step> => {
  const steps = protocol.routines[name]
  if (steps === undefined) throw badData(protocol.protocol, `no routine ${name}`)
  return steps.map((step) => decodeStep(Object.assign({}, expand(step, protocol, wire, self), { by: self })))
}
