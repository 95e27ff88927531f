/** Messages of a conversation for app servers: send, history, change, recall. */
import { adminsOf } from "@parley/core/rules/Membership"
import type { Message } from "@parley/core/Message"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import { field, isFields, text } from "../_http/fields.ts"
import { Cmd, type Command, Op } from "./codec.ts"
import type { HandlerFailure } from "./context.ts"
import { Code, fail, failureOf } from "./errors.ts"
import { conversationId, messageId, messageNamed, numberedId, RANDOM_BYTES } from "./ids.ts"
import { readLogs } from "./logs.ts"
import { draftOf, patchMessage, SEND_CODES } from "./messages.ts"
import { actingAs, clientIdsIn, integerIn, isSet, type Reached, reachedConversation } from "./restRequest.ts"
import type { RestContext, RestOperation } from "./restRequest.ts"

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000
const OLD_TO_NEW = 2

/** Returns the existing user with a client id of the app. */
export const clientNamed = Effect.fnUntraced(function* (
  { deps, appId, app }: RestContext,
  clientId: string,
  code: number
): Effect.fn.Return<User, HandlerFailure> {
  const [user] = yield* deps.engine.context.users.resolve([clientId])
  const isOwn = user !== undefined && (yield* deps.clients.mayBe(appId, app, user))
  return isOwn ? user : yield* fail(code, "There is no such client of the app.")
})

/** Returns the content of a message: a text, or an object that becomes one. */
const contentIn = ({ fields }: RestContext): Effect.Effect<string, HandlerFailure> => {
  const message = field(fields, "message")
  return isFields(message) ? Effect.succeed(JSON.stringify(message)) : text(fields, "message")
}

const flag = ({ fields }: RestContext, name: string): Effect.Effect<boolean, HandlerFailure> => {
  const value = field(fields, name) ?? false
  return typeof value === "boolean"
    ? Effect.succeed(value)
    : fail(Code.conversationFailed, `${name} must be true or false.`)
}

/** The sender is a member: no rule is left out for the master key. */
export const sendMessage: RestOperation = Effect.fnUntraced(function* (context) {
  const { deps, fields, path } = context
  const sender = yield* clientNamed(context, yield* text(fields, "from_client"), Code.invalidTarget)
  const mentions = "mention_client_ids"
  const direct = {
    cid: path("id"),
    msg: yield* contentIn(context),
    mentionAll: yield* flag(context, "mention_all"),
    mentionPids: yield* field(fields, mentions) === undefined ? Effect.succeed([]) : clientIdsIn(context, mentions)
  }
  const push = field(fields, "push_data")
  const pushData = push === undefined || typeof push === "string" ? push : JSON.stringify(push)
  const token = Hex.encode(yield* deps.random.randomBytes(RANDOM_BYTES))
  const draft = yield* Effect.fromResult(
    draftOf(sender, { cmd: Cmd.direct, direct: { ...direct, ...(pushData !== undefined && { pushData }) } }, token)
  )
  const acting = actingAs(context, sender)
  const { chat, content, contentType } = draft
  const sent = yield* (
    (yield* flag(context, "transient"))
      ? acting.run({ _tag: "SendTransient", chat, contentType, content })
      : Effect.map(acting.run({ _tag: "SendMessages", messages: [draft] }), ([one]) => ({
          id: one?.message.id ?? 0,
          at: one?.message.date ?? 0
        }))
  ).pipe(Effect.mapError(({ reason }) => failureOf(reason, SEND_CODES)))
  const result = { "msg-id": numberedId(sent.id), timestamp: sent.at }
  // Clients of the service's earlier versions read it from `result`.
  return { ...result, result }
})

/** Newest first, or oldest first with `reversed`. */
export const listMessages: RestOperation = Effect.fnUntraced(function* (context) {
  const { query } = context
  const { view, actor } = yield* reachedConversation(context)
  const cid = conversationId(view.chat)
  const limit = (yield* integerIn(context, "limit")) ?? DEFAULT_LIMIT
  if (limit < 1 || limit > MAX_LIMIT) return yield* fail(Code.logFailed, `limit must be from 1 to ${MAX_LIMIT}.`)
  const isReversed = isSet(context, "reversed")
  const logs: Command["logs"] = {
    cid,
    limit,
    t: (yield* integerIn(context, "timestamp")) ?? 0,
    mid: query.get("msgid") ?? "",
    tIncluded: isSet(context, "include_start"),
    tt: (yield* integerIn(context, "till_timestamp")) ?? 0,
    tmid: query.get("till_msgid") ?? "",
    ttIncluded: isSet(context, "include_stop"),
    ...(isReversed && { direction: OLD_TO_NEW })
  }
  const { logs: found } = yield* readLogs(actingAs(context, actor, { cmd: Cmd.logs, logs }))
  const messages = (found?.logs ?? []).map(
    ({ msgId, from, timestamp, data, bin = false, mentionAll, mentionPids }) => ({
      "msg-id": msgId,
      "conv-id": cid,
      to: cid,
      from,
      timestamp,
      data,
      bin,
      "is-conv": true,
      "is-room": false,
      ...(mentionAll === true && { "mention-all": true }),
      ...(mentionPids !== undefined && { "mention-client-ids": mentionPids })
    })
  )
  return isReversed ? messages : messages.reverse()
})

/** A message that a request names by its id, its sender and its time. */
interface Named extends Reached {
  readonly message: Message
  /** An admin of the conversation as whom the app may act; otherwise the sender. */
  readonly changer: User
}

const namedMessage = Effect.fnUntraced(function* (
  context: RestContext,
  { from_client: from, timestamp }: { readonly from_client: unknown; readonly timestamp: unknown }
): Effect.fn.Return<Named, HandlerFailure> {
  const { deps, path } = context
  const { view, actor } = yield* reachedConversation(context)
  const { chat } = view
  const message = yield* messageNamed(deps.store, path("message"))
  if (message?.chat !== chat.id || message.date !== timestamp) {
    return yield* fail(Code.messageNotFound, "There is no such message of this time in the conversation.")
  }
  const [sender] = typeof from === "string" ? yield* deps.engine.context.users.resolve([from]) : []
  if (sender === undefined || sender.id !== message.sender) {
    return yield* fail(Code.ownershipRequired, "from_client must be the sender of the message.")
  }
  const isSenderOwn = chat.members.has(sender.id) && (yield* deps.clients.mayBe(context.appId, context.app, sender))
  const changer = adminsOf(chat).includes(actor.id) || !isSenderOwn ? actor : sender
  return { view, actor, message, changer }
})

const inBody = ({ fields }: RestContext) => ({
  from_client: field(fields, "from_client"),
  timestamp: field(fields, "timestamp")
})

export const changeMessage: RestOperation = Effect.fnUntraced(function* (context) {
  const data = yield* contentIn(context)
  const { view, message, changer } = yield* namedMessage(context, inBody(context))
  const patch = { patches: [{ cid: conversationId(view.chat), mid: messageId(message), data }] }
  yield* patchMessage(actingAs(context, changer, { cmd: Cmd.patch, op: Op.modify, patch }))
  return {}
})

const recall = Effect.fnUntraced(function* (
  context: RestContext,
  named: Parameters<typeof namedMessage>[1]
): Effect.fn.Return<object, HandlerFailure> {
  const { view, message, changer } = yield* namedMessage(context, named)
  const patch = { patches: [{ cid: conversationId(view.chat), mid: messageId(message), recall: true }] }
  yield* patchMessage(actingAs(context, changer, { cmd: Cmd.patch, op: Op.modify, patch }))
  return {}
})

export const recallMessage: RestOperation = (context) => recall(context, inBody(context))

/** The content is removed by a recall, of which the members are notified. */
export const deleteMessage: RestOperation = Effect.fnUntraced(function* (context) {
  const timestamp = yield* integerIn(context, "timestamp")
  return yield* recall(context, { from_client: context.query.get("from_client"), timestamp })
})
