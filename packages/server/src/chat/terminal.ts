/** Lines in and lines out: a terminal, or pipes, where a program reads and writes. */
import { clearLine, createInterface, cursorTo, moveCursor } from "node:readline"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Cause from "effect/Cause"
import type * as Scope from "effect/Scope"

export interface Terminal {
  /** What was typed, line by line; ends with the input. */
  readonly lines: Queue.Dequeue<string, Cause.Done>
  /** Shows lines above what is being typed, and calls back once they have been taken. */
  readonly show: (lines: ReadonlyArray<string>, shown?: () => void) => void
}

export interface TerminalStreams {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

export const openTerminal = Effect.fnUntraced(function* ({
  input,
  output
}: TerminalStreams): Effect.fn.Return<Terminal, never, Scope.Scope> {
  const lines = yield* Queue.unbounded<string, Cause.Done>()
  const terminal = output.isTTY === true
  const reader = yield* Effect.acquireRelease(
    Effect.sync(() => createInterface({ input, ...(terminal ? { output, prompt: "> " } : {}), terminal })),
    (open) => Effect.sync(() => open.close())
  )
  reader.on("line", (line) => {
    if (terminal) {
      // The typed line goes: what is sent is shown again once it is stored, with its time.
      moveCursor(output, 0, -1)
      clearLine(output, 0)
      reader.prompt()
    }
    Queue.offerUnsafe(lines, line)
  })
  // On a terminal, readline takes Ctrl-C for itself: it means here what it means everywhere.
  reader.on("SIGINT", () => process.kill(process.pid, "SIGINT"))
  reader.on("close", () => Queue.endUnsafe(lines))
  if (terminal) reader.prompt()
  return {
    lines,
    show: (texts, shown = () => {}) => {
      if (texts.length === 0) return shown()
      if (terminal) {
        cursorTo(output, 0)
        clearLine(output, 0)
      }
      output.write(`${texts.join("\n")}\n`, () => shown())
      if (terminal) reader.prompt(true)
    }
  }
})
