/** Edits a message. The log has an entry with the new content, as for a replaced image. */
import * as Effect from "effect/Effect"
import type { EditMessage, ReplyOf } from "../model/Command.ts"
import { amend } from "../model/Message.ts"
import type { Replaced } from "../model/Log.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { editProblem } from "../rules/Editing.ts"
import { refusal } from "../rules/Operations.ts"
import type { StorageFailed } from "../ports/Store.ts"
import { type CommandHandler, entryOf, type Plan, replyWith } from "./CommandHandler.ts"
import { visibleMessage } from "./Messages.ts"
import { contentProblem, toOutcome } from "./SendMessages.ts"

/** The same content again changes nothing. */
export const editMessage: CommandHandler<EditMessage> = Effect.fnUntraced(function* (
  context,
  invocation,
  { gid, content, contentType }
): Effect.fn.Return<Plan<ReplyOf<EditMessage>>, Refused | StorageFailed> {
  const { message, cached } = yield* visibleMessage(context, invocation, gid)
  const { chat } = cached
  const isOwn = message.sender === invocation.user.id
  const operation = !isOwn ? "editOthers" : message.type === "broadcast" ? "broadcast" : "editOwn"
  const refused = refusal(operation, { user: invocation.user, via: invocation.via, chat })
  if (refused !== undefined)
    return yield* refuse(isOwn ? refused.reason : { _tag: "Forbidden", requires: "the sender" })
  const edited = { contentType: contentType ?? message.contentType, content }
  const problem = editProblem(message, contentType !== undefined) ?? contentProblem(context, edited, false)
  if (problem !== undefined) return yield* refuse(problem)
  if (message.content === content && message.contentType === edited.contentType) return replyWith({ chat, message })
  const body: Replaced = { _tag: "Replaced", message: message.id, ...edited }
  return {
    batch: {
      expectedVersions: [{ chat: chat.id, version: chat.version }],
      writes: [
        {
          _tag: "Amend",
          chat: chat.id,
          by: invocation.by,
          device: invocation.caller.device,
          at: invocation.now,
          body,
          revision: message.revision
        }
      ]
    },
    toOutcome: ([written]) => {
      const entry = entryOf(written)
      return toOutcome(chat, entry, amend(message, { id: entry.id, body }))
    }
  }
})
