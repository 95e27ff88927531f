/** The part of the process that commands use. */
import type { Paint } from "../report/Paint.ts"

export interface Host {
  readonly out: (line: string) => void
  readonly err: (line: string) => void
  /** Writes text without a line end; used on terminals only. */
  readonly draw: (text: string) => void
  /** Columns of the terminal; `undefined` if the output is not a terminal. */
  readonly columns: number | undefined
  readonly paint: Paint
  readonly env: { readonly [name: string]: string | undefined }
  readonly folder: string
  /** Aborted when the user interrupts the program. */
  readonly signal: AbortSignal
  /** Accepts certificates that no authority has signed, from now on. */
  readonly acceptAnyCertificate: () => void
}

export interface Command {
  readonly name: string
  /** The operands in the usage line: `<check>`. */
  readonly operands: string
  /** One line for the list of commands. */
  readonly summary: string
  /** Names of its flags, from `Flags.ts`. */
  readonly flags: ReadonlyArray<string>
  /** The minimum and maximum number of operands. */
  readonly count: readonly [number, number]
  /** Returns the exit code. */
  readonly run: (flags: Flags, host: Host) => Promise<number> | number
}

/** Parsed flags and operands. */
export interface Flags {
  readonly text: (flag: string) => string | undefined
  readonly texts: (flag: string) => ReadonlyArray<string>
  readonly on: (flag: string) => boolean
  readonly operands: ReadonlyArray<string>
}
