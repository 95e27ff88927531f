/** Milliseconds from the start of the process to `listening`, with a million messages stored and with none. */
import { statSync } from "node:fs"
import type { Experiment, Found } from "../Experiment.ts"
import { serve } from "../Prepared.ts"
import { ratio } from "../Ratio.ts"
import { three } from "../Spread.ts"
import { fullStore, sizesOf } from "./FullStore.ts"

/** Minimum number of starts of each: single starts vary. */
const STARTS = 5

const startOn = async (file: string): Promise<number> => {
  const begin = performance.now()
  const { program } = await serve(0, file)
  const took = performance.now() - begin
  await program.stop()
  return took
}

export const cold: Experiment = {
  name: "cold",
  description: "a start with 1,000,000 messages stored, and with none",
  users: () => 2,
  play: async (setting): Promise<Found> => {
    const full = await fullStore(setting, 0)
    const [none, all] = [setting.prepared.copy("cold"), full.copy("cold")]
    const starts = setting.quick ? 1 : Math.max(STARTS, setting.rounds)
    const empty: Array<number> = []
    const stored: Array<number> = []
    for (let nth = 0; nth < starts; nth++) {
      empty.push(await startOn(none))
      stored.push(await startOn(all))
    }
    const megabytes = (file: string): string => (statSync(file).size / 1e6).toFixed(1)
    const sizes = [megabytes(none), megabytes(all)] as const
    setting.prepared.discard("cold")
    full.discard("cold")
    setting.tell(`cold: ${three(empty, 0)} ms with nothing, ${three(stored, 0)} ms with everything`)
    return {
      ratios: ratio(
        "cold: time to listening, full store / empty one",
        1.2,
        stored.map((took, nth) => took / (empty[nth] ?? Number.NaN))
      ),
      tables: [
        {
          title: "Milliseconds from the start to `listening`",
          head: ["stored", "ms", "MB of database"],
          body: [
            ["nothing", three(empty, 0), sizes[0]],
            [`${sizesOf(setting.quick).messages} messages`, three(stored, 0), sizes[1]]
          ]
        }
      ],
      missing: []
    }
  }
}
