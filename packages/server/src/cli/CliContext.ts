/** What the command line needs of the server that it commands. */
import type { OperatorCommand } from "@parley/core/Dialect"
import type { Setting } from "@parley/core/Settings"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Configuration } from "../config/Configuration.ts"
import type { RunningServer } from "../server.ts"

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
