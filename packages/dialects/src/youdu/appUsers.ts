/**
 * Each app has a user of the engine, for whom it sends messages and to whom users reply: an account with the role `app`
 * and without a password. Its chats are direct chats like all others. It is in no organisation, so that no app can manage
 * it or send for it, except for its own.
 */
import { newAccountProblem, type User } from "@parley/core/User"
import { type Refused, refuse } from "@parley/core/Refused"
import type { Users } from "@parley/core/Users"
import { textBytes } from "@parley/core/Utf8"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import type { App } from "./apps.ts"

/** Role of these users, as clients and operators see it. */
export const APP_ROLE = "app"

/** Hex digits of a hash in the account of an app whose id is not valid in accounts. */
const HASH_DIGITS = 16

export interface AppUsers {
  /**
   * Returns the app's user, which is created when it is first needed. Refused with `AccountTaken` if the account belongs
   * to a user without the role.
   */
  readonly of: (app: App) => Effect.Effect<User, Refused>
  /** The same, without creating it. */
  readonly find: (app: App) => Effect.Effect<User | undefined, Refused>
  /** The same as `of`, enabled if the app was removed before. */
  readonly enabled: (app: App) => Effect.Effect<User, Refused>
  /** Disables the app's user, if there is one. */
  readonly disable: (app: App) => Effect.Effect<void, Refused>
}

interface Deps {
  readonly users: Users["Service"]
  readonly digest: Digest.Digest["Service"]
  /** Maximum length of an account, in characters. */
  readonly accountLimit: number
}

export const appUsersOf = ({ users, digest, accountLimit }: Deps): AppUsers => {
  const accountOf = Effect.fnUntraced(function* ({ buin, appId }: Pick<App, "buin" | "appId">) {
    const account = `yd-${buin}-${appId}`
    if (newAccountProblem(account, accountLimit) === undefined) return account
    const hash = yield* digest.digestHex(Digest.sha256, textBytes(appId))
    return `yd-${buin}-${hash.slice(0, HASH_DIGITS)}`
  })

  const find = Effect.fnUntraced(function* (app: App): Effect.fn.Return<User | undefined, Refused> {
    const account = yield* accountOf(app)
    const user = yield* users.byAccount(account)
    return user === undefined || user.role === APP_ROLE ? user : yield* refuse({ _tag: "AccountTaken", account })
  })

  const of = Effect.fnUntraced(function* (app: App): Effect.fn.Return<User, Refused> {
    const known = yield* find(app)
    if (known !== undefined) return known
    const draft = { account: yield* accountOf(app), realname: app.appId, role: APP_ROLE }
    const [added] = yield* users.add([draft]).pipe(
      Effect.catchTag("Refused", (refused) =>
        // Added by a concurrent request.
        refused.reason._tag === "AccountTaken"
          ? Effect.map(find(app), (user) => (user === undefined ? [] : [user]))
          : Effect.fail(refused)
      )
    )
    return added ?? (yield* refuse({ _tag: "Busy" }))
  })

  return {
    of,
    find,
    enabled: Effect.fnUntraced(function* (app) {
      const user = yield* of(app)
      return user.disabled ? yield* users.setDisabled(user.account, false) : user
    }),
    disable: Effect.fnUntraced(function* (app) {
      const user = yield* find(app)
      if (user?.disabled === false) yield* users.setDisabled(user.account, true)
    })
  }
}
