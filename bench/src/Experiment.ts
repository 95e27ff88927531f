/** Measurements other than a scenario that is played against all servers. */
import type { Ratio } from "./Ratio.ts"
import type { Setting } from "./Rounds.ts"
import type { Table } from "./Table.ts"

/** Result of an experiment. */
export interface Found {
  readonly ratios: ReadonlyArray<Ratio>
  readonly tables: ReadonlyArray<Table>
  /** Messages that did not arrive, or in the wrong order, in words. */
  readonly missing: ReadonlyArray<string>
}

export interface Experiment {
  /** For `--only`. */
  readonly name: string
  readonly description: string
  /** How many users, and how many of them logged in, it needs of `Setting.prepared`. */
  readonly users?: (quick: boolean) => number
  readonly play: (setting: Setting) => Promise<Found>
}

export const nothing: Found = { ratios: [], tables: [], missing: [] }

export const together = (all: ReadonlyArray<Found>): Found => ({
  ratios: all.flatMap(({ ratios }) => ratios),
  tables: all.flatMap(({ tables }) => tables),
  missing: all.flatMap(({ missing }) => missing)
})
