/**
 * Client ids are accounts. One that is unknown becomes a user without a password once a group is to have it as a
 * member. Source: PROTOCOLS, "hisihi".
 */
import type { Engine } from "@parley/core/Engine"
import type { UserId } from "@parley/core/Ids"
import { refuse, type Refused } from "@parley/core/Refused"
import { enforceAccountName } from "@parley/core/rules/AccountName"
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
  const find = (ids: ReadonlyArray<string>) => available(engine.desk.users.resolve(ids))
  return {
    known: (ids) =>
      Effect.map(find([...new Set(ids)]), (found) => [...new Set(found.flatMap((user) => user?.id ?? []))]),
    all: Effect.fnUntraced(function* (ids, organisation) {
      for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
        const found = yield* find(ids)
        // Two spellings of one account are one user.
        const missing = new Set(ids.flatMap((id, index) => (found[index] ? [] : [enforceAccountName(id) ?? id])))
        if (missing.size === 0) return [...new Set(found.flatMap((user) => user?.id ?? []))]
        yield* users.add([...missing].map((account) => ({ account, organisation }))).pipe(
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
