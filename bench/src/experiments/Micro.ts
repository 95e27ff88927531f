/** The steps of a message by themselves, with the memory that each takes. */
import { fileURLToPath } from "node:url"
import type { Experiment, Found } from "../Experiment.ts"
import type { Step } from "../micro/main.ts"
import { start } from "../Program.ts"
import { three } from "../Spread.ts"

const MAIN = fileURLToPath(new URL("../micro/main.ts", import.meta.url))

export const micro: Experiment = {
  name: "micro",
  description: "the steps of a message by themselves, with what they allocate",
  play: async ({ rounds, duration, tell }): Promise<Found> => {
    const all: Array<Step> = []
    for (let round = 1; round <= rounds; round++) {
      const program = start(0, ["--expose-gc", MAIN, String(Math.round((duration * 1000) / 4))])
      const steps = JSON.parse(await program.output) as ReadonlyArray<Step>
      for (const { description, nanoseconds, bytes } of steps) {
        tell(`${round} micro ${description}: ${nanoseconds.toFixed(0)} ns, ${bytes.toFixed(0)} bytes`)
      }
      all.push(...steps)
    }
    const of = (description: string): ReadonlyArray<Step> => all.filter((step) => step.description === description)
    return {
      ratios: [],
      tables: [
        {
          title: "Steps of a message by themselves",
          head: ["step", "ns", "bytes of heap"],
          body: [...new Set(all.map(({ description }) => description))].map((description) => [
            description,
            three(
              of(description).map(({ nanoseconds }) => nanoseconds),
              0
            ),
            three(
              of(description).map(({ bytes }) => bytes),
              0
            )
          ])
        }
      ],
      missing: []
    }
  }
}
