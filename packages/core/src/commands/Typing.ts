/** Typing: a transient event for members who are online, allowed for those who may send. */
import * as Effect from "effect/Effect"
import type { NotifyTyping, ReplyOf } from "../model/Command.ts"
import { nextEphemeralId } from "../model/Ids.ts"
import type { Refused } from "../model/Refused.ts"
import type { StorageFailed } from "../ports/Store.ts"
import { type CommandHandler, permitted, type Plan } from "./CommandHandler.ts"

export const notifyTyping: CommandHandler<NotifyTyping> = Effect.fnUntraced(function* (
  context,
  invocation,
  { chat: ref, typing }
): Effect.fn.Return<Plan<ReplyOf<NotifyTyping>>, Refused | StorageFailed> {
  const { chat } = yield* permitted(context, invocation, ref, "send")
  const { now } = invocation
  const user = invocation.user.id
  return {
    batch: undefined,
    toOutcome: () => {
      const passed = context.typing.accept(user, chat.id, typing, now)
      const event = { _tag: "TypingEvent", id: nextEphemeralId(), chat, user, typing } as const
      return { reply: { chat, passed }, broadcasts: passed ? [{ event, to: { chat: chat.id } }] : [] }
    }
  }
})
