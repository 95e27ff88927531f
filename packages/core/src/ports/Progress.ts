/** How far a long operation is, for whoever waits for it. */
import * as Context from "effect/Context"

/** Called with what is done of how much, in the same unit; often, so it returns at once. */
export type ReportProgress = (done: number, total: number) => void

/** By default nobody is told. */
export const Progress: Context.Reference<ReportProgress> = Context.Reference<ReportProgress>("@parley/core/Progress", {
  defaultValue: () => () => {}
})
