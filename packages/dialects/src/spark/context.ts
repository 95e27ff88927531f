/** Context of an operation: dependencies, the caller, and the session and users that a request names. */
import type { Engine } from "@parley/core/Engine"
import type { UserCaller } from "@parley/core/Event"
import { type Refused, refuse } from "@parley/core/Refused"
import { type Operation, refusal } from "@parley/core/rules/Operations"
import type { StorageFailed } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import type * as Digest from "effect/crypto/Digest"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import type { RunCommand } from "../_http/runCommands.ts"
import { invalid } from "../_http/fields.ts"
import type { PendingMembers } from "./PendingMembers.ts"
import type { SessionIds } from "./SessionIds.ts"
import type { SparkSession } from "./SparkSession.ts"

export interface SparkDeps {
  readonly engine: Engine["Service"]
  readonly digest: Digest.Digest["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly pending: PendingMembers
  readonly ids: SessionIds
  /** Maximum size of a key in `Edit`'s `Data`, in bytes. */
  readonly maxKeySize: number
}

export interface RequestContext extends SparkDeps {
  readonly user: User
  readonly caller: UserCaller
  readonly runCommand: RunCommand
}

export const allows = ({ user }: RequestContext, { chat }: SparkSession, operation: Operation): boolean =>
  refusal(operation, { user, chat }) === undefined

/** Returns the session if its rules allow the caller this operation. A session's id is the chat's gid. */
export const sessionFor = Effect.fnUntraced(function* (
  { engine, user }: RequestContext,
  id: string,
  operation: Operation
): Effect.fn.Return<SparkSession, Refused | StorageFailed> {
  const cached = yield* engine.context.chats.find({ gid: id })
  if (cached === undefined) return yield* refuse({ _tag: "NoSuchChat" })
  const { chat, seq } = cached
  const refused = refusal(operation, { user, chat, ...(yield* engine.context.visibility.limits(user, chat)) })
  return refused === undefined ? { chat, seq } : yield* refuse(refused.reason)
})

/**
 * Returns the users of these accounts, each once. Refused with the unknown accounts, if any; users whom the caller may not
 * see are unknown, unless they are members of the session.
 */
export const usersNamed = Effect.fnUntraced(function* (
  { engine, user }: RequestContext,
  field: string,
  accounts: ReadonlyArray<string>,
  session?: SparkSession
): Effect.fn.Return<ReadonlyArray<User>, Refused | StorageFailed> {
  const limit = engine.context.settings.membersPerRequest
  if (accounts.length > limit) return yield* invalid(field, `must name at most ${limit} accounts`)
  const unique = [...new Set(accounts)]
  const { context } = engine
  const users = yield* context.visibility.known(user, yield* context.users.byAccount(unique), session?.chat)
  if (users.length === unique.length) return users
  const known = new Set(users.map(({ account }) => account))
  return yield* refuse({ _tag: "NoSuchUsers", users: unique.filter((account) => !known.has(account)) })
})
