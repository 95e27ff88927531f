/** A session as every operation on one answers it. Source: seeds/000, "响应参数"; PROTOCOLS, "spark". */
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
  /** Beside the documented fields: who waits for approval, where somebody does. */
  readonly Pending?: ReadonlyArray<string>
}

const accountsOf = (users: ReadonlyArray<User>): ReadonlyArray<string> => sorted(users.map(({ account }) => account))

/** `asked`: the request was one for approval, so its answer shows those who wait, even if there are none. */
export const sessionJson = Effect.fnUntraced(function* (
  { engine, digest, pending }: RequestContext,
  session: SparkSession,
  asked = false
): Effect.fn.Return<SessionJson, StorageFailed> {
  const { gid, members } = session.chat
  const waiting = accountsOf(yield* pending.of(session))
  const accounts = accountsOf(yield* engine.context.users.findMany([...members.keys()]))
  return {
    SesssionId: gid,
    SessionId: gid,
    Members: accounts,
    md5: yield* sessionKeyOf(digest, accounts),
    ...((asked || waiting.length > 0) && { Pending: waiting })
  }
})
