/** Plays the scenarios against the subjects, all of a round before the next: what else the machine does then hits all alike. */
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Plan, Seen } from "./generator/Plan.ts"
import type { Prepared, Serving } from "./Prepared.ts"
import { start } from "./Program.ts"
import type { Scenario } from "./Scenario.ts"
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
  /** The folder for CPU profiles of our server, if they are wanted. */
  readonly profiles: string | undefined
  readonly tell: (line: string) => void
}

/** Characters of content. */
const SIZE = 200
const GENERATOR = fileURLToPath(new URL("generator/main.ts", import.meta.url))

export const generate = async (
  plan: Omit<Plan, "size" | "port" | "pid">,
  { program, port }: Serving
): Promise<Seen> => {
  const whole: Plan = { ...plan, size: SIZE, port, pid: program.pid }
  return JSON.parse(await start(1, [GENERATOR], JSON.stringify(whole)).output) as Seen
}

export const play = async (
  { prepared, folder, rounds, warmUp, duration, profiles, tell }: Setting,
  scenarios: ReadonlyArray<Scenario>,
  subjects: ReadonlyArray<Subject>
): Promise<ReadonlyArray<Run>> => {
  const runs: Array<Run> = []
  for (let round = 1; round <= rounds; round++) {
    for (const { name, shape, pace, longer = 1 } of scenarios) {
      for (const subject of subjects) {
        const node =
          profiles === undefined
            ? []
            : ["--cpu-prof", "--cpu-prof-interval", "500", "--cpu-prof-dir", join(profiles, name)]
        const serving = await subject.start({ prepared, folder, run: `${round}-${name}-${subject.name}`, node })
        try {
          const plan = {
            speech: subject.speech,
            shape,
            pace,
            warmUp,
            duration: duration * longer,
            users: prepared.users
          }
          const run: Run = { scenario: name, subject: subject.name, round, ...(await generate(plan, serving)) }
          runs.push(run)
          tell(line(run))
        } finally {
          await serving.program.stop()
        }
      }
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
