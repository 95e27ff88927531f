/** Cost of a message in a store of a million messages, and in an empty one. */
import type { Experiment, Found } from "../Experiment.ts"
import { perSend } from "../Goals.ts"
import { ratio } from "../Ratio.ts"
import { play, type Run } from "../Rounds.ts"
import { scenarioNamed, small } from "../Scenario.ts"
import { three } from "../Spread.ts"
import { subjectNamed } from "../Subject.ts"
import { fullStore, sizesOf } from "./FullStore.ts"

const PLAYED = ["a", "d10"]
/** Users who connect. */
const USERS = 200

export const history: Experiment = {
  name: "history",
  description: "a and d10 with 1,000,000 messages, 100,000 chats and 100,000 users stored, and with none",
  users: () => USERS,
  play: async (setting): Promise<Found> => {
    const scenarios = PLAYED.map(scenarioNamed).map((one) => (setting.quick ? small(one) : one))
    const full = await fullStore(setting, USERS)
    const empty: Array<Run> = []
    const stored: Array<Run> = []
    for (let round = 1; round <= setting.rounds; round++) {
      for (const scenario of scenarios) {
        for (const [runs, prepared] of [
          [empty, setting.prepared],
          [stored, full]
        ] as const) {
          const played = await play({ ...setting, prepared, rounds: 1 }, [scenario], [subjectNamed("parley")])
          runs.push(...played.map((run) => ({ ...run, round })))
        }
      }
    }
    const costs = (runs: ReadonlyArray<Run>, name: string): ReadonlyArray<number> =>
      runs.filter(({ scenario }) => scenario === name).map(perSend)
    const { messages, chats, users } = sizesOf(setting.quick)
    return {
      ratios: PLAYED.flatMap((name) => {
        const [upper, lower] = [costs(stored, name), costs(empty, name)]
        const values = upper.map((cost, round) => cost / (lower[round] ?? Number.NaN)).filter(Number.isFinite)
        return ratio(`history: CPU per message of ${name}, full store / empty one`, 1.2, values)
      }),
      tables: [
        {
          title: "Server CPU, µs per message sent, by what is stored",
          head: ["stored", ...PLAYED],
          body: [
            ["nothing", ...PLAYED.map((name) => three(costs(empty, name), 1))],
            [
              `${messages} messages, ${chats} chats, ${users} users`,
              ...PLAYED.map((name) => three(costs(stored, name), 1))
            ]
          ]
        }
      ],
      missing: [...empty, ...stored]
        .filter(({ missing, lost }) => missing > 0 || lost > 0)
        .map(({ scenario, missing, lost }) => `history/${scenario}: ${missing} messages, ${lost} connections`)
    }
  }
}
