/** A figure over another one, held against its goal. A figure in µs is good for this machine only; a ratio travels. */
import { type Spread, spread } from "./Spread.ts"
import type { Table } from "./Table.ts"

export interface Ratio extends Spread {
  readonly description: string
  readonly goal: number
  /** The goal is a least, not a most. */
  readonly atLeast: boolean
}

/** Ratio over the rounds; nothing if no round has both figures. */
export const ratio = (
  description: string,
  goal: number,
  values: ReadonlyArray<number>,
  { atLeast = false } = {}
): ReadonlyArray<Ratio> => (values.length === 0 ? [] : [{ description, goal, atLeast, ...spread(values) }])

const verdict = ({ median, goal, atLeast }: Ratio): string =>
  (atLeast ? median >= goal : median <= goal) ? "met" : `${(median / goal).toFixed(2)} × the goal`

export const ratioTable = (ratios: ReadonlyArray<Ratio>): Table => ({
  title: "Against the goals",
  head: ["ratio", "min", "median", "max", "goal", ""],
  body: ratios.map((one) => [
    one.description,
    one.min.toFixed(2),
    one.median.toFixed(2),
    one.max.toFixed(2),
    `${one.atLeast ? "≥" : "≤"} ${one.goal.toFixed(2)}`,
    verdict(one)
  ])
})
