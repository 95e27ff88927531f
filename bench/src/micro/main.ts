/** Times the steps of a message by themselves: `main.ts <milliseconds>` prints a list as JSON. The cases are in `packages/<name>/bench`. */
import { getHeapStatistics } from "node:v8"
import { append } from "../../../packages/adapter-sql/bench/Append.ts"
import { deliver } from "../../../packages/core/bench/Deliver.ts"
import { rule } from "../../../packages/core/bench/Rule.ts"
import { decode, encode } from "../../../packages/dialects/bench/Wire.ts"

export interface Step {
  readonly description: string
  /** Of one turn. */
  readonly nanoseconds: number
  /** Bytes of JavaScript heap that one turn takes; what libraries in C take is not among it. */
  readonly bytes: number
}

/** Turns between two looks at the clock. */
const TURNS = 64

/** Bytes that were ever allocated in this thread; before Node 26 what is in use, after a collection of garbage at the start. */
const allocated = (): number => {
  const statistics: { readonly used_heap_size: number; readonly total_allocated_bytes?: number } = getHeapStatistics()
  return statistics.total_allocated_bytes ?? statistics.used_heap_size
}

const turnsFor = (milliseconds: number, turn: () => void): number => {
  const until = performance.now() + milliseconds
  let turns = 0
  while (performance.now() < until) {
    for (let nth = 0; nth < TURNS; nth++) turn()
    turns += TURNS
  }
  return turns
}

const milliseconds = Number(process.argv[2] ?? 1000)
const steps = [decode, rule, append, encode, deliver].map(({ description, make }): Step => {
  const { turn, close } = make()
  turnsFor(milliseconds / 4, turn)
  globalThis.gc?.()
  const [before, start] = [allocated(), performance.now()]
  const turns = turnsFor(milliseconds, turn)
  const [took, after] = [performance.now() - start, allocated()]
  close()
  return { description, nanoseconds: (took * 1e6) / turns, bytes: (after - before) / turns }
})
console.log(JSON.stringify(steps))
