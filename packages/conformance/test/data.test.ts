import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { expand, load, routine } from "../src/Catalogue.ts"
import { isArray, isObject, type Json } from "../src/Json.ts"
import { matchers, words } from "../src/Match.ts"
import { checks, type Profile, type Source, type Step } from "../src/Scenario.ts"
import { reads, writes } from "../src/Scope.ts"

const { protocol, scenarios } = load("xuanxuan")
const profiles: ReadonlyArray<Profile> = ["documented", "client-1.0"]
const root = join(import.meta.dirname, "../../..")
const own = join(import.meta.dirname, "../protocols/xuanxuan")
const documents = join(root, "../shared")
const committed: Record<string, ReadonlyArray<string>> = JSON.parse(readFileSync(join(own, "headings.json"), "utf8"))

const printedHeadings = (text: string): ReadonlyArray<string> =>
  text
    .split("\n")
    .filter((line) => /^#{2,3} /.test(line))
    .map((line) => line.replace(/^#+/, "").trim())

const document = (): string | undefined => {
  const seeds = join(documents, "seeds")
  const name = existsSync(seeds) ? readdirSync(seeds).find((file) => file.startsWith("002_")) : undefined
  return name === undefined ? undefined : readFileSync(join(seeds, name), "utf8")
}

/** The document itself where it is at hand; else the headings that were taken from it. */
const headings = (): Record<string, ReadonlyArray<string>> => {
  const text = document()
  return text === undefined ? committed : { ...committed, xuanxuan: printedHeadings(text) }
}

const steps: ReadonlyArray<readonly [string, Step | undefined, Source]> = [
  ...scenarios.flatMap(({ id, steps }) =>
    steps.map((step, index) => [`${id} step ${index + 1}`, step, step.source] as const)
  ),
  ...Object.keys(protocol.routines).flatMap((name) =>
    routine(protocol, name, "documented", "self").map((step) => [`routine ${name}`, step, step.source] as const)
  )
]

const walk = (value: Json, visit: (value: Json) => void): void => {
  visit(value)
  if (isArray(value)) value.forEach((item) => walk(item, visit))
  else if (isObject(value)) Object.values(value).forEach((item) => walk(item, visit))
}

describe("scenario files", () => {
  it("name a section that exists, for every step", () => {
    const known = headings()
    const wrong = steps.filter(([, , { doc, section }]) => known[doc]?.includes(section) !== true)
    expect(wrong.map(([where, , source]) => [where, source])).toEqual([])
  })

  it("rest on the headings as they are printed", () => {
    const text = document()
    const printed = text === undefined ? committed["xuanxuan"] : [...new Set(printedHeadings(text))]
    expect(committed["xuanxuan"]).toEqual(printed)
  })

  it("have ids of their own, and so have their checks", () => {
    const ids = scenarios.map(({ id }) => id)
    expect(ids.length).toBe(new Set(ids).size)
    for (const profile of profiles) {
      const all = scenarios.flatMap((scenario) => checks(scenario, profile))
      expect(all.filter((id, index) => all.indexOf(id) !== index)).toEqual([])
    }
  })

  it("use only matchers and operators that exist", () => {
    const operators = ["$ref", "$new", "$text", "$join", "$md5", "$repeat", "$shape", "$profile"]
    const literals = ["$ALL", "$ADMINS", "$NOBODY"]
    const wrong: Array<readonly [string, string]> = []
    for (const [where, step] of steps) {
      walk({ ...step }, (value) => {
        const single = typeof value === "string" && value.startsWith("$") ? [value] : []
        const keys = isObject(value) ? Object.keys(value).filter((key) => key.startsWith("$")) : []
        for (const name of single) if (![...words, ...literals].includes(name)) wrong.push([where, name])
        for (const name of keys) if (![...matchers, ...operators].includes(name)) wrong.push([where, name])
      })
    }
    expect(wrong).toEqual([])
  })

  it("read only what an earlier step made known, and act only through actors that they name", () => {
    const wrong: Array<string> = []
    for (const profile of profiles) {
      for (const scenario of scenarios.filter((one) => one.profiles?.includes(profile) ?? true)) {
        const entered = [...scenario.actors, ...(scenario.away ?? [])]
        const names = [...entered, ...Object.keys(scenario.guests ?? {})]
        const known = new Set(names.flatMap((name) => [`${name}.account`, `${name}.password`]))
        for (const name of entered) for (const field of ["id", "sid"]) known.add(`${name}.${field}`)
        for (const [index, step] of scenario.steps.entries()) {
          const where = `${scenario.id} step ${index + 1}`
          const template = expand({ ...step }, protocol, profile, undefined)
          const made = writes(template)
          // What a pattern captures is known to later steps only; a fresh name also to the rest of its own frame.
          const here = "send" in step && !("until" in step) ? made : new Set<string>()
          for (const name of reads(template)) if (!known.has(name) && !here.has(name)) wrong.push(`${where}: ${name}`)
          for (const name of made) known.add(name)
          const anonymous = "http" in step && names.length === 0
          if (!names.includes(step.by) && !anonymous) wrong.push(`${where}: who is ${step.by}?`)
        }
      }
    }
    expect(wrong).toEqual([])
  })

  it("name labels before they are followed", () => {
    const wrong = scenarios.flatMap(({ id, steps }) => {
      const labels = new Set<string>()
      return steps.flatMap((step) => {
        if (!("push" in step)) return []
        const lost = step.after !== undefined && !labels.has(step.after)
        if (step.as !== undefined) labels.add(step.as)
        return lost ? [`${id}: ${step.after}`] : []
      })
    })
    expect(wrong).toEqual([])
  })

  it("ask for every documented method, and listen for every documented push", () => {
    const asked = new Set<string>()
    const pushed = new Set<string>()
    const note = (set: Set<string>) => (value: Json) => {
      if (isObject(value) && typeof value["method"] === "string") set.add(value["method"].toLowerCase())
    }
    for (const [, step] of steps) {
      if (step === undefined) continue
      if ("send" in step) walk(step.send, note(asked))
      if ("http" in step) walk({ ...step.answer }, note(asked))
      if ("push" in step) walk(expand(step.push, protocol, "documented", undefined), note(pushed))
      if ("http" in step && JSON.stringify(step.http.path).includes("attach-download")) asked.add("download")
    }
    const methods =
      "login logout usergetlist getlist userchangename userchangestatus create joinchat changename star addmember message " +
      "history members hide changepublic getpubliclist upload download setadmin setcommitters settings"
    const pushes =
      "usergetlist getlist login logout userchangename userchangestatus create joinchat changename addmember message null changepublic"
    expect(methods.split(" ").filter((method) => !asked.has(method))).toEqual([])
    expect(pushes.split(" ").filter((method) => !pushed.has(method))).toEqual([])
  })
})
