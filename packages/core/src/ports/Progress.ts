/** Progress of a long operation. */
import * as Context from "effect/Context"

/** Receives the completed and the total work, in the same unit; called often, so it must return quickly. */
export type ReportProgress = (done: number, total: number) => void

/** Ignored by default. */
export const Progress: Context.Reference<ReportProgress> = Context.Reference<ReportProgress>("@parley/core/Progress", {
  defaultValue: () => () => {}
})
