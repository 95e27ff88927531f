/**
 * History of a conversation between two points, each a time or a message, from either end. A message is a point by its id,
 * so that messages of the same time are neither skipped nor doubled.
 */
import type { Chat } from "@parley/core/Chat"
import type { ChatId } from "@parley/core/Ids"
import type { Message } from "@parley/core/Message"
import * as Base64 from "effect/encoding/Base64"
import * as Effect from "effect/Effect"
import { parseContent } from "../_http/jsonLimits.ts"
import { Cmd, type Command } from "./codec.ts"
import { toWire } from "./content.ts"
import type { CommandContext, CommandHandler, Deps, Handler, HandlerFailure } from "./context.ts"
import { namedChat } from "./conversations.ts"
import { convType } from "./encode.ts"
import { Code, type Codes, fail, failureOf } from "./errors.ts"
import { conversationId, messageId } from "./ids.ts"
import { loadUsers } from "./loadUsers.ts"
import { firstAfter, lastBefore, type Point } from "./positions.ts"
import type { MessageOf } from "./schema.ts"

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 1000
/** Value of `direction` from older to newer messages. */
const OLD_TO_NEW = 2
/** Messages of one read. */
const READ_SIZE = 200
/** Maximum number of messages that are looked at for those of one type. */
const MAX_SCANNED = 10_000
/** Approximate size of a message beside its content, in characters. */
const MESSAGE_FRAME = 200
/** Cost of a message that is looked at. */
const COST_PER_MESSAGE = 1 / 100

const CODES: Codes = { NoSuchChat: Code.logRejected, NotMember: Code.logRejected }

/** Numbers of messages, both included; empty if `from` is greater than `to`. */
interface Range {
  readonly from: number
  readonly to: number
}

/** A page of the history, oldest message first. */
interface FoundLogs {
  readonly chat: Chat
  readonly messages: ReadonlyArray<Message>
  /** Whether the newest message of the chat is one of them. */
  readonly isNewest: boolean
}

const findLogs = Effect.fnUntraced(function* (context: CommandContext): Effect.fn.Return<FoundLogs, HandlerFailure> {
  const { deps, command, run } = context
  const query = command.logs ?? {}
  const limit = query.l ?? query.limit ?? DEFAULT_LIMIT
  if (limit < 1 || limit > MAX_LIMIT) {
    return yield* fail(Code.logFailed, `The limit must be from 1 to ${MAX_LIMIT} messages.`)
  }
  const ref = yield* namedChat(query.cid)
  const { chat, total } = yield* Effect.mapError(
    run({ _tag: "ReadHistory", chat: ref, page: { start: 0, limit: 1 } }),
    ({ reason }) => failureOf(reason, CODES)
  )
  const isForward = query.direction === OLD_TO_NEW
  const start: Point = { time: query.t ?? 0, message: query.mid ?? "", included: query.tIncluded ?? false }
  const end: Point = { time: query.tt ?? 0, message: query.tmid ?? "", included: query.ttIncluded ?? false }
  const older = isForward ? start : end
  const newer = isForward ? end : start
  const range = {
    from: yield* firstAfter(deps, chat.id, total, older),
    to: yield* lastBefore(deps, chat.id, total, newer)
  }
  const messages = yield* readRange(context, chat.id, range, { limit, isForward, type: query.lctype })
  yield* loadUsers(
    deps,
    messages.map(({ sender }) => sender)
  )
  return { chat, messages, isNewest: messages.at(-1)?.number === total }
})

const logsReply = ({ facts }: Pick<Deps, "facts">, { chat, messages }: FoundLogs): Command => ({
  cmd: Cmd.logs,
  logs: {
    cid: conversationId(chat),
    logs: messages.map((message): MessageOf<"LogItem"> => {
      const { msg, binaryMsg, ...mentioned } = toWire(message, facts.linkOf)
      return {
        ...mentioned,
        from: facts.clientOf(message.sender),
        data: binaryMsg === undefined ? (msg ?? "") : Base64.encode(binaryMsg),
        ...(binaryMsg !== undefined && { bin: true }),
        timestamp: message.date,
        msgId: messageId(message),
        convType: convType(chat)
      }
    })
  }
})

/** `logs` of an app server, which receives nothing for the user. */
export const readLogs: CommandHandler = (context) =>
  Effect.map(findLogs(context), (found) => logsReply(context.deps, found))

/**
 * `logs` of a client. In a conversation of two, a page with the newest message is a receipt for the other one's: a client
 * that was away fetches what it has missed, and acknowledges none of it.
 */
export const fetchLogs: Handler = Effect.fnUntraced(function* (context) {
  const { client, deps, run, session, user } = context
  const found = yield* findLogs(context)
  const { chat, isNewest, messages } = found
  const last = messages.findLast(({ sender }) => sender !== user.id)
  if (isNewest && last !== undefined && chat.members.size === 2 && (client.received.get(chat.id) ?? 0) < last.seq) {
    client.received.set(chat.id, last.seq)
    session.confirmFetched(chat.id)
    // Refused if the client has left the conversation meanwhile.
    yield* Effect.ignore(run({ _tag: "ConfirmDelivery", chat: { id: chat.id }, upTo: last.seq }))
  }
  return logsReply(deps, found)
})

interface PageOptions {
  readonly limit: number
  readonly isForward: boolean
  /** Type of the messages (`_lctype`); all types if undefined or 0. */
  readonly type: number | undefined
}

/** Returns the messages of a range, oldest first: the first ones if `isForward`, otherwise the last ones. */
const readRange = Effect.fnUntraced(function* (
  { deps, user }: CommandContext,
  chat: ChatId,
  { from, to }: Range,
  { limit, isForward, type = 0 }: PageOptions
): Effect.fn.Return<ReadonlyArray<Message>, HandlerFailure> {
  const found: Array<Message> = []
  let remaining = deps.settings.historyBytes
  let [oldest, newest] = [from, to]
  let scanned = 0
  while (oldest <= newest && found.length < limit && scanned < MAX_SCANNED) {
    if (scanned > 0) yield* Effect.yieldNow
    const size = Math.min(READ_SIZE, type === 0 ? limit - found.length : READ_SIZE, newest - oldest + 1)
    const part = isForward ? { from: oldest, to: oldest + size - 1 } : { from: newest - size + 1, to: newest }
    if (isForward) oldest += size
    else newest -= size
    scanned += size
    const read = yield* deps.store.history(chat, { ...part, hiddenFrom: user.id })
    for (const message of isForward ? read.toReversed() : read) {
      if (type !== 0 && typeOf(message) !== type) continue
      if (found.length === limit) break
      remaining -= message.content.length + MESSAGE_FRAME
      if (remaining < 0 && found.length > 0) {
        return yield* fail(Code.logFailed, "The messages are too large for one reply; ask for fewer.")
      }
      found.push(message)
    }
  }
  deps.engine.limits.owe(user.id, scanned * COST_PER_MESSAGE)
  return isForward ? found : found.toReversed()
})

const typeOf = (message: Message): unknown => parseContent(toWire(message).msg ?? "")?.["_lctype"]
