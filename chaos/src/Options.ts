/** The command line. */
import { parseArgs } from "node:util"
import { faults, type Fault } from "./faults.ts"

const listed = faults.map(({ description, name }) => `    ${name.padEnd(18)}${description}`).join("\n")

export const usage = `Usage: npx pnpm chaos [options]
  --minutes n     length, 2 by default
  --seed n        seed of operations and faults, random by default
  --faults a,b,…  faults that happen; all by default
${listed}
  --nats          the bus of the nodes is NATS (nats-server of Debian), not PostgreSQL
  --nodes n       number of nodes, 3 by default
  --rate n        operations per second, 20 by default
  --slack ms      added to each bound in time, for a busy machine; 0 by default
  --no-standby    PostgreSQL has no synchronous standby, and is not promoted`

export class BadOptions extends Error {}

export interface Options {
  /** Milliseconds in which faults begin; 0 for each of them once. */
  readonly duration: number
  readonly seed: number
  readonly faults: ReadonlyArray<Fault>
  readonly nodes: number
  readonly rate: number
  readonly standby: boolean
  /** Whether the bus is NATS. */
  readonly nats: boolean
  /** Milliseconds that are added to each bound in time. */
  readonly slack: number
  /** Factor for the length of each fault. */
  readonly scale: number
  /** File of the program `parley`; its sources by default. */
  readonly program?: string
}

const positive = (name: string, given: string): number => {
  const number = Number(given)
  if (!(number > 0)) throw new BadOptions(`--${name} must be a number above 0, not ${given}`)
  return number
}

const integer = (name: string, given: string): number => {
  if (!/^\d{1,9}$/.test(given)) throw new BadOptions(`--${name} must be a whole number, not ${given}`)
  return Number(given)
}

export const faultsNamed = (names: string): ReadonlyArray<Fault> =>
  names.split(",").map((name) => {
    const found = faults.find((one) => one.name === name)
    if (found === undefined) throw new BadOptions(`there is no fault ${name}`)
    return found
  })

const flags = {
  minutes: { type: "string", default: "2" },
  seed: { type: "string" },
  faults: { type: "string" },
  nodes: { type: "string", default: "3" },
  rate: { type: "string", default: "20" },
  slack: { type: "string", default: "0" },
  nats: { type: "boolean", default: false },
  "no-standby": { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false }
} as const

/** Returns undefined for `--help`. */
export const parseOptions = (args: Array<string>): Options | undefined => {
  let values
  try {
    values = parseArgs({ args, options: flags }).values
  } catch (cause) {
    throw new BadOptions(cause instanceof Error ? cause.message : String(cause))
  }
  if (values.help) return undefined
  return {
    duration: positive("minutes", values.minutes) * 60_000,
    seed: values.seed === undefined ? Date.now() % 1_000_000 : integer("seed", values.seed),
    faults: values.faults === undefined ? faults : faultsNamed(values.faults),
    nodes: Math.max(1, integer("nodes", values.nodes)),
    rate: positive("rate", values.rate),
    slack: integer("slack", values.slack),
    nats: values.nats,
    standby: !values["no-standby"],
    scale: 1
  }
}
