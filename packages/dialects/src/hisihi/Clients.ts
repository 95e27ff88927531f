/**
 * Client ids are accounts. One that is unknown becomes a user without a password once a group is to have it as a
 * member. Source: PROTOCOLS, "hisihi".
 */
import type { Engine } from "@parley/core/Engine"
import type { UserId } from "@parley/core/Ids"
import { refuse, type Refused } from "@parley/core/Refused"
import type { Users } from "@parley/core/Users"
import * as Effect from "effect/Effect"
import { available } from "./Records.ts"

/** How often it is tried again when others add the same users meanwhile. */
const MAX_ATTEMPTS = 20

export interface Clients {
  /** The users who exist among these. */
  readonly known: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<UserId>, Refused>
  /** The users of all these; who is new belongs to the organisation. */
  readonly all: (
    ids: ReadonlyArray<string>,
    organisation: number | null
  ) => Effect.Effect<ReadonlyArray<UserId>, Refused>
}

export const clientsOf = (engine: Engine["Service"], users: Users["Service"]): Clients => {
  const find = (ids: ReadonlyArray<string>) => available(engine.desk.users.byAccount([...new Set(ids)]))
  return {
    known: (ids) => Effect.map(find(ids), (found) => found.map(({ id }) => id)),
    all: Effect.fnUntraced(function* (ids, organisation) {
      for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
        const found = yield* find(ids)
        const present = new Set(found.map(({ account }) => account))
        const missing = [...new Set(ids)].filter((id) => !present.has(id))
        if (missing.length === 0) return found.map(({ id }) => id)
        yield* users.add(missing.map((account) => ({ account, organisation }))).pipe(
          Effect.catchTag("Refused", (refused) =>
            // Somebody else was faster: look again who is there.
            refused.reason._tag === "AccountTaken" ? Effect.void : Effect.fail(refused)
          )
        )
      }
      return yield* refuse({ _tag: "Busy" })
    })
  }
}
