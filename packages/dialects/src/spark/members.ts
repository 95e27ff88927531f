/**
 * `AddMember`, `RemoveMember`, `ApproveMember`: an admin changes the members at once, everybody else asks for it.
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

/** How often an approval is decided again when others keep changing who waits. */
const MAX_ATTEMPTS = 20

const answer = (asking: RequestContext, { chat, head }: ChatView): Effect.Effect<SessionJson, StorageFailed> =>
  sessionJson(asking, { chat, seq: head.seq })

const add = (
  { perform, caller }: RequestContext,
  session: SparkSession,
  users: ReadonlyArray<User>,
  alongside: ExtraWrites
) =>
  perform(caller, { _tag: "AddMembers", chat: { id: session.chat.id }, members: users.map(({ id }) => id) }, alongside)

export const addMember = Effect.fnUntraced(function* (
  asking: RequestContext,
  parameters: Parameters
): Effect.fn.Return<SessionJson, Refused | StorageFailed> {
  const id = yield* parameters.session
  const accounts = yield* parameters.texts("To")
  const session = yield* sessionFor(asking, id, "addMembers")
  const users = yield* usersNamed(asking, "To", accounts)
  if (allows(asking, session, "approveMembers")) {
    return yield* answer(asking, yield* add(asking, session, users, yield* asking.pending.settling(session, users)))
  }
  return yield* sessionJson(asking, yield* askFor(asking, id, users), true)
})

/** Those who are neither members nor waiting wait from now on. Answers the session. */
const askFor = (
  asking: RequestContext,
  id: string,
  users: ReadonlyArray<User>
): Effect.Effect<SparkSession, Refused | StorageFailed> => {
  const { engine, pending, user } = asking
  const decide = Effect.gen(function* () {
    const session = yield* sessionFor(asking, id, "addMembers")
    const waiting = new Set((yield* pending.of(session)).map((one) => one.id))
    const wanted = users.filter((one) => !isMember(session.chat, one.id) && !waiting.has(one.id))
    const batch = {
      expectedVersions: [{ chat: session.chat.id, version: session.chat.version }],
      writes: pending.asking(session, user.id, wanted)
    }
    return { batch: wanted.length === 0 ? undefined : batch, toOutcome: () => ({ reply: session, broadcasts: [] }) }
  })
  return Effect.map(
    engine.commitOptimistically(() => decide),
    ({ reply }) => reply
  )
}

/** Whoever of them waits for approval is not let in, and waits no more. */
export const removeMember = Effect.fnUntraced(function* (
  asking: RequestContext,
  parameters: Parameters
): Effect.fn.Return<SessionJson, Refused | StorageFailed> {
  const id = yield* parameters.session
  const accounts = yield* parameters.texts("To")
  const session = yield* sessionFor(asking, id, "removeMembers")
  const users = yield* usersNamed(asking, "To", accounts)
  const changed = yield* asking.perform(
    asking.caller,
    { _tag: "RemoveMembers", chat: { id: session.chat.id }, members: users.map((user) => user.id) },
    yield* asking.pending.settling(session, users)
  )
  return yield* answer(asking, changed)
})

const approve = Effect.fnUntraced(function* (
  asking: RequestContext,
  parameters: Parameters
): Effect.fn.Return<SessionJson, Refused | StorageFailed | NotPending> {
  const id = yield* parameters.session
  const accounts = yield* parameters.texts("To")
  const session = yield* sessionFor(asking, id, "approveMembers")
  const users = yield* usersNamed(asking, "To", accounts)
  const waiting = new Set((yield* asking.pending.of(session)).map((user) => user.id))
  const others = users.filter((user) => !waiting.has(user.id))
  if (others.length > 0) return yield* new NotPending({ accounts: others.map(({ account }) => account) })
  const { gone, writes } = yield* asking.pending.approving(session, users)
  if (gone.length > 0) return yield* new NotPending({ accounts: gone.map(({ account }) => account) })
  return yield* answer(asking, yield* add(asking, session, users, writes))
})

/** All who are named, or none: one who does not wait is an error that names them. */
export const approveMember = (
  asking: RequestContext,
  parameters: Parameters
): Effect.Effect<SessionJson, Refused | StorageFailed | NotPending> =>
  Effect.retry(approve(asking, parameters), {
    times: MAX_ATTEMPTS,
    // Somebody else has let one of them in, or taken back what was asked, since it was read.
    while: (error) => error._tag === "Refused" && error.reason._tag === "RecordTaken"
  })
