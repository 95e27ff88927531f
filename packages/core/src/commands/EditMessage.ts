/** Edits the text of a message. The log has an entry with the new content, as for a replaced image. */
import * as Effect from "effect/Effect"
import type { EditMessage, ReplyOf } from "../model/Command.ts"
import { amend } from "../model/Message.ts"
import type { Replaced } from "../model/Log.ts"
import { type Reason, type Refused, refuse } from "../model/Refused.ts"
import { exceeds } from "../model/Utf8.ts"
import { editProblem } from "../rules/Editing.ts"
import { refusal } from "../rules/Operations.ts"
import type { EngineSettings } from "../ports/Settings.ts"
import type { StorageFailed } from "../ports/Store.ts"
import { type CommandHandler, entryOf, invalid, type Plan, replyWith } from "./CommandHandler.ts"
import { visibleMessage } from "./Messages.ts"
import { toOutcome } from "./SendMessages.ts"

const contentProblem = (content: string, { content: limit }: EngineSettings): Reason | undefined => {
  if (content === "") return invalid("content", "must not be empty")
  if (!content.isWellFormed()) return invalid("content", "must be well-formed Unicode")
  return exceeds(content, limit) ? invalid("content", `must have at most ${limit} bytes`) : undefined
}

/** The same content again changes nothing. */
export const editMessage: CommandHandler<EditMessage> = Effect.fnUntraced(function* (
  context,
  invocation,
  { gid, content }
): Effect.fn.Return<Plan<ReplyOf<EditMessage>>, Refused | StorageFailed> {
  const { message, cached } = yield* visibleMessage(context, invocation, gid)
  const { chat } = cached
  const isOwn = message.sender === invocation.user.id
  const operation = !isOwn ? "editOthers" : message.type === "broadcast" ? "broadcast" : "editOwn"
  const refused = refusal(operation, { user: invocation.user, via: invocation.via, chat })
  if (refused !== undefined)
    return yield* refuse(isOwn ? refused.reason : { _tag: "Forbidden", requires: "the sender" })
  const problem = editProblem(message) ?? contentProblem(content, context.settings)
  if (problem !== undefined) return yield* refuse(problem)
  if (message.content === content) return replyWith({ chat, message })
  const body: Replaced = { _tag: "Replaced", message: message.id, contentType: message.contentType, content }
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
