/**
 * Refused requests and their twins: the request of the same scenario that is accepted and differs from a refused one in
 * one thing only. A refusal without a twin would also pass where everything is refused, or for another reason.
 */
import { isArray, isObject, type Json, type JsonObject } from "../src/Json.ts"
import type { Check, Protocol, Scenario, Step } from "../src/scenarios/Scenario.ts"
import { expand } from "../src/scenarios/Template.ts"

/** A request with the step of its response. */
export interface Exchange {
  readonly step: Check
  readonly isRefused: boolean
  /** The request as a tree. */
  readonly request: JsonObject
}

const nested = ["$lenient", "$anyOf", "$all", "$capture", "$optional"]

/** The first alternative of a pattern, without its captures. */
const first = (value: Json | undefined): Json => {
  if (isArray(value)) return first(value[0])
  if (!isObject(value)) return value ?? null
  const name = nested.find((one) => Object.hasOwn(value, one))
  if (name === undefined) return value
  const argument = value[name]
  return first(name === "$capture" && isArray(argument) ? argument[1] : argument)
}

/** Whether a response pattern stands for a refusal. */
const refuses = (wanted: JsonObject): boolean => {
  const { result, status, json } = wanted
  if (result !== undefined) return first(result) === "fail" || first(result) === "denied"
  const body = first(json)
  const code = isObject(body) ? JSON.stringify(body["errcode"] ?? null) : ""
  return Number(first(status)) >= 400 || code.includes('{"$not":0}')
}

const proofs = ["token", "sid"]

/** The same with the actor's own values under one name for all actors: all of them, or those that prove who it is. */
const own = (value: Json, actor: string, names: ReadonlyArray<string> | undefined): Json => {
  const isOwn = (name: string) =>
    name.startsWith(`${actor}.`) && (names === undefined || names.includes(name.slice(actor.length + 1)))
  const renamed = (name: string) => (isOwn(name) ? `self.${name.slice(actor.length + 1)}` : name)
  if (typeof value === "string") return value.replaceAll(/\{([^}]+)\}/g, (_, name: string) => `{${renamed(name)}}`)
  if (isArray(value)) return value.map((item) => own(item, actor, names))
  if (!isObject(value)) return value
  const { $ref } = value
  if (typeof $ref === "string") return { $ref: renamed($ref) }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, own(item, actor, names)]))
}

const isName = (value: Json | undefined): boolean =>
  isObject(value) && (value["$new"] !== undefined || value["$ref"] !== undefined)

/** The gid of a new chat or message does not count as a difference. */
const unnamed = (value: Json): Json => {
  if (isArray(value)) return value.map(unnamed)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, key === "gid" && isName(item) ? "new" : unnamed(item)])
  )
}

const isEmpty = (value: Json | undefined): boolean =>
  (isArray(value) && value.length === 0) || (isObject(value) && Object.keys(value).length === 0)

const frameTree = (frame: Json, by: string): JsonObject => {
  if (!isObject(frame) || isEmpty(frame)) return { frame }
  const { sid, params, ...rest } = frame
  const isMade = /^(create|message)$/i.test(typeof rest["method"] === "string" ? rest["method"] : "")
  return {
    frame: {
      ...rest,
      ...(sid === "$absent" ? {} : { sid: sid ?? { $ref: `${by}.sid` } }),
      ...(params === undefined ? {} : { params: isMade ? unnamed(params) : params })
    }
  }
}

const pathTree = (path: Json): JsonObject => {
  const text =
    typeof path === "string" ? path : isObject(path) && typeof path["$text"] === "string" ? path["$text"] : ""
  const [place = "", query = ""] = text.split("?")
  const pairs = query.split("&").filter((pair) => pair !== "")
  return {
    place: place.split("/"),
    query: Object.fromEntries(pairs.map((pair) => [pair.split("=")[0] ?? "", pair.slice(pair.indexOf("=") + 1)]))
  }
}

const contentOf = ({ form, encoded, body }: Extract<Step, { readonly http: unknown }>["http"]): JsonObject => {
  if (form !== undefined)
    return { kind: "form", of: { fields: form.fields, files: form.files.map((file) => ({ ...file })) } }
  if (encoded !== undefined) return { kind: "encoded", of: encoded }
  return body === undefined ? {} : { kind: "body", of: body }
}

/** Headers about the body are part of it. */
const headersOf = (headers: { readonly [name: string]: Json }): JsonObject =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith("content-")))

const httpTree = ({ http }: Extract<Step, { readonly http: unknown }>): JsonObject => ({
  method: http.method,
  ...pathTree(http.path),
  headers: headersOf(http.headers ?? {}),
  content: contentOf(http)
})

/** The number of places in which two trees differ. Something empty, or of another type, differs as a whole. */
const distance = (a: Json | undefined, b: Json | undefined): number => {
  if (JSON.stringify(a) === JSON.stringify(b)) return 0
  if (isEmpty(a) || isEmpty(b)) return 1
  if (isObject(a) && isObject(b)) {
    const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])]
    const isOtherKind = a["kind"] !== b["kind"] && !(isObject(a["of"]) && isObject(b["of"]))
    if (isOtherKind || keys.some((key) => key.startsWith("$"))) return 1
    return keys.reduce((sum, key) => sum + distance(a[key], b[key]), 0)
  }
  if (isArray(a) && isArray(b) && a.length === b.length) {
    return a.reduce<number>((sum, item, index) => sum + distance(item, b[index]), 0)
  }
  return 1
}

/** The number of things in which two requests differ; the same request at another time differs in none. */
export const differences = (a: Exchange, b: Exchange): number => {
  if (a.step.by === b.step.by) return distance(a.request, b.request)
  const as = (names: ReadonlyArray<string> | undefined) =>
    distance(own(a.request, a.step.by, names), own(b.request, b.step.by, names))
  return 1 + Math.min(distance(a.request, b.request), as(proofs), as(undefined))
}

/** The requests of a scenario with an expected response, in order. */
export const exchanges = (protocol: Protocol, scenario: Scenario): ReadonlyArray<Exchange> => {
  const open = new Map<string, Array<Json>>()
  const wire = scenario.profiles?.[0] ?? "documented"
  const exchange = (step: Check, request: JsonObject, wanted: Json): ReadonlyArray<Exchange> => {
    const pattern = expand(wanted, protocol, wire, undefined)
    return isObject(pattern) ? [{ step, isRefused: refuses(pattern), request }] : []
  }
  return scenario.steps.flatMap((step): ReadonlyArray<Exchange> => {
    if ("http" in step) return exchange(step, httpTree(step), { ...step.answer })
    if ("until" in step) return []
    if ("send" in step || "raw" in step) {
      const frames = "send" in step ? [step.send].flat() : [step.raw]
      open.set(step.by, [...(open.get(step.by) ?? []), ...frames])
    }
    if ("connect" in step) open.set(step.by, [])
    if (!("reply" in step)) return []
    const asked = open.get(step.by)?.shift()
    return exchange(step, frameTree(asked ?? null, step.by), step.reply)
  })
}
