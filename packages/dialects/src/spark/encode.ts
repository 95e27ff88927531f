/** Encodes sessions as every operation returns them. Source: seeds/000, "响应参数"; PROTOCOLS, "spark". */
import type { StorageFailed } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import type { RequestContext } from "./context.ts"
import type { SparkSession } from "./SparkSession.ts"
import { sessionKeyOf, sorted } from "./sessionKey.ts"

export interface SessionJson {
  readonly SesssionId: string
  readonly SessionId: string
  readonly Members: ReadonlyArray<string>
  readonly md5: string
  /** Extension of the documented fields: accounts that wait for approval, if any. */
  readonly Pending?: ReadonlyArray<string>
}

const accountsOf = (users: ReadonlyArray<User>): ReadonlyArray<string> => sorted(users.map(({ account }) => account))

/** `withPending`: the request asked for approval, so that the response contains `Pending` even if it is empty. */
export const sessionJson = Effect.fnUntraced(function* (
  { engine, digest, pending }: RequestContext,
  session: SparkSession,
  withPending = false
): Effect.fn.Return<SessionJson, StorageFailed> {
  const { gid, members } = session.chat
  const waiting = accountsOf(yield* pending.list(session))
  const accounts = accountsOf(yield* engine.context.users.findMany([...members.keys()]))
  return {
    SesssionId: gid,
    SessionId: gid,
    Members: accounts,
    md5: yield* sessionKeyOf(digest, accounts),
    ...((withPending || waiting.length > 0) && { Pending: waiting })
  }
})
