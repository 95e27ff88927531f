/** Loads users whom a reply names: their client ids are read from memory. */
import type { UserId } from "@parley/core/Ids"
import type { StorageFailed } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import type { Deps } from "./context.ts"

export const loadUsers = (
  { engine }: Pick<Deps, "engine">,
  users: Iterable<UserId | null>
): Effect.Effect<void, StorageFailed> =>
  Effect.asVoid(engine.context.users.findMany([...new Set(users)].filter((user) => user !== null)))
