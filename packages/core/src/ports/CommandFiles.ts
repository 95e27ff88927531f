/** Files that an operator names in a command. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** A file that is open for reading. */
export interface CommandFile {
  /** In bytes. */
  readonly size: number
  /** Returns the bytes from `offset` on: `length` of them, or fewer at the end. Fails with a sentence for the operator. */
  readonly read: (offset: number, length: number) => Effect.Effect<Uint8Array, string>
}

/** Opens the file until the scope closes. Fails with a sentence for the operator. */
export type OpenCommandFile = (path: string) => Effect.Effect<CommandFile, string, Scope.Scope>

/** Files of the process that runs the command; by default it opens none. */
export const CommandFiles: Context.Reference<OpenCommandFile> = Context.Reference<OpenCommandFile>(
  "@parley/core/CommandFiles",
  { defaultValue: () => () => Effect.fail("files are read by the command line only") }
)
