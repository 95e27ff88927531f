/** The command line. */
import { parseArgs } from "node:util"
import type { Experiment } from "./Experiment.ts"
import { experiments } from "./experiments/index.ts"
import { type Scenario, scenarios, small } from "./Scenario.ts"
import { type Subject, subjects } from "./Subject.ts"

const listed = (all: ReadonlyArray<{ readonly name: string; readonly description: string }>): string =>
  all.map(({ name, description }) => `    ${name.padEnd(10)}${description}`).join("\n")

export const usage = `Usage: npx pnpm bench [options]
  --only a,b,…       what is measured; everything by default
${listed([...scenarios, ...experiments])}
  --subjects x,y,…   servers that play the scenarios; all by default
${listed(subjects)}
  --rounds n         3 by default
  --duration s       seconds of measuring in each run, 4 by default
  --quick            everything small, one short round: shows that it works, its figures mean nothing
  --profile          the scenarios with our server only, with CPU profiles in bench/profiles and what stands at their top
  --write file       puts the report into a page, between <!-- bench:table --> and <!-- /bench:table -->
  --json             the report as JSON on standard output instead of Markdown`

export class BadOptions extends Error {}

export interface Options {
  readonly scenarios: ReadonlyArray<Scenario>
  readonly subjects: ReadonlyArray<Subject>
  readonly experiments: ReadonlyArray<Experiment>
  readonly rounds: number
  /** Seconds. */
  readonly warmUp: number
  /** Seconds. */
  readonly duration: number
  readonly quick: boolean
  readonly profile: boolean
  readonly json: boolean
  /** The page that the report goes into. */
  readonly write: string | undefined
  /** Command line of this run. */
  readonly command: string
}

/** Left out where everything is quick: `relay-durable` does the same and more. */
const SPARED = "relay-coalesced"

const chosen = <A extends { readonly name: string }>(
  all: ReadonlyArray<A>,
  names: ReadonlyArray<string>
): ReadonlyArray<A> =>
  names.map((name) => {
    const found = all.find((one) => one.name === name)
    if (found === undefined) throw new BadOptions(`there is no ${name}`)
    return found
  })

const positive = (name: string, given: string): number => {
  const number = Number(given)
  if (!(number > 0)) throw new BadOptions(`--${name} must be a number above 0, not ${given}`)
  return number
}

const flags = {
  only: { type: "string" },
  subjects: { type: "string" },
  rounds: { type: "string" },
  duration: { type: "string" },
  quick: { type: "boolean", default: false },
  profile: { type: "boolean", default: false },
  write: { type: "string" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false }
} as const

const parse = (args: Array<string>) => {
  try {
    return parseArgs({ args, options: flags }).values
  } catch (cause) {
    throw new BadOptions(cause instanceof Error ? cause.message : String(cause))
  }
}

/** Undefined if only the usage was requested. */
export const readOptions = (args: Array<string>): Options | undefined => {
  const values = parse(args)
  if (values.help) return undefined
  const { quick, profile } = values
  const everything = profile ? scenarios : [...scenarios, ...experiments]
  const only = values.only?.split(",") ?? everything.map(({ name }) => name)
  // The cost of a message with 990 members offline is compared with its cost without them.
  const names = only.includes("d") && !only.includes("d10") ? [...only, "d10"] : only
  const isExperiment = (name: string): boolean => experiments.some((one) => one.name === name)
  const wanted = chosen(
    scenarios,
    names.filter((name) => !isExperiment(name))
  )
  const usual = profile ? ["parley"] : subjects.map(({ name }) => name).filter((name) => !quick || name !== SPARED)
  const servers = values.subjects?.split(",") ?? usual
  const rounds = Math.ceil(positive("rounds", values.rounds ?? (quick || profile ? "1" : "3")))
  const duration = positive("duration", values.duration ?? (quick ? "0.4" : "4"))
  return {
    scenarios: quick ? wanted.map(small) : wanted,
    subjects: chosen(subjects, servers),
    experiments: chosen(experiments, names.filter(isExperiment)),
    rounds,
    duration,
    // Until the code of a server is compiled as it will be; with the little time of a smoke run it is not.
    warmUp: Math.min(3, duration),
    quick,
    profile,
    json: values.json,
    write: values.write,
    command: [
      "npx pnpm bench",
      ...args.filter((arg, index) => arg !== "--write" && args[index - 1] !== "--write")
    ].join(" ")
  }
}
