/** Describes refusals as output of a command: without a capital letter and a full stop. */
import { describeReason, type ReasonWords } from "@parley/core/describeReason"
import type { Reason, Refused } from "@parley/core/Refused"
import type { User } from "@parley/core/User"
import type { Users } from "@parley/core/Users"
import * as Effect from "effect/Effect"

const WORDS: ReasonWords = {
  sentences: {
    AccountTaken: ({ account }) => `account ${account} exists already`,
    NoSuchUsers: ({ users }) => `there is no user ${users.join(", ")}`,
    Unavailable: "the database could not be read or written; see the server's log"
  }
}

export const errorText = (reason: Reason): string => {
  const text = describeReason(reason, WORDS)
  return text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, "")
}

/** Fails with the sentence instead of the refusal. */
export const withCommandErrors = <A>(effect: Effect.Effect<A, Refused>): Effect.Effect<A, string> =>
  Effect.mapError(effect, ({ reason }) => errorText(reason))

/** Returns the user with this account; fails if there is none. */
export const userNamed = Effect.fnUntraced(function* (
  users: Users["Service"],
  account: string
): Effect.fn.Return<User, string> {
  const user = yield* withCommandErrors(users.byAccount(account))
  return user ?? (yield* Effect.fail(errorText({ _tag: "NoSuchUsers", users: [account] })))
})
