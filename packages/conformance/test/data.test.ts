import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { load, protocols } from "../src/scenarios/loadScenarios.ts"
import { isArray, isObject, type Json } from "../src/Json.ts"
import { checks, isCheck, profileOf, type Source, type Step, type Wire } from "../src/scenarios/Scenario.ts"
import { lintScenarios, unknownWords } from "../src/scenarios/lint.ts"
import { expand, routine } from "../src/scenarios/Template.ts"
import { ruleOf, rules } from "../src/requirements/Rules.ts"
import { demandsOf } from "../src/run/verdict.ts"
import { headingsOf } from "./Headings.ts"

const wires: ReadonlyArray<Wire> = ["documented", "client-1.0"]
const root = join(import.meta.dirname, "../../..")
const documents = join(root, "../shared/seeds")
/** The documents by the number prefix of their file names. */
const numbers: Record<string, string> = { spark: "000", hisihi: "001", xuanxuan: "002", ha: "003", youdu: "004" }

/** Headings begin with `#`, or have a line of `~` or `=` below them. */
const printedHeadings = (text: string): ReadonlyArray<string> =>
  text
    .split("\n")
    .filter((line, index, lines) => /^#{1,6}\s/.test(line) || /^[~=]{5,}$/.test(lines[index + 1] ?? ""))
    .map((line) => line.replace(/^#+/, "").trim())

/** The document's text, if it is present. */
const document = (name: string): string | undefined => {
  const number = numbers[name]
  if (number === undefined || !existsSync(documents)) return undefined
  const file = readdirSync(documents).find((one) => one.startsWith(`${number}_`))
  return file === undefined ? undefined : readFileSync(join(documents, file), "utf8")
}

const data = (name: string) => {
  const { protocol, scenarios } = load(name)
  const headings = headingsOf(name)
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
  return { protocol, scenarios, headings, steps }
}

const walk = (value: Json, visit: (value: Json) => void): void => {
  visit(value)
  if (isArray(value)) value.forEach((item) => walk(item, visit))
  else if (isObject(value)) Object.values(value).forEach((item) => walk(item, visit))
}

describe.each(protocols())("scenario files of %s", (name) => {
  const { protocol, scenarios, headings, steps } = data(name)

  it("name a section that exists, for every step", () => {
    const wrong = steps.filter(
      ([, , source]) => headings[source.doc]?.includes(source.section) !== true && ruleOf(source) === undefined
    )
    expect(wrong.map(([where, , source]) => [where, source])).toEqual([])
  })

  it("cite a requirement or a rule with every check, and a requirement with every documented one", () => {
    const without = scenarios.flatMap((scenario) =>
      scenario.steps.filter(isCheck).flatMap((step) => {
        const id = `${scenario.id}#${step.check}`
        const cited = demandsOf(id, step)
        const isDemanded =
          profileOf(scenario, step) === "documented" ? cited.some(({ doc }) => doc === name) : cited.length > 0
        return isDemanded ? [] : [id]
      })
    )
    expect(without).toEqual([])
  })

  it("rest on headings as they are printed", () => {
    const text = document(name)
    const printed = text === undefined ? headings[name] : printedHeadings(text)
    expect(headings[name]?.filter((heading) => printed?.includes(heading) !== true)).toEqual([])
  })

  it("have ids of their own, and so have their checks", () => {
    const ids = scenarios.map(({ id }) => id)
    expect(ids.length).toBe(new Set(ids).size)
    for (const wire of wires) {
      const all = scenarios.flatMap((scenario) => checks(scenario, wire, protocol))
      expect(all.filter((id, index) => all.indexOf(id) !== index)).toEqual([])
    }
  })

  it("use only matchers and operators that exist", () => {
    expect(steps.flatMap(([where, step]) => unknownWords({ ...step }).map((word) => [where, word]))).toEqual([])
  })

  it("read only defined variables, use only declared actors, and follow only named pushes", () => {
    expect(scenarios.flatMap((scenario) => lintScenarios(protocol, scenario))).toEqual([])
  })
})

describe("rules", () => {
  it("are cited by a check, each of them", () => {
    const cited = new Set(
      protocols().flatMap((name) =>
        load(name).scenarios.flatMap(({ steps }) => steps.filter(isCheck).map(({ source }) => ruleOf(source)?.id))
      )
    )
    expect(rules().flatMap(({ id }) => (cited.has(id) ? [] : [id]))).toEqual([])
  })

  it("are English and Chinese sentences", () => {
    const han = /\p{Script=Han}/u
    const wrong = rules().filter(
      ({ description: { en, zh } }) => han.test(en) || !en.endsWith(".") || !zh.endsWith("。") || !han.test(zh)
    )
    expect(wrong.map(({ id }) => id)).toEqual([])
  })
})

describe("the scenarios of spark", () => {
  it("request every documented address, with a success and a refusal", () => {
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
  it("send every documented method, and expect every documented push", () => {
    const { protocol, steps } = data("xuanxuan")
    const asked = new Set<string>()
    const pushed = new Set<string>()
    /** A method may be written with a matcher around its names. */
    const note = (set: Set<string>) => (value: Json) => {
      if (!isObject(value) || value["method"] === undefined) return
      walk(value["method"], (name) => {
        if (typeof name === "string") set.add(name.toLowerCase())
      })
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
