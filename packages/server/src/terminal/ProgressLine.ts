/** How far a command is, on standard error: one line that changes on a terminal, else a line for every tenth. */
import type { ReportProgress } from "@parley/core/Progress"

/** Milliseconds that a command may take before it says how far it is. */
const QUIET = 1000

interface Output {
  readonly isTTY?: boolean
  readonly write: (text: string) => unknown
}

export interface ProgressLine {
  readonly report: ReportProgress
  /** Takes the changing line away. */
  readonly end: () => void
}

export const makeProgressLine = (output: Output, now: () => number = () => performance.now()): ProgressLine => {
  const since = now()
  let shown = -1
  return {
    report: (done, total) => {
      // One thing has no progress: it is done, or it is not.
      if (total <= 1 || now() - since < QUIET) return
      const percent = Math.floor((done / total) * 100)
      const step = output.isTTY === true ? percent : Math.floor(percent / 10) * 10
      if (step <= shown) return
      shown = step
      const text = `${done} of ${total} (${percent} %)`
      output.write(output.isTTY === true ? `\r\u001B[K${text}` : `${text}\n`)
    },
    end: () => {
      if (output.isTTY === true && shown >= 0) output.write("\r\u001B[K")
    }
  }
}
