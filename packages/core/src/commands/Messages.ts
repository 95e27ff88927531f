/** What becomes of a message after it was sent: history, recall, hiding, reading. */
import * as Effect from "effect/Effect"
import { isMember } from "../model/Chat.ts"
import type { HideMessage, MarkRead, ReadHistory, RecallMessage } from "../model/Command.ts"
import { amend, type Message } from "../model/Message.ts"
import type { Place } from "../model/Cursor.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { refusal } from "../rules/Operations.ts"
import type { StorageFailed } from "../ports/Store.ts"
import type { WarmChat } from "../cache/ChatCache.ts"
import { withdrawing } from "./WithdrawnFiles.ts"
import { answer, type Attempt, type Desk, entryOf, invalid, permitted, type Script } from "./CommandHandler.ts"

/** Messages read from storage at once. */
const STRIDE = 500
/** Characters of a message beside its content, about. */
const MESSAGE_FRAME = 200

export const readHistory: Script<ReadHistory> = Effect.fnUntraced(function* (desk, attempt, { chat: ref, page }) {
  const { chat, posted: total } = yield* permitted(desk, attempt, ref, "read")
  const cap = desk.settings.history
  const size = page === undefined ? cap : "size" in page ? page.size : page.limit
  if (!Number.isInteger(size) || size < 1 || size > cap) {
    return yield* refuse(invalid("page size", `must be an integer from 1 to ${cap}`))
  }
  const number = page !== undefined && "number" in page ? page.number : 1
  if (!Number.isInteger(number) || number < 1) {
    return yield* refuse(invalid("page number", "must be an integer from 1"))
  }
  const start = page !== undefined && "start" in page ? page.start : (number - 1) * size
  if (!Number.isInteger(start) || start < 0) return yield* refuse(invalid("start", "must be an integer from 0"))
  const to = total - start
  const from = Math.max(1, to - size + 1)
  const messages: Array<Message> = []
  let room = desk.settings.historyBytes
  for (let newest = to; newest >= from; newest -= STRIDE) {
    if (newest < to) yield* Effect.yieldNow
    const stride = { from: Math.max(from, newest - STRIDE + 1), to: newest, hiddenFrom: attempt.user.id }
    for (const message of yield* desk.store.history(chat.id, stride)) {
      room -= message.content.length + MESSAGE_FRAME
      if (room < 0 && messages.length > 0) {
        // A page that was asked for is a page or nothing; the whole history is as much of it as fits.
        if (page === undefined) return answer({ chat, messages, total })
        return yield* refuse(
          invalid("page size", `must be smaller: ${size} of these messages are too large for one answer`)
        )
      }
      messages.push(message)
    }
  }
  return answer({ chat, messages, total })
})

/** The message and its chat, where the caller is a member of it. */
const known = Effect.fnUntraced(function* (
  desk: Desk,
  attempt: Attempt,
  gid: string
): Effect.fn.Return<{ readonly message: Message; readonly warm: WarmChat }, Refused | StorageFailed> {
  const [message] = yield* desk.store.messagesByGid([gid])
  const warm = message === undefined ? undefined : yield* desk.chats.find({ id: message.chat })
  if (message === undefined || warm === undefined || warm.chat.dissolved || !isMember(warm.chat, attempt.user.id)) {
    return yield* refuse({ _tag: "NoSuchMessage" })
  }
  return { message, warm }
})

/** By who sent it, or by an admin of the chat. A second recall changes nothing. */
export const recallMessage: Script<RecallMessage> = Effect.fnUntraced(function* (desk, attempt, command) {
  const { message, warm } = yield* known(desk, attempt, command.gid)
  const { chat } = warm
  if (message.sender !== attempt.user.id) {
    const refused = refusal("recallOthers", { user: attempt.user, via: attempt.via, chat })
    if (refused !== undefined) return yield* refuse({ _tag: "Only", who: "the sender" })
  }
  if (message.recalled) return answer(message)
  return {
    unit: {
      relies: [{ chat: chat.id, version: chat.version }],
      writes: [
        {
          _tag: "Amend",
          chat: chat.id,
          by: attempt.by,
          origin: attempt.caller.origin,
          at: attempt.now,
          body: { _tag: "Recalled", message: message.id },
          revision: message.revision
        },
        ...(yield* withdrawing(desk.store, message, desk.fileLinks))
      ]
    },
    conclude: ([written]) => {
      const entry = entryOf(written)
      const recalled = amend(message, { id: entry.id, body: { _tag: "Recalled", message: message.id } })
      const head = { ...warm.head, seq: entry.seq, posted: entry.posted }
      return {
        reply: recalled,
        announce: [{ event: { _tag: "ChatEvent", entry, chat, head, message: recalled }, to: { chat: chat.id } }]
      }
    }
  }
})

export const hideMessage: Script<HideMessage> = Effect.fnUntraced(function* (desk, attempt, command) {
  const { message } = yield* known(desk, attempt, command.gid)
  return {
    unit: { relies: [], writes: [{ _tag: "HideMessage", user: attempt.user.id, message: message.id }] },
    conclude: () => ({ reply: message, announce: [] })
  }
})

export const markRead: Script<MarkRead> = Effect.fnUntraced(function* (desk, attempt, command) {
  const warm = yield* permitted(desk, attempt, command.chat, "read")
  const read = Math.min(command.upTo ?? warm.seq, warm.seq)
  if (!Number.isInteger(read) || read < 0) return yield* refuse(invalid("upTo", "must be a sequence of the chat's log"))
  const place: Place = {
    chat: warm.chat.id,
    user: attempt.user.id,
    device: "",
    pushed: 0,
    delivered: 0,
    acked: [],
    read
  }
  return {
    unit: { relies: [], writes: [{ _tag: "MovePlace", place }] },
    conclude: () => ({ reply: { read }, announce: [] })
  }
})
