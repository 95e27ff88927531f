/** State of one import of a hosted service's data. */
import type { Refused } from "@parley/core/Refused"
import type { StorageFailed, Write } from "@parley/core/Store"
import type * as Effect from "effect/Effect"
import type { App } from "./apps.ts"
import type { Deps } from "./context.ts"
import type { ImportedClients } from "./ImportedClients.ts"
import type { ImportReport } from "./ImportReport.ts"

export interface ImportContext {
  readonly deps: Deps
  readonly app: App
  readonly isDry: boolean
  readonly clients: ImportedClients
  readonly report: ImportReport
  /** Ids of the conversations in the files. */
  readonly conversations: Set<string>
  /** Conversation and time of messages that are not stored yet, by gid. */
  readonly imported: Map<string, string>
  readonly commit: (writes: ReadonlyArray<Write>) => Effect.Effect<void, string>
  readonly orFail: <A>(read: Effect.Effect<A, Refused | StorageFailed>) => Effect.Effect<A, string>
}
