import { describe, expect, it } from "vitest"
import { load } from "../src/scenarios/loadScenarios.ts"
import { isArray, isObject, type Json } from "../src/Json.ts"
import { documents, reading, type Requirement, requirements } from "../src/requirements/Requirements.ts"
import type { Step } from "../src/scenarios/Scenario.ts"
import { expand } from "../src/scenarios/Template.ts"

/** A check with its step and the requests of its actor. */
interface Bound {
  readonly step: Step
  readonly asked: Json
  /** The pattern with shapes expanded. */
  readonly wanted: Json
}

const bounds = (name: string): ReadonlyMap<string, Bound> => {
  const { protocol, scenarios } = load(name)
  const open = (template: unknown): Json => {
    const json: Json = JSON.parse(JSON.stringify(template ?? null))
    return expand(json, protocol, "documented", undefined)
  }
  return new Map(
    scenarios.flatMap(({ id, steps }) =>
      steps.flatMap((step, at) => {
        if (!("check" in step)) return []
        const sent = steps.slice(0, at + 1).findLast((one) => one.by === step.by && ("send" in one || "http" in one))
        const asked = sent === undefined ? null : "http" in sent ? sent.http : "send" in sent ? sent.send : null
        const wanted = "answer" in step ? step.answer : "reply" in step ? step.reply : "push" in step ? step.push : null
        return [[`${id}#${step.check}`, { step, asked: open(asked), wanted: open(wanted) }] as const]
      })
    )
  )
}

const text = (value: Json | undefined): string =>
  typeof value === "string" ? value : isObject(value) && typeof value["$text"] === "string" ? value["$text"] : ""

/** The names of a template's fields, including the names of readings. */
const names = (value: Json, found = new Set<string>()): ReadonlySet<string> => {
  if (isArray(value)) for (const item of value) names(item, found)
  if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      found.add(key.toLowerCase())
      if (key === "$reading" && isObject(item)) {
        for (const id of Object.keys(item))
          for (const form of reading(id)?.forms ?? []) found.add(text(form).toLowerCase())
      }
      names(item, found)
    }
  }
  return found
}

/** Fields in a path or its query, and fields that the kit adds to every request. */
const implied = (one: Requirement, asked: Json): boolean => {
  const name = one.field?.name ?? ""
  if (name === "Content-Type" || name === "sid" || name === "params") return true
  const path = isObject(asked) ? text(asked["path"]) : ""
  return one.operation?.includes(`{${name}}`) === true || path.includes(`${name}=`) || path.includes("attach-download-")
}

/** Replies of xuanxuan are matched by module and method, which patterns need not repeat. */
const attributed = (one: Requirement): boolean =>
  one.doc === "xuanxuan" && ["module", "method"].includes(one.field?.name ?? "")

const asks = (one: Requirement, { step, asked }: Bound): boolean => {
  if (one.operation === undefined || !isObject(asked)) return true
  const [method = "", path = ""] = one.operation.split(" ")
  if (path !== "") {
    const pattern = `^${path.replaceAll(/\{\w+\}/g, "[^/?]*")}([?]|$)`
    return asked["method"] === method && new RegExp(pattern).test(text(asked["path"]))
  }
  if ("answer" in step) return text(asked["path"]).includes("attach")
  return text(asked["method"]).toLowerCase() === method.split("/")[1]?.toLowerCase()
}

/** The first literal of a pattern: settled forms stand before tolerated ones. */
const first = (value: Json | undefined): Json | undefined =>
  isObject(value) && isArray(value["$lenient"]) ? first(value["$lenient"][0]) : value

const refuses = ({ step, wanted }: Bound): boolean => {
  if (!isObject(wanted)) return false
  if ("reply" in step) return wanted["result"] === "fail" || wanted["result"] === "denied"
  const status = first(wanted["status"])
  const body = first(wanted["json"])
  return Number(status) >= 400 || (isObject(body) && body["errcode"] !== undefined && body["errcode"] !== 0)
}

describe.each(documents)("the checks of the requirements of %s", (protocol) => {
  const known = bounds(protocol)
  const bound = (one: Requirement) => one.checks.flatMap((check) => known.get(check) ?? [])
  const all = requirements(protocol).filter(({ checks }) => checks.length > 0)
  const faulty = (list: ReadonlyArray<Requirement>, holds: (one: Requirement, check: Bound) => boolean) =>
    list.filter((one) => !bound(one).some((check) => holds(one, check))).map(({ id }) => id)

  it("look at the field of the answer or push that they are bound to", () => {
    const fields = all.filter((one) => (one.field?.in === "reply" || one.field?.in === "push") && !attributed(one))
    expect(fields.length).toBeGreaterThan(0)
    expect(faulty(fields, (one, { wanted }) => names(wanted).has(one.field?.name.toLowerCase() ?? ""))).toEqual([])
  })

  it("send the field of the request that they are bound to", () => {
    const fields = all.filter((one) => one.field?.in === "request")
    expect(fields.length).toBeGreaterThan(0)
    const sends = (one: Requirement, { asked }: Bound) =>
      names(asked).has(one.field?.name.toLowerCase() ?? "") || implied(one, asked)
    expect(faulty(fields, sends)).toEqual([])
  })

  it("ask for the operation that they are bound to", () => {
    const about = all.filter((one) => one.error !== undefined || (one.field !== undefined && one.field.in !== "push"))
    expect(faulty(about, asks)).toEqual([])
  })

  it("are refusals where the requirement is of an error", () => {
    expect(
      faulty(
        all.filter(({ error }) => error !== undefined),
        (_, check) => refuses(check)
      )
    ).toEqual([])
  })
})
