/** Dependencies of the command line. */
import type { OperatorCommand } from "@parley/core/Dialect"
import type { Setting } from "@parley/core/Settings"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Configuration } from "../config/Configuration.ts"
import type { RunningServer } from "../server.ts"

export interface CliContext {
  readonly version: string
  /** Settings declared by the protocols. */
  readonly dialectSettings: ReadonlyArray<Setting>
  /** The operator's commands for parsing and help only; no database is opened for them. */
  readonly declared: Effect.Effect<ReadonlyArray<OperatorCommand>, never, Scope.Scope>
  /** Locks and opens the database until the scope closes, without listening. `isAlone`: fails while nodes share it. */
  readonly open: (
    configuration: Configuration,
    options: { readonly isAlone: boolean }
  ) => Effect.Effect<ReadonlyArray<OperatorCommand>, { readonly message: string }, Scope.Scope>
  /** Locks the database and serves until the scope closes, which lets requests in progress finish. */
  readonly start: (
    configuration: Configuration
  ) => Effect.Effect<RunningServer, { readonly message: string }, Scope.Scope>
}
