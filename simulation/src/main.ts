/** `pnpm simulate --seeds 1000 --seed 42`: runs the histories of this many seeds from the first on. */
import { parseArgs } from "node:util"
import { run, shortest } from "./run.ts"

const USAGE = `Usage: npx pnpm simulate [options]
  --seeds n      number of histories, 1000 by default
  --seed n       the first seed; by default one that no run before had
  --twice        runs each seed twice, and compares the traces
  --trace        prints the traces
  --keep-going   does not stop at a failure`

const options = {
  seeds: { type: "string", default: "1000" },
  seed: { type: "string", default: String(Date.now() % 2 ** 31) },
  twice: { type: "boolean", default: false },
  trace: { type: "boolean", default: false },
  "keep-going": { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false }
} as const

const usage = (problem: string): never => {
  console.error(`${problem}\n${USAGE}`)
  process.exit(2)
}

const parse = () => {
  try {
    return parseArgs({ options }).values
  } catch (cause) {
    return usage(cause instanceof Error ? cause.message : String(cause))
  }
}

const values = parse()
if (values.help) {
  console.log(USAGE)
  process.exit(0)
}
const [first, count] = [Number(values.seed), Number(values.seeds)]
if (!Number.isSafeInteger(first) || first < 0) usage("--seed must be an integer from 0 on.")
if (!Number.isSafeInteger(count) || count < 1) usage("--seeds must be an integer from 1 on.")
const startedAt = performance.now()
let failed = 0
let done = 0
for (let seed = first; seed < first + count; seed++) {
  const { broken, trace } = await run(seed)
  done++
  if (values.trace) console.log(trace.join("\n"))
  if (values.twice) {
    const again = (await run(seed)).trace
    const at = trace.findIndex((line, index) => again[index] !== line)
    if (at >= 0 || again.length !== trace.length) {
      console.log(`seed ${seed}: the second run differs at line ${at}:\n${trace[at]}\n${again[at]}`)
      failed++
    }
  }
  if (broken.length === 0) continue
  failed++
  console.log(`seed ${seed} fails:\n  ${broken.slice(0, 5).join("\n  ")}`)
  const steps = await shortest(seed, broken)
  const lines = steps.map((step) => JSON.stringify(step)).join("\n  ")
  console.log(`the shortest history has ${steps.length} steps:\n  ${lines}`)
  console.log(`again: pnpm simulate --seeds 1 --seed ${seed}`)
  if (!values["keep-going"]) break
}
const seconds = (performance.now() - startedAt) / 1000
console.log(`${done} histories in ${seconds.toFixed(1)} s: ${(done / seconds).toFixed(1)} per second, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
