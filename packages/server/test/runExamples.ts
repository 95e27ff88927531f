/**
 * Runs the examples of a page for users: every ```sh block against a running server, all in one shell and in order. Its
 * output must equal the ```json or ```text block right after it.
 */
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"

/** Address of the server in the pages. */
const PAGE_URL = "http://127.0.0.1:8080"
const SEPARATOR = "---- between two blocks ----"
/** Maximum milliseconds of a page's examples. */
const RUN_TIMEOUT = 60_000

export interface Step {
  /** Line of the page at which the commands begin, from 1. */
  readonly line: number
  readonly commands: string
  readonly shown: { readonly kind: "json" | "text"; readonly content: string } | undefined
}

/** Returns the blocks of a page with their expected output. */
export const stepsOf = (page: string): ReadonlyArray<Step> =>
  Array.from(page.matchAll(/^```sh\n([\s\S]*?)^```\n(?:\s*^```(json|text)\n([\s\S]*?)^```\n)?/gm), (found) => {
    const [, commands = "", kind, content = ""] = found
    return {
      line: page.slice(0, found.index).split("\n").length + 1,
      commands,
      shown: kind === "json" || kind === "text" ? { kind, content } : undefined
    }
  })

/** Runs the steps in one shell; returns their outputs. */
const run = (steps: ReadonlyArray<Step>, http: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.callback((resume) => {
    const script = steps
      .map(({ commands }) => commands.replaceAll(PAGE_URL, http))
      .join(`\nprintf '%s\\n' '${SEPARATOR}'\n`)
    const child = execFile("bash", ["-eu", "-c", script], { timeout: RUN_TIMEOUT }, (error, out, err) => {
      resume(
        error === null
          ? Effect.succeed(out.split(`${SEPARATOR}\n`))
          : Effect.die(new Error(`${error.message}\n${out}\n${err}`))
      )
    })
    return Effect.sync(() => void child.kill())
  })

/** Formats JSON as one line, with varying fields replaced by their types. The order of fields stays. */
const normalised = (text: string, varying: ReadonlyArray<string>): string =>
  JSON.stringify(JSON.parse(text), (key, value: unknown) => (varying.includes(key) ? typeof value : value))

/**
 * Runs a page's examples against the server at `http`; returns the differences by line. Fields of JSON that are `varying`
 * (tokens, times) may have any value of the same type.
 */
export const runExamples = Effect.fnUntraced(function* (page: URL, http: string, varying: ReadonlyArray<string> = []) {
  const steps = stepsOf(readFileSync(page, "utf8"))
  if (steps.length === 0) return [`${page.pathname} has no commands`]
  const printed = yield* run(steps, http)
  return steps.flatMap(({ line, shown }, index) => {
    if (shown === undefined) return []
    const [wanted, found] = [shown.content, (printed[index] ?? "").replaceAll(http, PAGE_URL)].map((text) =>
      shown.kind === "json" ? comparable(text, varying) : text.trim()
    )
    return wanted === found ? [] : [`line ${line}: shows ${wanted}, prints ${found}`]
  })
})

const comparable = (text: string, varying: ReadonlyArray<string>): string => {
  try {
    return normalised(text, varying)
  } catch {
    return `not JSON: ${text}`
  }
}
