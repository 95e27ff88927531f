/**
 * Terminals of a serving process. Node writes to terminals synchronously, so that a stopped one (Ctrl-S), or one whose reader
 * does not read, would block the server. Here they are non-blocking: lines are buffered or dropped, as with a full pipe.
 */
import { fstatSync } from "node:fs"
import type { WriteStream } from "node:tty"
import { format } from "node:util"
import type * as Console from "effect/Console"
import { LineOutput } from "./LineOutput.ts"

const STDOUT = 1
const STDERR = 2

const droppedLines = (count: number): string => `log lines were dropped: they could not be written; count: ${count}`

/** Undocumented part of Node's streams; `setBlocking` changes O_NONBLOCK, except on Windows. */
interface Handle {
  readonly _handle?: { readonly setBlocking?: (isBlocking: boolean) => number }
}

/** Sets a terminal to non-blocking mode. Node has reopened it, so other processes keep their mode. */
const setNonBlocking = (stream: WriteStream): boolean => {
  const { _handle: handle } = stream as unknown as Handle
  return handle?.setBlocking?.(false) === 0
}

const open = (fd: number, stream: WriteStream): LineOutput | undefined =>
  stream.isTTY && setNonBlocking(stream) ? new LineOutput(fd, droppedLines, true) : undefined

export interface Terminals {
  /** Undefined if standard output is not a terminal, or cannot be set to non-blocking mode. */
  readonly stdout?: LineOutput | undefined
  readonly stderr?: LineOutput | undefined
}

/** Opens the terminals. Both share one output if they are the same terminal, so that lines keep their order. */
export const openTerminals = (): Terminals => {
  const [stdout, stderr] = [open(STDOUT, process.stdout), open(STDERR, process.stderr)]
  if (stdout === undefined || stderr === undefined) return { stdout, stderr }
  return { stdout: fstatSync(STDOUT).rdev === fstatSync(STDERR).rdev ? stderr : stdout, stderr }
}

/** Returns a console that writes to the terminals in place of the process's streams. */
export const consoleOf = ({ stdout, stderr }: Terminals): Console.Console =>
  Object.assign(Object.create(globalThis.console) as Console.Console, {
    ...(stdout !== undefined && { log: (...args: ReadonlyArray<unknown>) => stdout.write(format(...args)) }),
    ...(stderr !== undefined && { error: (...args: ReadonlyArray<unknown>) => stderr.write(format(...args)) })
  })

/** Node options that change or disable its warnings. */
const WARNING_OPTIONS = /--(no-warnings|disable-warning|redirect-warnings|trace-(warnings|deprecation))/

/**
 * Writes Node's warnings as lines of the log. With a Node option for warnings, Node still prints them itself: that does not
 * block either, but they are lost while the terminal is stopped.
 */
export const takeWarnings = (output: LineOutput): void => {
  const options = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" ")
  if (process.listenerCount("warning") === 0 || WARNING_OPTIONS.test(options)) return
  process.removeAllListeners("warning")
  process.on("warning", (warning) => {
    const { code } = warning as NodeJS.ErrnoException
    output.write(`(node:${process.pid}) ${code === undefined ? "" : `[${code}] `}${warning.name}: ${warning.message}`)
  })
}
