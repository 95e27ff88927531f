import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { expand, load, protocols, routine } from "../src/Catalogue.ts"
import { isArray, isObject, type Json } from "../src/Json.ts"
import { matchers, words } from "../src/Match.ts"
import { checks, type Profile, type Source, type Step } from "../src/Scenario.ts"
import { reads, writes } from "../src/Scope.ts"

const profiles: ReadonlyArray<Profile> = ["documented", "client-1.0"]
const root = join(import.meta.dirname, "../../..")
const documents = join(root, "../shared/seeds")
/** The documents by the number that their file names begin with. */
const numbers: Record<string, string> = { spark: "000", hisihi: "001", xuanxuan: "002", ha: "003", youdu: "004" }

/** Headings begin with `#`, or have a line of `~` or `=` below them. */
const printedHeadings = (text: string): ReadonlyArray<string> =>
  text
    .split("\n")
    .filter((line, index, lines) => /^#{1,6}\s/.test(line) || /^[~=]{5,}$/.test(lines[index + 1] ?? ""))
    .map((line) => line.replace(/^#+/, "").trim())

/** The document itself, where it is at hand. */
const document = (name: string): string | undefined => {
  const number = numbers[name]
  if (number === undefined || !existsSync(documents)) return undefined
  const file = readdirSync(documents).find((one) => one.startsWith(`${number}_`))
  return file === undefined ? undefined : readFileSync(join(documents, file), "utf8")
}

const data = (name: string) => {
  const { protocol, scenarios } = load(name)
  const headings: Record<string, ReadonlyArray<string>> = JSON.parse(
    readFileSync(join(import.meta.dirname, "../protocols", name, "headings.json"), "utf8")
  )
  const steps: ReadonlyArray<readonly [string, Step | undefined, Source]> = [
    ...scenarios.flatMap(({ id, steps }) =>
      steps.map((step, index) => [`${id} step ${index + 1}`, step, step.source] as const)
    ),
    ...Object.keys(protocol.routines).flatMap((routineName) =>
      routine(protocol, routineName, "documented", "self").map(
        (step) => [`routine ${routineName}`, step, step.source] as const
      )
    )
  ]
  /** What an actor has once it has entered. */
  const entry = (actor: string): ReadonlyArray<string> =>
    routine(protocol, "login", "documented", actor).flatMap((step) => [...writes({ ...step })])
  return { protocol, scenarios, headings, steps, entry }
}

const walk = (value: Json, visit: (value: Json) => void): void => {
  visit(value)
  if (isArray(value)) value.forEach((item) => walk(item, visit))
  else if (isObject(value)) Object.values(value).forEach((item) => walk(item, visit))
}

describe.each(protocols())("scenario files of %s", (name) => {
  const { protocol, scenarios, headings, steps, entry } = data(name)

  it("name a section that exists, for every step", () => {
    const wrong = steps.filter(([, , { doc, section }]) => headings[doc]?.includes(section) !== true)
    expect(wrong.map(([where, , source]) => [where, source])).toEqual([])
  })

  it("rest on headings as they are printed", () => {
    const text = document(name)
    const printed = text === undefined ? headings[name] : printedHeadings(text)
    expect(headings[name]?.filter((heading) => printed?.includes(heading) !== true)).toEqual([])
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
    const operators = [
      "$ref",
      "$new",
      "$newInt",
      "$text",
      "$join",
      "$md5",
      "$hmacSha1",
      "$repeat",
      "$shape",
      "$profile",
      "$now",
      "$seal"
    ]
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
        const known = new Set(names.flatMap((one) => [`${one}.account`, `${one}.password`]))
        for (const made of entered.flatMap(entry)) known.add(made)
        for (const [index, step] of scenario.steps.entries()) {
          const where = `${scenario.id} step ${index + 1}`
          const template = expand({ ...step }, protocol, profile, undefined)
          const made = writes(template)
          // What a pattern captures is known to later steps only; a fresh name also to the rest of its own frame.
          const here = "send" in step && !("until" in step) ? made : new Set<string>()
          for (const read of reads(template)) if (!known.has(read) && !here.has(read)) wrong.push(`${where}: ${read}`)
          for (const one of made) known.add(one)
          const anonymous = ("http" in step || "that" in step) && names.length === 0
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
})

describe("the scenarios of spark", () => {
  it("ask at every documented address, and are refused there", () => {
    const { steps } = data("spark")
    const printed = document("spark")?.matchAll(/^POST http:\/\/[^/]+(\/\S+)\?token=/gm)
    const asked = (path: string, good: boolean): boolean =>
      steps.some(([, step]) => {
        if (step === undefined || !("http" in step)) return false
        return JSON.stringify(step.http.path).includes(path) && (step.answer.status === 200) === good
      })
    const paths =
      printed === undefined ? ["/session/start", "/message/push"] : Array.from(printed, ([, path = ""]) => path)
    expect(paths.filter((path) => !asked(path, true) || !asked(path, false))).toEqual([])
  })
})

describe("the scenarios of xuanxuan", () => {
  it("ask for every documented method, and listen for every documented push", () => {
    const { protocol, steps } = data("xuanxuan")
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
