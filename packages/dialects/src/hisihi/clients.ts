/**
 * Client ids are accounts. One that is unknown becomes a user without a password once a group is to have it as a
 * member, where that is allowed. Source: PROTOCOLS, "hisihi".
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
import { available } from "./records.ts"

/** How often it is tried again when others add the same users meanwhile. */
const MAX_ATTEMPTS = 20

export const newUsersSetting = boolean(
  "hisihi.newUsers",
  false,
  "Whether an unknown client id that a user puts into a group becomes a user without a password, while `hisihi.auth` is `token`; else the request is refused. While it is `open` it does."
)

export interface Clients {
  /** The users who exist among these. */
  readonly known: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<UserId>, Refused>
  /** The users of all these; one who is new belongs to the organisation. Refused with `NoSuchUsers` where none may be added. */
  readonly all: (
    principal: Principal,
    ids: ReadonlyArray<string>,
    organisation: number | null
  ) => Effect.Effect<ReadonlyArray<UserId>, Refused>
}

export const clientsOf = (
  engine: Engine["Service"],
  users: Users["Service"],
  /** `hisihi.newUsers`. */
  newUsers: boolean
): Clients => {
  const find = (ids: ReadonlyArray<string>) => available(engine.context.users.resolve(ids))
  return {
    known: (ids) =>
      Effect.map(find([...new Set(ids)]), (found) => [...new Set(found.flatMap((user) => user?.id ?? []))]),
    all: Effect.fnUntraced(function* ({ user }, ids, organisation) {
      for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
        const found = yield* find(ids)
        // Two spellings of one account are one user.
        const missing = new Set(ids.flatMap((id, index) => (found[index] ? [] : [enforceAccountName(id) ?? id])))
        if (missing.size === 0) return [...new Set(found.flatMap((user) => user?.id ?? []))]
        if (user !== undefined && !newUsers) return yield* refuse({ _tag: "NoSuchUsers", users: [...missing] })
        const added = yield* users.add([...missing].map((account) => ({ account, organisation }))).pipe(
          Effect.catchTag("Refused", (refused) =>
            // Somebody else was faster: look again who is there.
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
