/**
 * Client ids are accounts. An unknown one that is added to a group becomes a user without a password, if that is allowed.
 * Source: PROTOCOLS, "hisihi".
 */
import { audit } from "@parley/core/Audit"
import type { Chat } from "@parley/core/Chat"
import type { Engine } from "@parley/core/Engine"
import type { UserId } from "@parley/core/Ids"
import { refuse, type Refused } from "@parley/core/Refused"
import { enforceAccountName } from "@parley/core/AccountName"
import { boolean } from "@parley/core/Settings"
import type { StorageFailed } from "@parley/core/Store"
import type { User } from "@parley/core/User"
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
  /** Returns the existing users among these whom the caller may see, and members of the chat. */
  readonly find: (
    principal: Principal,
    ids: ReadonlyArray<string>,
    chat: Chat
  ) => Effect.Effect<ReadonlyArray<UserId>, Refused>
  /**
   * Returns the users of all these; new ones join the organisation. Refused with `NoSuchUsers` if users must not be added.
   * Users whom the caller may not see do not exist, except for members of the chat.
   */
  readonly findOrCreate: (
    principal: Principal,
    ids: ReadonlyArray<string>,
    organisation: number | null,
    chat?: Chat
  ) => Effect.Effect<ReadonlyArray<UserId>, Refused>
}

export const clientsOf = (
  engine: Engine["Service"],
  users: Users["Service"],
  /** Value of `hisihi.newUsers`. */
  newUsers: boolean
): Clients => {
  const { users: cache, visibility } = engine.context
  /** Returns the user of each id; undefined for one who does not exist or may not be seen. */
  const resolve = Effect.fnUntraced(function* (
    viewer: User | undefined,
    ids: ReadonlyArray<string>,
    chat: Chat | undefined
  ): Effect.fn.Return<ReadonlyArray<User | undefined>, StorageFailed> {
    const found = yield* cache.resolve(ids)
    if (!visibility.isLimited) return found
    const known = new Set(
      yield* visibility.known(
        viewer,
        found.flatMap((user) => user ?? []),
        chat
      )
    )
    return found.map((user) => (user !== undefined && known.has(user) ? user : undefined))
  })
  return {
    find: ({ user }, ids, chat) =>
      Effect.map(orUnavailable(resolve(user, [...new Set(ids)], chat)), (found) => [
        ...new Set(found.flatMap((one) => one?.id ?? []))
      ]),
    findOrCreate: Effect.fnUntraced(function* ({ user }, ids, organisation, chat) {
      for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
        const found = yield* orUnavailable(resolve(user, ids, chat))
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
