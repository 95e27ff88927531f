/** What a command has of the process that it runs in. */
import type { Paint } from "../report/Paint.ts"

export interface Host {
  readonly out: (line: string) => void
  readonly err: (line: string) => void
  /** Writes without the end of a line, to a terminal only. */
  readonly draw: (text: string) => void
  /** Columns of the terminal; none where the output is something else. */
  readonly columns: number | undefined
  readonly paint: Paint
  readonly env: { readonly [name: string]: string | undefined }
  readonly folder: string
}

export interface Command {
  readonly name: string
  /** What stands after the name: `<check>`. */
  readonly operands: string
  /** One line for the list of commands. */
  readonly summary: string
  /** Names of `Flags.all` that it takes. */
  readonly flags: ReadonlyArray<string>
  /** How many operands, at least and at most. */
  readonly count: readonly [number, number]
  /** Gives the exit code. */
  readonly run: (given: Given, host: Host) => Promise<number> | number
}

/** Flags as given, and the operands. */
export interface Given {
  readonly text: (flag: string) => string | undefined
  readonly texts: (flag: string) => ReadonlyArray<string>
  readonly on: (flag: string) => boolean
  readonly operands: ReadonlyArray<string>
}
