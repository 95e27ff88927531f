/**
 * The short form: a few faults of the list, others with each seed; all of them in `npx pnpm test:full`. Repeat a failure with
 * `PARLEY_TEST_SEED=<seed>`.
 */
import { assert, it } from "vitest"
import { isFull } from "../../scripts/repetitions.ts"
import { faultsNamed } from "../src/Options.ts"
import { faults } from "../src/faults.ts"
import { Random } from "../src/random.ts"
import { run } from "../src/run.ts"
import { textOf } from "../src/Report.ts"

/** Those of the quick form need neither a standby nor the start of a further process. */
const QUICK = "node-stop,node-cut,postgres-kill,presence-lost,packets-unknown"
/** Number of faults of the quick form. */
const COUNT = 2

const seed = Number(process.env["PARLEY_TEST_SEED"] ?? Date.now() % 1_000_000)
/** Faults of NATS happen in runs by hand: the tests of the nodes on NATS have them, too. */
const ownBus = faults.filter(({ name }) => !name.startsWith("nats-"))
const chosen = isFull ? ownBus : new Random(seed).shuffled(faultsNamed(QUICK)).slice(0, COUNT)
const names = isFull ? "each fault" : chosen.map(({ name }) => name).join(" and ")

it(`three nodes keep all promises about messages through ${names} (seed ${seed})`, { timeout: 300_000 }, async () => {
  const lines: Array<string> = []
  const options = {
    duration: 0,
    seed,
    faults: chosen,
    nodes: 3,
    rate: 40,
    standby: isFull,
    nats: false,
    slack: 3_000,
    scale: 0.2
  }
  const report = await run(options, (line) => lines.push(line))
  const text = [...lines, textOf(report)].join("\n")
  assert.deepEqual(report.broken, [], text)
  assert.equal(report.counts["faults"], chosen.length, text)
  assert.isAbove(report.counts["messages answered"] ?? 0, 20, text)
  assert.isAbove(report.counts["pushes"] ?? 0, 40, text)
})
