/** Runs histories, and shrinks those that fail. */
import { shrink } from "@parley/core/testing/Simulation"
import { check, checkPushed, checkStates } from "./check.ts"
import { type Step, stepsOf } from "./History.ts"
import { World } from "./World.ts"

export interface Result {
  readonly broken: ReadonlyArray<string>
  readonly trace: ReadonlyArray<string>
}

/** Runs the steps on a world of the seed. */
export const run = async (seed: number, steps: ReadonlyArray<Step> = stepsOf(seed)): Promise<Result> => {
  const world = new World(seed)
  try {
    await world.open()
    const start = world.time.now
    for (const step of steps) {
      await world.time.advance(Math.max(0, start + step.at - world.time.now))
      world.perform(step)
    }
    await world.settle()
    const fresh = await world.freshClients()
    const pushed = [...checkPushed(world), ...checkStates(world.clients, fresh)]
    for (const client of fresh) client.end()
    await world.reconnect()
    return { broken: [...check(world), ...pushed], trace: world.observed.trace }
  } catch (cause) {
    const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
    return { broken: [`the simulation failed: ${text}`], trace: world.observed.trace }
  } finally {
    world.end()
  }
}

/** The kind of a broken promise: its text without numbers. */
const kindOf = (broken: string): string => broken.replaceAll(/\d+|".*?"|alice|bob|carol|dave|eve/g, "")

/** Returns a shortest history of the seed that breaks a promise of the same kind. */
export const shortest = async (seed: number, broken: ReadonlyArray<string>): Promise<ReadonlyArray<Step>> => {
  const kinds = new Set(broken.map(kindOf))
  return shrink(
    stepsOf(seed),
    async (steps) => (await run(seed, steps)).broken.some((one) => kinds.has(kindOf(one))),
    300
  )
}
