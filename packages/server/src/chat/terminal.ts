/** Line input and output on a terminal, or on pipes of another program. */
import { clearLine, createInterface, cursorTo, moveCursor } from "node:readline"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Cause from "effect/Cause"
import type * as Scope from "effect/Scope"
import { isQuit } from "./repl.ts"

export interface Terminal {
  /** Typed lines; ends with the input. */
  readonly lines: Queue.Dequeue<string, Cause.Done>
  /** Once a line that ends the client was typed, however many lines are before it. */
  readonly quit: Effect.Effect<void>
  /** Shows lines above the line being typed; calls `shown` once they are written. */
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
  const quit = yield* Deferred.make<void>()
  const isTerminal = output.isTTY === true
  const reader = yield* Effect.acquireRelease(
    Effect.sync(() =>
      createInterface({ input, ...(isTerminal ? { output, prompt: "> " } : {}), terminal: isTerminal })
    ),
    (open) => Effect.sync(() => open.close())
  )
  reader.on("line", (line) => {
    if (isTerminal) {
      // Clears the typed line: the message is shown with its time once it is stored.
      moveCursor(output, 0, -1)
      clearLine(output, 0)
      reader.prompt()
    }
    Queue.offerUnsafe(lines, line)
    if (isQuit(line)) Deferred.doneUnsafe(quit, Effect.void)
  })
  // On a terminal, readline intercepts Ctrl-C; this restores its usual meaning.
  reader.on("SIGINT", () => process.kill(process.pid, "SIGINT"))
  reader.on("close", () => Queue.endUnsafe(lines))
  if (isTerminal) reader.prompt()
  return {
    lines,
    quit: Deferred.await(quit),
    show: (texts, shown = () => {}) => {
      if (texts.length === 0) return shown()
      if (isTerminal) {
        cursorTo(output, 0)
        clearLine(output, 0)
      }
      output.write(`${texts.join("\n")}\n`, () => shown())
      if (isTerminal) reader.prompt(true)
    }
  }
})
