/** Cost of the engine in an application's own program. */
import { fileURLToPath } from "node:url"
import type { EngineSeen } from "../embed/engine.ts"
import { clientSize, installSize } from "../embed/Sizes.ts"
import type { Experiment, Found } from "../Experiment.ts"
import { start } from "../Program.ts"
import { three } from "../Spread.ts"

const ENGINE = fileURLToPath(new URL("../embed/engine.ts", import.meta.url))

/** Installed packages by purpose. */
const INSTALLED: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
  ["engine on memory", ["core", "adapter-memory"]],
  ["engine on SQLite, in a Node server, with all protocols", ["core", "adapter-sql", "adapter-node", "dialects"]],
  ["the server with its command line", ["server"]],
  ["client", ["client"]]
]

export const embed: Experiment = {
  name: "embed",
  description: "start and memory of an embedded engine; sizes of the client and of an installation",
  play: async ({ rounds, tell }): Promise<Found> => {
    const seen: Array<EngineSeen> = []
    for (let round = 1; round <= rounds; round++) {
      seen.push(JSON.parse(await start(0, ["--expose-gc", ENGINE]).output) as EngineSeen)
    }
    const { minified, zipped } = await clientSize()
    tell(
      `embed: ${three(
        seen.map(({ importing, making }) => importing + making),
        0
      )} ms to the first engine`
    )
    const of = (figure: (one: EngineSeen) => number, digits: number): string => three(seen.map(figure), digits)
    return {
      ratios: [],
      tables: [
        {
          title: "Embedding",
          head: ["what", "figure"],
          body: [
            ["ms to import the engine, from source", of(({ importing }) => importing, 0)],
            ["ms to create the first engine, on a store in memory", of(({ making }) => making, 1)],
            ["ms to create another one", of(({ another }) => another, 2)],
            ["kB of heap for another one", of(({ heap }) => heap, 0)],
            ["MB of memory of a process with one engine", of(({ resident }) => resident, 0)],
            ["kB of the client for browsers, minified", (minified / 1000).toFixed(1)],
            ["the same with gzip", (zipped / 1000).toFixed(1)]
          ]
        },
        {
          title: "Disk space of an installation",
          head: ["installed", "packages", "MB", "MB of Parley's packages"],
          body: INSTALLED.map(([description, names]) => {
            const { packages, bytes, own } = installSize(...names)
            return [description, String(packages), (bytes / 1e6).toFixed(1), (own / 1e6).toFixed(2)]
          }),
          note: "For Parley's packages the published files (`src`, and `dist` if built), for all others their folders. Most of it is `effect`."
        }
      ],
      missing: []
    }
  }
}
