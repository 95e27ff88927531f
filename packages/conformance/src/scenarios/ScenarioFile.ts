/**
 * Reads files of scenarios, as JSON (`*.json`) or in the text form (`*.scenario`). The fault of a malformed file names the
 * scenario and the step.
 */
import { readFileSync } from "node:fs"
import * as Schema from "effect/Schema"
import { isArray, isObject, type Json } from "../Json.ts"
import { readProtocolText, readScenarioText } from "../sources/ScenarioText.ts"
import { badData, kinds, Protocol, Scenario, type Step } from "./Scenario.ts"

const strict = { onExcessProperty: "error", errors: "all" } as const

const { steps: _, ...head } = Scenario.fields
const decodeHead = Schema.decodeUnknownSync(Schema.Struct({ ...head, steps: Schema.Array(Schema.Json) }), strict)
const decodeProtocol = Schema.decodeUnknownSync(Protocol, strict)

/** One decoder for each kind, so that an error is about that kind and not about all of them. */
const decoders: { readonly [kind: string]: (input: unknown) => Step } = {
  connect: Schema.decodeUnknownSync(kinds.connect, strict),
  until: Schema.decodeUnknownSync(kinds.until, strict),
  send: Schema.decodeUnknownSync(kinds.send, strict),
  raw: Schema.decodeUnknownSync(kinds.raw, strict),
  frames: Schema.decodeUnknownSync(kinds.frames, strict),
  ack: Schema.decodeUnknownSync(kinds.ack, strict),
  reply: Schema.decodeUnknownSync(kinds.reply, strict),
  push: Schema.decodeUnknownSync(kinds.push, strict),
  quiet: Schema.decodeUnknownSync(kinds.quiet, strict),
  drain: Schema.decodeUnknownSync(kinds.drain, strict),
  disconnect: Schema.decodeUnknownSync(kinds.disconnect, strict),
  closed: Schema.decodeUnknownSync(kinds.closed, strict),
  http: Schema.decodeUnknownSync(kinds.http, strict),
  that: Schema.decodeUnknownSync(kinds.that, strict),
  expire: Schema.decodeUnknownSync(kinds.expire, strict),
  use: Schema.decodeUnknownSync(kinds.use, strict)
}

const errorText = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).replaceAll(/\n\s+/g, " ").replaceAll("\n", "; ")

const read = (file: string, parseText: (text: string) => Json): Json => {
  try {
    const text = readFileSync(file, "utf8")
    const value: Json = file.endsWith(".scenario") ? parseText(text) : JSON.parse(text)
    return value
  } catch (cause) {
    throw badData(file, errorText(cause))
  }
}

/** Reads what a protocol's scenarios share. Throws `BadData`. */
export const readProtocol = (file: string): Protocol => {
  const value = read(file, readProtocolText)
  try {
    return decodeProtocol(value)
  } catch (cause) {
    throw badData(file, errorText(cause))
  }
}

const stepOf = (value: Json, where: string, faults: Array<string>): ReadonlyArray<Step> => {
  const kind = isObject(value) ? Object.keys(kinds).find((name) => Object.hasOwn(value, name)) : undefined
  const decode = kind === undefined ? undefined : decoders[kind]
  if (decode === undefined) {
    faults.push(`${where}: unknown kind of step; expected one of ${Object.keys(kinds).join(", ")}`)
    return []
  }
  try {
    return [decode(value)]
  } catch (cause) {
    faults.push(`${where} (${kind}): ${errorText(cause)}`)
    return []
  }
}

const scenarioOf = (value: Json, index: number, faults: Array<string>): ReadonlyArray<Scenario> => {
  const id = isObject(value) && typeof value["id"] === "string" ? value["id"] : `scenario ${index + 1}`
  try {
    const { steps, ...rest } = decodeHead(value)
    return [{ ...rest, steps: steps.flatMap((step, at) => stepOf(step, `${id} step ${at + 1}`, faults)) }]
  } catch (cause) {
    faults.push(`${id}: ${errorText(cause)}`)
    return []
  }
}

const allowed = new Set(["$schema", "section", "scenarios"])

/** The scenarios of a file: `{"section": "…", "scenarios": […]}`. Throws `BadData` that names every faulty step. */
export const readScenarios = (file: string): Array<Scenario> => {
  const value = read(file, readScenarioText)
  const scenarios = isObject(value) ? value["scenarios"] : undefined
  if (!isObject(value) || !isArray(scenarios) || typeof value["section"] !== "string") {
    throw badData(file, `not of the form {"section": "…", "scenarios": […]}`)
  }
  const faults = Object.keys(value).flatMap((key) => (allowed.has(key) ? [] : [`${key}: unknown field`]))
  const found = scenarios.flatMap((one, index) => scenarioOf(one, index, faults))
  if (faults.length === 0) return found
  throw badData(file, faults.slice(0, 10).join("\n"))
}
