/** What the command line needs of the server that it commands. */
import type { OperatorCommand } from "@parley/core/Dialect"
import type { Setting } from "@parley/core/Settings"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Configuration } from "../config/Configuration.ts"

/** A command could not be carried out; `message` is what the operator reads, one line unless it lists lines of a file. */
export class CommandFailed extends Data.TaggedError("Failed")<{ readonly message: string }> {}

export interface Address {
  readonly host: string
  readonly port: number
}

export interface RunningServer {
  readonly http: Address
  /** Undefined when raw TCP is off. */
  readonly tcp?: Address | undefined
  readonly commands: ReadonlyArray<OperatorCommand>
}

export interface CliContext {
  readonly version: string
  /** What the protocols declare. */
  readonly dialectSettings: ReadonlyArray<Setting>
  /** The operator's commands, to be named and explained only: nothing is opened for them to run on. */
  readonly declared: Effect.Effect<ReadonlyArray<OperatorCommand>, never, Scope.Scope>
  /** Takes the database until the scope closes, without serving anybody. */
  readonly open: (
    configuration: Configuration
  ) => Effect.Effect<ReadonlyArray<OperatorCommand>, { readonly message: string }, Scope.Scope>
  /** Takes the database and serves until the scope closes, which lets what is under way finish. */
  readonly start: (
    configuration: Configuration
  ) => Effect.Effect<RunningServer, { readonly message: string }, Scope.Scope>
}
