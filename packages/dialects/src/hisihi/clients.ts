/**
 * Client ids are accounts. An unknown one that is added to a group becomes a user without a password, if that is allowed.
 * Source: PROTOCOLS, "hisihi".
 */
import { audit } from "@parley/core/Audit"
import type { Engine } from "@parley/core/Engine"
import type { UserId } from "@parley/core/Ids"
import { refuse, type Refused } from "@parley/core/Refused"
import { enforceAccountName } from "@parley/core/AccountName"
import { boolean } from "@parley/core/Settings"
import type { Users } from "@parley/core/Users"
import * as Effect from "effect/Effect"
import type { Principal } from "./auth.ts"
import { orUnavailable } from "./records.ts"

/** Maximum number of attempts when the same users are added concurrently. */
const MAX_ATTEMPTS = 20

export const newUsersSetting = boolean(
  "hisihi.newUsers",
  false,
  "Whether an unknown client id that a user adds to a group becomes a user without a password; otherwise the request is refused. Applies while `hisihi.auth` is `token`; with `open`, unknown client ids always become users."
)

export interface Clients {
  /** Returns the existing users among these. */
  readonly find: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<UserId>, Refused>
  /** Returns the users of all these; new ones join the organisation. Refused with `NoSuchUsers` if users must not be added. */
  readonly findOrCreate: (
    principal: Principal,
    ids: ReadonlyArray<string>,
    organisation: number | null
  ) => Effect.Effect<ReadonlyArray<UserId>, Refused>
}

export const clientsOf = (
  engine: Engine["Service"],
  users: Users["Service"],
  /** Value of `hisihi.newUsers`. */
  newUsers: boolean
): Clients => {
  const resolve = (ids: ReadonlyArray<string>) => orUnavailable(engine.context.users.resolve(ids))
  return {
    find: (ids) =>
      Effect.map(resolve([...new Set(ids)]), (found) => [...new Set(found.flatMap((user) => user?.id ?? []))]),
    findOrCreate: Effect.fnUntraced(function* ({ user }, ids, organisation) {
      for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
        const found = yield* resolve(ids)
        // Two spellings of one account are one user.
        const missing = new Set(ids.flatMap((id, index) => (found[index] ? [] : [enforceAccountName(id) ?? id])))
        if (missing.size === 0) return [...new Set(found.flatMap((user) => user?.id ?? []))]
        if (user !== undefined && !newUsers) return yield* refuse({ _tag: "NoSuchUsers", users: [...missing] })
        const added = yield* users.add([...missing].map((account) => ({ account, organisation }))).pipe(
          Effect.catchTag("Refused", (refused) =>
            // Added concurrently: look them up again.
            refused.reason._tag === "AccountTaken" ? Effect.succeed([]) : Effect.fail(refused)
          )
        )
        if (added.length > 0) {
          yield* audit("hisihi.users.add", { actor: user?.account ?? null, users: added.length, organisation })
        }
      }
      return yield* refuse({ _tag: "Busy" })
    })
  }
}
