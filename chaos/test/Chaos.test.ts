/**
 * The short form: a few faults of the list, others with each seed. Repeat a failure with `PARLEY_TEST_SEED=<seed>`. All faults
 * happen in runs by hand: `npx pnpm chaos`.
 */
import { assert, it } from "vitest"
import { repetitions } from "../../scripts/repetitions.ts"
import { serverBundle } from "../../scripts/serverBundle.ts"
import { faultsNamed } from "../src/Options.ts"
import { Random } from "../src/random.ts"
import { run } from "../src/run.ts"
import { textOf } from "../src/Report.ts"

/** Faults after which the outcome of every request is known. */
const SHORT = "node-stop,presence-lost,packets-unknown"
const COUNT = repetitions(3, 2)

const seed = Number(process.env["PARLEY_TEST_SEED"] ?? Date.now() % 1_000_000)
const chosen = new Random(seed).shuffled(faultsNamed(SHORT)).slice(0, COUNT)
const names = chosen.map(({ name }) => name).join(" and ")

it(`three nodes keep all promises about messages through ${names} (seed ${seed})`, { timeout: 300_000 }, async () => {
  const lines: Array<string> = []
  const options = {
    duration: 0,
    seed,
    faults: chosen,
    nodes: 3,
    rate: 40,
    standby: false,
    nats: false,
    slack: 3_000,
    scale: 0.2,
    program: await serverBundle()
  }
  const report = await run(options, (line) => lines.push(line))
  const text = [...lines, textOf(report)].join("\n")
  assert.deepEqual(report.broken, [], text)
  assert.equal(report.counts["faults"], chosen.length, text)
  assert.isAbove(report.counts["messages answered"] ?? 0, 20, text)
  assert.isAbove(report.counts["pushes"] ?? 0, 40, text)
})
