/** Runs the scenarios against the subjects round by round, so that other load on the machine affects all alike. */
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { CatchUpPlan, CatchUpSeen, GivePlan, Plan, Seen, StormPlan, StormSeen } from "./generator/Plan.ts"
import type { Prepared, Serving } from "./Prepared.ts"
import { start } from "./Program.ts"
import { type Scenario, usersOf } from "./Scenario.ts"
import type { Subject } from "./Subject.ts"

export interface Run extends Seen {
  readonly scenario: string
  readonly subject: string
  readonly round: number
}

export interface Setting {
  readonly prepared: Prepared
  /** For what is made on the way. */
  readonly folder: string
  readonly rounds: number
  /** Seconds. */
  readonly warmUp: number
  /** Seconds. */
  readonly duration: number
  /** Everything is small, to see that it works. */
  readonly quick: boolean
  /** The folder for CPU profiles of our server, if they are wanted. */
  readonly profiles: string | undefined
  readonly tell: (line: string) => void
}

/** Characters of content. */
const SIZE = 200
const GENERATOR = fileURLToPath(new URL("generator/main.ts", import.meta.url))

/** Modules that run a server's garbage collection on SIGUSR2. */
const COLLECTING = ["--expose-gc", "--import", new URL("servers/Collect.ts", import.meta.url).href]

type Unbound<T> = T extends unknown ? Omit<T, "port" | "pid" | "size"> : never

/** Gives the generator a task on a server that runs. */
export function generate(task: Unbound<Plan>, serving: Serving): Promise<Seen>
export function generate(task: Unbound<StormPlan> | Unbound<GivePlan>, serving: Serving): Promise<StormSeen>
export function generate(task: Unbound<CatchUpPlan>, serving: Serving): Promise<CatchUpSeen>
export async function generate(
  task: Unbound<Plan | StormPlan | GivePlan | CatchUpPlan>,
  { program, port }: Serving
): Promise<unknown> {
  const complete = { ...task, size: SIZE, port, pid: program.pid }
  return JSON.parse(await start(1, [GENERATOR], JSON.stringify(complete)).output)
}

/** One scenario against one server. */
const playOne = async (
  { prepared, folder, warmUp, duration, profiles, tell }: Setting,
  scenario: Scenario,
  subject: Subject,
  round: number
): Promise<Run> => {
  const { name, shape, pace, longer = 1, collect = false } = scenario
  const node = [
    ...(collect ? COLLECTING : []),
    ...(profiles === undefined || !subject.name.startsWith("parley")
      ? []
      : ["--cpu-prof", "--cpu-prof-interval", "500", "--cpu-prof-dir", join(profiles, name + subject.name)])
  ]
  const title = `${round}-${name}-${subject.name}`
  const serving = await subject.start({ prepared, folder, run: title, node })
  try {
    const plan = {
      task: "load" as const,
      speech: subject.speech,
      shape,
      pace,
      warmUp,
      duration: duration * longer,
      users: prepared.users.slice(0, usersOf(scenario)),
      collect
    }
    const run: Run = { scenario: name, subject: subject.name, round, ...(await generate(plan, serving)) }
    tell(line(run))
    return run
  } finally {
    await serving.program.stop()
    prepared.discard(title)
  }
}

export const play = async (
  setting: Setting,
  scenarios: ReadonlyArray<Scenario>,
  subjects: ReadonlyArray<Subject>
): Promise<ReadonlyArray<Run>> => {
  const runs: Array<Run> = []
  for (let round = 1; round <= setting.rounds; round++) {
    for (const scenario of scenarios) {
      const there = subjects.filter(
        ({ name, plays }) => scenario.among?.includes(name) !== false && plays?.includes(scenario.name) !== false
      )
      if (setting.quick) {
        // The figures are not used: all servers have to play it, and soon.
        runs.push(...(await Promise.all(there.map((subject) => playOne(setting, scenario, subject, round)))))
      } else for (const subject of there) runs.push(await playOne(setting, scenario, subject, round))
    }
  }
  return runs
}

const line = (run: Run): string => {
  const { scenario, subject, round, sends, delivered, cpu, missing, doubled, lost, memory, connections } = run
  const figures =
    sends === 0
      ? `${((memory.after - memory.before) / connections).toFixed(1)} kB for each of ${connections} connections`
      : `${sends} sends, ${(cpu / sends).toFixed(1)} µs each, ${(cpu / Math.max(1, delivered)).toFixed(2)} µs per delivered message; ${((run.mainCpu / cpu) * 100).toFixed(0)} % of it in the main thread; ${(delivered / run.frames).toFixed(1)} messages in a frame; generator at ${(run.generatorLoad * 100).toFixed(0)} %`
  const trouble = [missing > 0 && `${missing} missing`, doubled > 0 && `${doubled} doubled`, lost > 0 && `${lost} lost`]
  return [`${round} ${scenario.padEnd(5)}${subject.padEnd(16)}${figures}`, ...trouble.filter(Boolean)].join("; ")
}
