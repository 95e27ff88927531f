/**
 * Transient messages: to the members who are online, for those who may send. In slow mode a member sends one per interval,
 * counted apart from stored messages, so that a notice that the member is typing does not delay what was typed.
 */
import * as Effect from "effect/Effect"
import { slowModeOf } from "../model/Chat.ts"
import type { ReplyOf, SendTransient } from "../model/Command.ts"
import { nextEphemeralId } from "../model/Ids.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import type { StorageFailed } from "../ports/Store.ts"
import { isSlowed, slowMode } from "../rules/SlowMode.ts"
import { type CommandHandler, permitted, type Plan, replyWith } from "./CommandHandler.ts"
import { contentProblem } from "./SendMessages.ts"

export const sendTransient: CommandHandler<SendTransient> = Effect.fnUntraced(function* (
  context,
  invocation,
  { chat: ref, contentType, content, checkOnly = false }
): Effect.fn.Return<Plan<ReplyOf<SendTransient>>, Refused | StorageFailed> {
  const problem = contentProblem(context, { contentType, content }, false)
  if (problem !== undefined) return yield* refuse(problem)
  const { chat } = yield* permitted(context, invocation, ref, "send")
  const { now: at } = invocation
  const user = invocation.user.id
  const id = nextEphemeralId()
  if (checkOnly) return replyWith({ chat, id, at, sent: false })
  const facts = { user: invocation.user, via: invocation.via, chat }
  if (isSlowed(facts)) {
    const sinceOwnMessage = context.transientTimes.accept(user, chat.id, slowModeOf(chat) * 1000, at)
    const reason = slowMode.check({ ...facts, sinceOwnMessage })
    if (reason !== undefined) return yield* refuse(reason)
  }
  const event = { _tag: "TransientMessageEvent", id, chat, user, contentType, content, at } as const
  return {
    batch: undefined,
    toOutcome: () => ({ reply: { chat, id, at, sent: true }, broadcasts: [{ event, to: { chat: chat.id } }] })
  }
})
