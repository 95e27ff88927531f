/**
 * Reads scenario files in their text form, `*.scenario`. `packages/conformance/protocols/README.md` describes it. The
 * result has the form of a JSON file of scenarios, `File` in `Scenario.ts`, and is decoded as that.
 */
import type { Json, JsonObject } from "../Json.ts"
import { type Names, Scanner } from "./Scanner.ts"
import { Sources } from "./Sources.ts"
import { directive, forEachStatement, wordsOf } from "./Statements.ts"
import { readStep } from "./StepText.ts"
import { readWhole } from "./Value.ts"

type Draft = { [key: string]: Json }

const guestsOf = (text: string): JsonObject =>
  Object.fromEntries(
    wordsOf(text).map((word) => {
      const [name = "", role] = word.split("=")
      if (role === undefined) throw new SyntaxError("guests name=role … expected")
      return [name, role]
    })
  )

/** The fields of a scenario that a directive sets, in the order in which they are printed. */
const heads: { readonly [name: string]: (rest: string) => Draft } = {
  title: (rest) => ({ title: rest }),
  actors: (rest) => ({ actors: wordsOf(rest) }),
  guests: (rest) => ({ guests: guestsOf(rest) }),
  away: (rest) => ({ away: wordsOf(rest) }),
  transports: (rest) => ({ transports: wordsOf(rest) }),
  wire: (rest) => ({ profiles: wordsOf(rest) }),
  needs: (rest) => ({ needs: wordsOf(rest) }),
  facts: (rest) => ({ facts: wordsOf(rest) }),
  profile: (rest) => ({ profile: rest })
}

const unknown = (name: string): never => {
  throw new SyntaxError(`no directive ${name}`)
}

export interface ScenarioSource {
  /** In the form of `File` in `Scenario.ts`. */
  readonly file: Json
  /** The values that the file names. */
  readonly names: Names
}

/** `let <name> <value>`. */
const define = (names: Map<string, Json>, rest: string): void => {
  const [name, text] = directive(rest)
  if (names.has(name)) throw new SyntaxError(`let ${name} is there twice`)
  names.set(name, readWhole(text, names))
}

/** A file of scenarios, with the names that it gives to values. Throws `SyntaxError` with the line. */
export const readScenarioSource = (text: string): ScenarioSource => {
  const sources = new Sources()
  const names = new Map<string, Json>()
  let section = ""
  const scenarios: Array<{ head: Draft; steps: Array<Json> }> = []
  forEachStatement(text, ({ indented, text: body }) => {
    const last = scenarios.at(-1)
    if (indented) {
      if (last === undefined) throw new SyntaxError("a step before the first scenario")
      last.steps.push(readStep(new Scanner(body, names), true, (name) => sources.sourceOf(name)))
      return
    }
    const [name, rest] = directive(body)
    const head = Object.hasOwn(heads, name) ? heads[name] : undefined
    if (name === "document") sources.document = rest
    else if (name === "section") sources.section = section = rest
    else if (name === "cite") sources.cite(rest)
    else if (name === "let") define(names, rest)
    else if (name === "scenario") {
      sources.section = section
      scenarios.push({ head: { id: rest, title: "", actors: [] }, steps: [] })
    } else if (name === "source") sources.section = rest
    else if (head !== undefined && last !== undefined) Object.assign(last.head, head(rest))
    else unknown(name)
  })
  return { file: { section, scenarios: scenarios.map(({ head, steps }) => ({ ...head, steps })) }, names }
}

/** The file alone. */
export const readScenarioText = (text: string): Json => readScenarioSource(text).file

/** Reads the parts that the scenarios of a protocol share, `Protocol` in `Scenario.ts`. Throws `SyntaxError` with the line. */
export const readProtocolText = (text: string): Json => {
  const sources = new Sources()
  const draft: Draft = {}
  const shapes: Draft = {}
  const routines: { [name: string]: Array<Json> } = {}
  let steps: Array<Json> | undefined
  const operation = (rest: string): JsonObject => {
    const [module = "", method = ""] = rest.split("/")
    return { module, method }
  }
  forEachStatement(text, ({ indented, text: body }) => {
    if (indented) {
      if (steps === undefined) throw new SyntaxError("a step before the first routine")
      steps.push(readStep(new Scanner(body), false, (name) => sources.sourceOf(name)))
      return
    }
    const [name, rest] = directive(body)
    if (name === "protocol") draft["protocol"] = sources.document = rest
    else if (name === "title") draft["title"] = rest
    else if (name === "barrier" || name === "queue") draft[name] = operation(rest)
    else if (name === "cite") sources.cite(rest)
    else if (name === "source") sources.section = rest
    else if (name === "routine") routines[rest] = steps = []
    else if (name === "shape") {
      const [shape, pattern] = directive(rest)
      shapes[shape] = readWhole(pattern)
    } else unknown(name)
  })
  return { ...draft, shapes, routines }
}
