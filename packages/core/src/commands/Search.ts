/** Search in the messages of a chat, or of all chats of the caller, without an index: a bounded part of the logs per request. */
import * as Effect from "effect/Effect"
import type { ReplyOf, SearchMessages, SentMessage } from "../model/Command.ts"
import type { ChatId } from "../model/Ids.ts"
import type { Message } from "../model/Message.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import type { CachedChat } from "../cache/ChatCache.ts"
import { readBackwards } from "../delivery/readBackwards.ts"
import type { StorageFailed } from "../ports/Store.ts"
import {
  type CommandContext,
  type CommandHandler,
  type Invocation,
  invalid,
  permitted,
  type Plan,
  replyWith
} from "./CommandHandler.ts"

/** Maximum number of messages that one request looks at. */
const MAX_SCANNED = 2000
/** Maximum number of chats that one request reads. */
const MAX_CHATS = 200
/** Characters of contents after which a request ends: some 20 milliseconds of work, in slices. */
const MAX_CHARACTERS = 2 * 1024 * 1024
/** Characters that a message counts beside its content. */
const MESSAGE_FRAME = 200
/** Maximum number of messages in a reply. */
const MAX_LIMIT = 100
/** Maximum number of characters of the searched text. */
const MAX_TEXT = 255

/** Returns a text without the differences that a search ignores. */
const folded = (text: string): string => text.normalize("NFKC").toLowerCase()

export const searchMessages: CommandHandler<SearchMessages> = Effect.fnUntraced(
  function* (context, invocation, command): Effect.fn.Return<Plan<ReplyOf<SearchMessages>>, Refused | StorageFailed> {
    const { from, limit } = command
    const wanted = folded(command.text.trim())
    if (wanted === "") return yield* refuse(invalid("text", "must not be empty"))
    if (!command.text.isWellFormed()) return yield* refuse(invalid("text", "must be well-formed Unicode"))
    if (Array.from(command.text).length > MAX_TEXT) {
      return yield* refuse(invalid("text", `must have at most ${MAX_TEXT} characters`))
    }
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
      return yield* refuse(invalid("limit", `must be an integer from 1 to ${MAX_LIMIT}`))
    }
    const chats = yield* chatsToSearch(context, invocation, command)
    const found: Array<SentMessage> = []
    let scanned = 0
    let characters = 0
    for (const [visited, id] of chats.entries()) {
      const cached = yield* readable(context, invocation, id)
      if (cached === undefined) continue
      const { chat, posted } = cached
      const newest = from?.chat === id ? Math.min(from.number, posted) : posted
      if (newest < 1) continue
      const isFull = found.length === limit || scanned >= MAX_SCANNED || characters >= MAX_CHARACTERS
      if (isFull || visited >= MAX_CHATS) return replyWith({ found, scanned, next: { chat: id, number: newest } })
      const oldest = Math.max(1, newest - (MAX_SCANNED - scanned) + 1)
      let next = oldest - 1
      const range = { from: oldest, to: newest, hiddenFrom: invocation.user.id }
      yield* readBackwards(context.store, id, range, (messages) => {
        for (const message of messages) {
          characters += message.content.length + MESSAGE_FRAME
          if (matches(message, wanted)) found.push({ chat, message })
          if (found.length < limit && characters < MAX_CHARACTERS) continue
          next = message.number - 1
          return false
        }
        return true
      })
      scanned += newest - next
      if (next >= 1) return replyWith({ found, scanned, next: { chat: id, number: next } })
    }
    return replyWith({ found, scanned })
  }
)

const matches = ({ content, contentType, recalled }: Message, wanted: string): boolean =>
  !recalled && contentType === "text" && folded(content).includes(wanted)

/** Returns the chats that a search still has to look at, in its order. */
const chatsToSearch = Effect.fnUntraced(function* (
  context: CommandContext,
  invocation: Invocation,
  { chat: ref, from }: SearchMessages
): Effect.fn.Return<ReadonlyArray<ChatId>, Refused | StorageFailed> {
  const isPosition = from === undefined || (Number.isSafeInteger(from.chat) && Number.isSafeInteger(from.number))
  const problem = invalid("from", "must be the position of a reply to the same search")
  if (!isPosition) return yield* refuse(problem)
  if (ref !== undefined) {
    const { chat } = yield* permitted(context, invocation, ref, "read")
    return from === undefined || from.chat === chat.id ? [chat.id] : yield* refuse(problem)
  }
  const own = yield* context.store.chatsOf(invocation.user.id)
  return own.filter((id) => from === undefined || id <= from.chat).toSorted((one, other) => other - one)
})

/** Returns the chat if the caller may read it; their chats may have changed since they were listed. */
const readable = (
  context: CommandContext,
  invocation: Invocation,
  id: ChatId
): Effect.Effect<CachedChat | undefined, Refused | StorageFailed> =>
  permitted(context, invocation, { id }, "read").pipe(
    Effect.catchIf(
      (error) => error._tag === "Refused" && (error.reason._tag === "NoSuchChat" || error.reason._tag === "NotMember"),
      () => Effect.succeed(undefined)
    )
  )
