/** Progress of a command on standard error: one line that changes on a terminal, otherwise a line for every 10 %. */
import type { ReportProgress } from "@parley/core/Progress"

/** Milliseconds before a command shows its progress. */
const SHOW_AFTER = 1000

interface Output {
  readonly isTTY?: boolean
  readonly write: (text: string) => unknown
}

export interface ProgressLine {
  readonly report: ReportProgress
  /** Clears the changing line. */
  readonly end: () => void
}

export const makeProgressLine = (output: Output, now: () => number = () => performance.now()): ProgressLine => {
  const since = now()
  let shown = -1
  return {
    report: (done, total) => {
      // A single step has no progress to show.
      if (total <= 1 || now() - since < SHOW_AFTER) return
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
