/** Prints files of scenarios, and what the scenarios of a protocol share, in their text form. */
import { isArray, isObject, type Json, type JsonObject } from "../../src/Json.ts"
import { printStep } from "./printStep.ts"
import type { Names } from "../../src/sources/Scanner.ts"
import { asText, type Printed, printTop, wrap } from "./printValue.ts"

interface Source {
  readonly doc: string
  readonly section: string
}

const sourceOf = (step: Json): Source => {
  const source = isObject(step) ? step["source"] : undefined
  return isObject(source)
    ? { doc: asText(source["doc"]), section: asText(source["section"]) }
    : { doc: "", section: "" }
}

/** The short name of a section: itself where it has no blanks and is of the file's document; of a rule its last part. */
const nameOf = ({ doc, section }: Source, document: string): string => {
  if (doc === document && !/\s/.test(section)) return section
  if (doc === "hardening" || doc === "parley") return section.slice(section.indexOf(".") + 1)
  const topic = section.replace(/^[^:]+: /, "")
  return topic
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, "-")
    .replaceAll(/^-|-$/g, "")
}

const needsCite = (source: Source, document: string): boolean =>
  source.doc !== document || nameOf(source, document) !== source.section

const cites = (sources: ReadonlyArray<Source>, document: string): ReadonlyArray<string> => {
  const found = new Map<string, string>()
  for (const source of sources) {
    const name = nameOf(source, document)
    const line = `cite ${name} ${source.doc} ${source.section}`
    if (!needsCite(source, document)) continue
    if ((found.get(name) ?? line) !== line) throw new Error(`two sections are named ${name}`)
    found.set(name, line)
  }
  return [...found.values()]
}

/** The section that most of the steps rest on, the first of several. */
const usual = (names: ReadonlyArray<string>): string | undefined => {
  const counted = Map.groupBy(names, (name) => name)
  return Array.from(counted).toSorted(([, a], [, b]) => b.length - a.length)[0]?.[0]
}

const list = (value: Json | undefined): ReadonlyArray<Json> => (isArray(value) ? value : [])

const headsOf = (scenario: JsonObject): ReadonlyArray<string> => {
  const { guests } = scenario
  const words = (key: string, name = key) =>
    isArray(scenario[key]) && scenario[key].length > 0 ? [`${name} ${scenario[key].map(asText).join(" ")}`] : []
  return [
    `scenario ${asText(scenario["id"])}`,
    `title ${asText(scenario["title"])}`,
    ...words("actors"),
    ...(isObject(guests)
      ? [
          `guests ${Object.entries(guests)
            .map(([name, role]) => `${name}=${asText(role)}`)
            .join(" ")}`
        ]
      : []),
    ...words("away"),
    ...words("transports"),
    ...words("profiles", "wire"),
    ...words("needs"),
    ...words("facts"),
    ...(typeof scenario["profile"] === "string" ? [`profile ${scenario["profile"]}`] : [])
  ]
}

const printSteps = (
  steps: ReadonlyArray<Json>,
  document: string,
  own: string | undefined,
  names: Printed
): ReadonlyArray<string> =>
  steps.map((step) => {
    const name = nameOf(sourceOf(step), document)
    return printStep(isObject(step) ? step : {}, name === own ? undefined : name, names)
  })

const printScenario = (scenario: JsonObject, document: string, section: string, names: Printed): string => {
  const steps = list(scenario["steps"])
  const own = usual(steps.map((step) => nameOf(sourceOf(step), document))) ?? section
  return [
    ...headsOf(scenario),
    ...(own === section ? [] : [`source ${own}`]),
    ...printSteps(steps, document, own, names)
  ].join("\n")
}

/** The directives of names, and the names by their values. */
const lets = (names: Names): { readonly lines: ReadonlyArray<string>; readonly printed: Printed } => {
  const printed = new Map<string, string>()
  const lines = Array.from(names, ([name, value]) => {
    const line = wrap(`let ${name} ${printTop(value, printed)}`)
    printed.set(JSON.stringify(value), name)
    return line
  })
  return { lines, printed }
}

/** The text of a file of scenarios; `names` are those that it gives to values. */
export const printScenarios = (file: Json, names: Names = new Map()): string => {
  const { section = "", scenarios } = isObject(file) ? file : {}
  const all = list(scenarios).filter(isObject)
  const document = asText(all[0]?.["id"]).split("/")[0] ?? ""
  const sources = all.flatMap(({ steps }) => list(steps).map(sourceOf))
  const head = [`document ${document}`, `section ${asText(section)}`, ...cites(sources, document)].join("\n")
  const { lines, printed } = lets(names)
  const definitions = lines.length === 0 ? [] : [lines.join("\n")]
  return `${[head, ...definitions, ...all.map((one) => printScenario(one, document, asText(section), printed))].join("\n\n")}\n`
}

/** The text of what the scenarios of a protocol share. */
export const printProtocol = (protocol: Json): string => {
  const { protocol: name, title, barrier, queue, shapes, routines } = isObject(protocol) ? protocol : {}
  const document = asText(name)
  const operation = (key: string, value: Json | undefined) =>
    isObject(value) ? [`${key} ${asText(value["module"])}/${asText(value["method"])}`] : []
  const routineList = Object.entries(isObject(routines) ? routines : {})
  const sources = routineList.flatMap(([, steps]) => list(steps).map(sourceOf))
  const head = [
    `protocol ${document}`,
    `title ${asText(title)}`,
    ...operation("barrier", barrier),
    ...operation("queue", queue),
    ...cites(sources, document)
  ]
  const shapeLines = Object.entries(isObject(shapes) ? shapes : {}).map(([shape, pattern]) =>
    wrap(`shape ${shape} ${printTop(pattern, new Map())}`)
  )
  const blocks = routineList.map(([routine, steps]) => {
    const own = usual(list(steps).map((step) => nameOf(sourceOf(step), document)))
    return [
      `routine ${routine}`,
      ...(own === undefined ? [] : [`source ${own}`]),
      ...printSteps(list(steps), document, own, new Map())
    ].join("\n")
  })
  return `${[head.join("\n"), ...(shapeLines.length === 0 ? [] : [shapeLines.join("\n")]), ...blocks].join("\n\n")}\n`
}
