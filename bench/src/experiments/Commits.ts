/** Cost of a durable message in the store, beside the least possible: rows a second of both, by the number outstanding. */
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { CommitsSeen } from "../commits/main.ts"
import type { Experiment, Found } from "../Experiment.ts"
import { removeDatabase } from "../Prepared.ts"
import { start } from "../Program.ts"
import { ratio } from "../Ratio.ts"
import type { Setting } from "../Rounds.ts"
import { three } from "../Spread.ts"

const MAIN = fileURLToPath(new URL("../commits/main.ts", import.meta.url))
const OUTSTANDING = [1, 16, 128]
/** Number outstanding to which the goal applies. */
const JUDGED = 128
const PATHS = ["bare", "parley"] as const
type Path = (typeof PATHS)[number]

interface One extends CommitsSeen {
  readonly path: Path
  readonly outstanding: number
}

const measure = async ({ folder, duration }: Setting, path: Path, outstanding: number): Promise<One> => {
  const file = join(folder, `commits-${path}.db`)
  // Both threads of a path have both cores: that they run side by side is what is measured.
  const args = [MAIN, path, file, String(outstanding), String(duration * 1000)]
  const seen = JSON.parse(await start(undefined, args).output) as CommitsSeen
  removeDatabase(file)
  return { ...seen, path, outstanding }
}

export const commits: Experiment = {
  name: "commits",
  description: "the store's commit path alone, beside a bare writer in a worker",
  play: async (setting): Promise<Found> => {
    const all: Array<One> = []
    for (let round = 1; round <= setting.rounds; round++) {
      for (const outstanding of OUTSTANDING) {
        for (const path of PATHS) {
          const one = await measure(setting, path, outstanding)
          all.push(one)
          setting.tell(
            `${round} commits, ${outstanding} outstanding, ${path}: ${one.rate.toFixed(0)} rows/s, ${one.cpu.toFixed(1)} µs of CPU each`
          )
        }
      }
    }
    const of = (path: Path, outstanding: number): ReadonlyArray<One> =>
      all.filter((one) => one.path === path && one.outstanding === outstanding)
    const quotients = (outstanding: number): ReadonlyArray<number> => {
      const least = of("bare", outstanding)
      return of("parley", outstanding).map(({ rate }, round) => rate / (least[round]?.rate ?? Number.NaN))
    }
    return {
      ratios: ratio(`commits: rows a second / bare writer, ${JUDGED} outstanding`, 0.8, quotients(JUDGED), {
        atLeast: true
      }),
      tables: [
        {
          title: "The commit path alone",
          head: [
            "outstanding",
            "rows/s",
            "rows/s of a bare writer",
            "quotient",
            "µs of CPU",
            "µs of CPU of a bare writer"
          ],
          body: OUTSTANDING.map((outstanding) => {
            const [ours, least] = [of("parley", outstanding), of("bare", outstanding)]
            return [
              String(outstanding),
              three(
                ours.map(({ rate }) => rate),
                0
              ),
              three(
                least.map(({ rate }) => rate),
                0
              ),
              three(quotients(outstanding), 2),
              three(
                ours.map(({ cpu }) => cpu),
                1
              ),
              three(
                least.map(({ cpu }) => cpu),
                1
              )
            ]
          }),
          note: "No server and no sockets: one message per batch, both on SQLite with `synchronous=FULL`. The bare writer runs one statement per row; it checks no version, assigns no sequence and detects no duplicate."
        }
      ],
      missing: []
    }
  }
}
