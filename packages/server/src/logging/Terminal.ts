/**
 * Terminals of a serving process. Node writes to terminals synchronously, so that one that is stopped (Ctrl-S), or whose
 * reader does not read, would block the server. Here they are non-blocking, and lines wait or are dropped as in a full pipe.
 */
import { fstatSync } from "node:fs"
import type { WriteStream } from "node:tty"
import { format } from "node:util"
import type * as Console from "effect/Console"
import { LineOutput } from "./LineOutput.ts"

const STDOUT = 1
const STDERR = 2

const droppedLines = (count: number): string => `log lines were dropped: they could not be written; count: ${count}`

/** The part of a stream's handle that Node has, but does not document. It sets O_NONBLOCK, not on Windows. */
interface Handle {
  readonly _handle?: { readonly setBlocking?: (isBlocking: boolean) => number }
}

/** Node has opened the terminal anew for itself: the mode is not that of other processes. */
const setNonBlocking = (stream: WriteStream): boolean => {
  const { _handle: handle } = stream as unknown as Handle
  return handle?.setBlocking?.(false) === 0
}

const open = (fd: number, stream: WriteStream): LineOutput | undefined =>
  stream.isTTY && setNonBlocking(stream) ? new LineOutput(fd, droppedLines, true) : undefined

export interface Terminals {
  /** Undefined where standard output is not a terminal, or cannot be made non-blocking. */
  readonly stdout?: LineOutput | undefined
  readonly stderr?: LineOutput | undefined
}

/** One output for both where they are one terminal, so that lines keep their order. */
export const openTerminals = (): Terminals => {
  const [stdout, stderr] = [open(STDOUT, process.stdout), open(STDERR, process.stderr)]
  if (stdout === undefined || stderr === undefined) return { stdout, stderr }
  return { stdout: fstatSync(STDOUT).rdev === fstatSync(STDERR).rdev ? stderr : stdout, stderr }
}

/** The console of the process, with the terminals in place of its streams. */
export const consoleOf = ({ stdout, stderr }: Terminals): Console.Console =>
  Object.assign(Object.create(globalThis.console) as Console.Console, {
    ...(stdout !== undefined && { log: (...args: ReadonlyArray<unknown>) => stdout.write(format(...args)) }),
    ...(stderr !== undefined && { error: (...args: ReadonlyArray<unknown>) => stderr.write(format(...args)) })
  })

/** Options by which Node prints warnings in another way, or none. */
const OWN_WARNINGS = /--(no-warnings|disable-warning|redirect-warnings|trace-(warnings|deprecation))/

/**
 * Node's warnings as lines among the others. Where an option of Node is about them, they stay Node's; those do not block
 * either, but are lost while the terminal is stopped.
 */
export const takeWarnings = (output: LineOutput): void => {
  const options = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" ")
  if (process.listenerCount("warning") === 0 || OWN_WARNINGS.test(options)) return
  process.removeAllListeners("warning")
  process.on("warning", (warning) => {
    const { code } = warning as NodeJS.ErrnoException
    output.write(`(node:${process.pid}) ${code === undefined ? "" : `[${code}] `}${warning.name}: ${warning.message}`)
  })
}
