/** Commands on sent messages: history, recall, hiding. */
import * as Effect from "effect/Effect"
import { isMember } from "../model/Chat.ts"
import type { ChatId, EntryId } from "../model/Ids.ts"
import type { HideMessage, ReadHistory, RecallMessage } from "../model/Command.ts"
import { amend, type Message } from "../model/Message.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { refusal } from "../rules/Operations.ts"
import type { StorageFailed } from "../ports/Store.ts"
import type { CachedChat } from "../cache/ChatCache.ts"
import { withdrawnFiles } from "./WithdrawnFiles.ts"
import {
  replyWith,
  type Invocation,
  type CommandContext,
  entryOf,
  invalid,
  permitted,
  type CommandHandler
} from "./CommandHandler.ts"

/** Messages of the first read from storage: large ones fill the response. */
const FIRST_READ_SIZE = 64
/** Maximum number of messages per read; each read is twice as large as the previous one. */
const MAX_READ_SIZE = 500
/** Approximate size of a message beside its content, in characters. */
const MESSAGE_FRAME = 200

export const readHistory: CommandHandler<ReadHistory> = Effect.fnUntraced(function* (
  context,
  invocation,
  { chat: ref, page }
) {
  const { chat, posted: total } = yield* permitted(context, invocation, ref, "read")
  const cap = context.settings.history
  const size = page === undefined ? cap : "size" in page ? page.size : page.limit
  if (!Number.isInteger(size) || size < 1 || size > cap) {
    const field = page !== undefined && "before" in page ? "limit" : "page size"
    return yield* refuse(invalid(field, `must be an integer from 1 to ${cap}`))
  }
  const number = page !== undefined && "number" in page ? page.number : 1
  if (!Number.isInteger(number) || number < 1) {
    return yield* refuse(invalid("page number", "must be an integer from 1"))
  }
  const start = page !== undefined && "start" in page ? page.start : (number - 1) * size
  if (!Number.isInteger(start) || start < 0) return yield* refuse(invalid("start", "must be an integer from 0"))
  // A page before a message is filled up with older ones, and cut where it would be too large.
  const before = page !== undefined && "before" in page ? page.before : undefined
  const to = before === undefined ? total - start : yield* numberBefore(context, chat.id, before)
  const from = before === undefined ? Math.max(1, to - size + 1) : 1
  const messages: Array<Message> = []
  const pageWith = (more: boolean) => replyWith({ chat, messages, total, more })
  let remaining = context.settings.historyBytes
  let readSize = FIRST_READ_SIZE
  let newest = to
  while (newest >= from && messages.length < size) {
    if (newest < to) yield* Effect.yieldNow
    if (before !== undefined) readSize = Math.min(readSize, size - messages.length)
    const range = { from: Math.max(from, newest - readSize + 1), to: newest, hiddenFrom: invocation.user.id }
    newest -= readSize
    readSize = Math.min(MAX_READ_SIZE, 2 * readSize)
    for (const message of yield* context.store.history(chat.id, range)) {
      remaining -= message.content.length + MESSAGE_FRAME
      if (remaining < 0 && messages.length > 0) {
        // A requested page is complete or refused; a whole history is cut to fit.
        if (page === undefined || before !== undefined) return pageWith(true)
        return yield* refuse(
          invalid("page size", `must be smaller: ${size} of these messages are too large for one response`)
        )
      }
      messages.push(message)
    }
  }
  return pageWith(newest >= 1)
})

/** Returns the number of the newest message before one of the chat, which may be recalled or hidden. */
const numberBefore = Effect.fnUntraced(function* (
  { store }: CommandContext,
  chat: ChatId,
  id: EntryId
): Effect.fn.Return<number, Refused | StorageFailed> {
  const [message] = yield* store.messages([id])
  return message?.chat === chat ? message.number - 1 : yield* refuse({ _tag: "NoSuchMessage" })
})

/** Returns the message and its chat, if the caller is a member of it. */
export const visibleMessage = Effect.fnUntraced(function* (
  context: CommandContext,
  invocation: Invocation,
  gid: string
): Effect.fn.Return<{ readonly message: Message; readonly cached: CachedChat }, Refused | StorageFailed> {
  const [message] = yield* context.store.messagesByGid([gid])
  const cached = message === undefined ? undefined : yield* context.chats.find({ id: message.chat })
  if (
    message === undefined ||
    cached === undefined ||
    cached.chat.dissolved ||
    !isMember(cached.chat, invocation.user.id)
  ) {
    return yield* refuse({ _tag: "NoSuchMessage" })
  }
  return { message, cached }
})

/** Allowed for the sender, or an admin of the chat. A second recall changes nothing. */
export const recallMessage: CommandHandler<RecallMessage> = Effect.fnUntraced(function* (context, invocation, command) {
  const { message, cached } = yield* visibleMessage(context, invocation, command.gid)
  const { chat } = cached
  if (message.sender !== invocation.user.id) {
    const refused = refusal("recallOthers", { user: invocation.user, via: invocation.via, chat })
    if (refused !== undefined) return yield* refuse({ _tag: "Forbidden", requires: "the sender" })
  }
  if (message.recalled) return replyWith(message)
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
          body: { _tag: "Recalled", message: message.id },
          revision: message.revision
        },
        ...(yield* withdrawnFiles(context.store, message, context.fileLinks))
      ]
    },
    toOutcome: ([written]) => {
      const entry = entryOf(written)
      const recalled = amend(message, { id: entry.id, body: { _tag: "Recalled", message: message.id } })
      const head = { ...cached.head, seq: entry.seq, posted: entry.posted }
      return {
        reply: recalled,
        broadcasts: [{ event: { _tag: "ChatEvent", entry, chat, head, message: recalled }, to: { chat: chat.id } }]
      }
    }
  }
})

export const hideMessage: CommandHandler<HideMessage> = Effect.fnUntraced(function* (context, invocation, command) {
  const { message } = yield* visibleMessage(context, invocation, command.gid)
  return {
    batch: { expectedVersions: [], writes: [{ _tag: "HideMessage", user: invocation.user.id, message: message.id }] },
    toOutcome: () => ({ reply: message, broadcasts: [] })
  }
})
