/** The command line. */
import { parseArgs } from "node:util"
import { type Scenario, scenarios, small } from "./Scenario.ts"
import { type Subject, subjects } from "./Subject.ts"

export const usage = `Usage: npx pnpm bench [options]
  --only a,b,…       scenarios: ${scenarios.map(({ name }) => name).join(", ")}, rows; all by default
  --subjects x,y,…   servers: ${subjects.map(({ name }) => name).join(", ")}; all by default
  --rounds n         3 by default
  --duration s       seconds of measuring in each run, 4 by default
  --quick            small groups, one round of one second: shows that it works, its figures mean nothing
  --profile          our server only, with CPU profiles in bench/profiles and what stands at their top
  --json             the report as JSON on standard output instead of Markdown`

export class BadOptions extends Error {}

export interface Options {
  readonly scenarios: ReadonlyArray<Scenario>
  readonly subjects: ReadonlyArray<Subject>
  readonly rows: { readonly members: ReadonlyArray<number>; readonly messages: number } | undefined
  readonly rounds: number
  /** Seconds. */
  readonly warmUp: number
  /** Seconds. */
  readonly duration: number
  readonly profile: boolean
  readonly json: boolean
}

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

/** Nothing where only the usage was asked for. */
export const readOptions = (args: Array<string>): Options | undefined => {
  const values = parse(args)
  if (values.help) return undefined
  const { quick, profile } = values
  const only = values.only?.split(",") ?? [...scenarios.map(({ name }) => name), "rows"]
  // What one message costs with 990 members offline is compared with what it costs without them.
  const names = only.includes("d") && !only.includes("d10") ? [...only, "d10"] : only
  const wanted = chosen(
    scenarios,
    names.filter((name) => name !== "rows")
  )
  const servers = values.subjects?.split(",") ?? (profile ? ["parley"] : subjects.map(({ name }) => name))
  const rounds = Math.ceil(positive("rounds", values.rounds ?? (quick || profile ? "1" : "3")))
  const duration = positive("duration", values.duration ?? (quick ? "1" : "4"))
  return {
    scenarios: quick ? wanted.map(small) : wanted,
    subjects: chosen(subjects, servers),
    rows: names.includes("rows")
      ? quick
        ? { members: [5, 20], messages: 20 }
        : { members: [10, 1000], messages: 200 }
      : undefined,
    rounds,
    duration,
    warmUp: Math.min(1.5, duration / 2),
    profile,
    json: values.json
  }
}
