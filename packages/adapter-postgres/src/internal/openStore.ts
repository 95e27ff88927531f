/** Opens a store on one database. */
import { Store, StorageFailed } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { openPool, prepareDatabase, type OpenOptions } from "./connect.ts"
import { causeOf, type DatabaseError } from "./errors.ts"
import { chatQueries } from "./queries/chats.ts"
import { journalQueries } from "./queries/journal.ts"
import { messageQueries } from "./queries/messages.ts"
import { recordQueries } from "./queries/records.ts"
import { userQueries } from "./queries/users.ts"
import { Reader } from "./Reader.ts"
import { Writer } from "./commit/Writer.ts"

/** Connections for reading. Each one serves many requests at once. */
const READING = 2

/** Milliseconds within which a database that works replies to nothing in particular. */
const PING_TIMEOUT = 1_500

/** Opens the database until the scope closes; pending batches are committed first. */
export const openStore = Effect.fnUntraced(function* (
  options: OpenOptions
): Effect.fn.Return<Store["Service"], DatabaseError, Scope.Scope> {
  const servers = yield* prepareDatabase(options)
  const connections = { reads: yield* openPool(servers, "read", READING), writes: yield* openPool(servers, "write", 1) }
  const writer = yield* Effect.acquireRelease(
    Effect.sync(() => new Writer(connections)),
    (open) => open.close
  )
  const reader = new Reader((sql, parameters) => connections.reads.query(sql, parameters))
  return Store.of({
    commit: writer.commit,
    appendMessage: writer.appendMessage,
    check: Effect.mapError(
      connections.reads.ping(PING_TIMEOUT),
      (error) => new StorageFailed({ operation: "check", cause: causeOf(error) })
    ),
    ...userQueries(reader),
    ...chatQueries(reader),
    ...messageQueries(reader),
    ...recordQueries(reader),
    journal: journalQueries(reader)
  })
})
