/**
 * `AddMember`, `RemoveMember`, `ApproveMember`: admins change the members directly, other members request approval.
 * Source: seeds/000, "增加会话成员", "减少会话成员", "批准会话成员"; PROTOCOLS, "spark".
 */
import { isMember } from "@parley/core/Chat"
import type { ExtraWrites } from "@parley/core/CommandRunner"
import type { ChatView } from "@parley/core/Command"
import type { Refused } from "@parley/core/Refused"
import type { StorageFailed } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import { allows, type RequestContext, sessionFor, usersNamed } from "./context.ts"
import type { SparkSession } from "./SparkSession.ts"
import type { Parameters } from "./params.ts"
import { NotPending } from "./errors.ts"
import { type SessionJson, sessionJson } from "./encode.ts"

/** Maximum number of retries of an approval after concurrent changes of its requests. */
const MAX_RETRIES = 20

const toReply = (context: RequestContext, { chat, head }: ChatView): Effect.Effect<SessionJson, StorageFailed> =>
  sessionJson(context, { chat, seq: head.seq })

const add = (
  { runCommand, caller }: RequestContext,
  session: SparkSession,
  users: ReadonlyArray<User>,
  extraWrites: ExtraWrites
) =>
  runCommand(
    caller,
    { _tag: "AddMembers", chat: { id: session.chat.id }, members: users.map(({ id }) => id) },
    extraWrites
  )

export const addMember = Effect.fnUntraced(function* (
  context: RequestContext,
  parameters: Parameters
): Effect.fn.Return<SessionJson, Refused | StorageFailed> {
  const id = yield* parameters.session
  const accounts = yield* parameters.texts("To")
  const session = yield* sessionFor(context, id, "addMembers")
  const users = yield* usersNamed(context, "To", accounts, session)
  if (allows(context, session, "approveMembers")) {
    return yield* toReply(
      context,
      yield* add(context, session, users, yield* context.pending.removalWrites(session, users))
    )
  }
  return yield* sessionJson(context, yield* requestApproval(context, id, users), true)
})

/** Records a request for users who are neither members nor pending. Returns the session. */
const requestApproval = (
  context: RequestContext,
  id: string,
  users: ReadonlyArray<User>
): Effect.Effect<SparkSession, Refused | StorageFailed> => {
  const { engine, pending, user } = context
  const decide = Effect.gen(function* () {
    const session = yield* sessionFor(context, id, "addMembers")
    const waiting = new Set((yield* pending.list(session)).map(({ id }) => id))
    const requested = users.filter(({ id }) => !isMember(session.chat, id) && !waiting.has(id))
    const batch = {
      expectedVersions: [{ chat: session.chat.id, version: session.chat.version }],
      writes: pending.requestWrites(session, user.id, requested)
    }
    return { batch: requested.length === 0 ? undefined : batch, toOutcome: () => ({ reply: session, broadcasts: [] }) }
  })
  return Effect.map(
    engine.commitOptimistically(() => decide),
    ({ reply }) => reply
  )
}

/** Also removes pending requests for these users. */
export const removeMember = Effect.fnUntraced(function* (
  context: RequestContext,
  parameters: Parameters
): Effect.fn.Return<SessionJson, Refused | StorageFailed> {
  const id = yield* parameters.session
  const accounts = yield* parameters.texts("To")
  const session = yield* sessionFor(context, id, "removeMembers")
  const users = yield* usersNamed(context, "To", accounts, session)
  const changed = yield* context.runCommand(
    context.caller,
    { _tag: "RemoveMembers", chat: { id: session.chat.id }, members: users.map((user) => user.id) },
    yield* context.pending.removalWrites(session, users)
  )
  return yield* toReply(context, changed)
})

const approve = Effect.fnUntraced(function* (
  context: RequestContext,
  parameters: Parameters
): Effect.fn.Return<SessionJson, Refused | StorageFailed | NotPending> {
  const id = yield* parameters.session
  const accounts = yield* parameters.texts("To")
  const session = yield* sessionFor(context, id, "approveMembers")
  const users = yield* usersNamed(context, "To", accounts, session)
  const waiting = new Set((yield* context.pending.list(session)).map((user) => user.id))
  const others = users.filter((user) => !waiting.has(user.id))
  if (others.length > 0) return yield* new NotPending({ accounts: others.map(({ account }) => account) })
  const { notPending, writes } = yield* context.pending.approvalWrites(session, users)
  if (notPending.length > 0) return yield* new NotPending({ accounts: notPending.map(({ account }) => account) })
  return yield* toReply(context, yield* add(context, session, users, writes))
})

/** Approves all named users or none: a user who is not pending is an error that names them. */
export const approveMember = (
  context: RequestContext,
  parameters: Parameters
): Effect.Effect<SessionJson, Refused | StorageFailed | NotPending> =>
  Effect.retry(approve(context, parameters), {
    times: MAX_RETRIES,
    // A request was approved or removed after it was read.
    while: (error) => error._tag === "Refused" && error.reason._tag === "RecordTaken"
  })
