/** Conversations for app servers: create, find, change, delete. */
import { audit } from "@parley/core/Audit"
import type { Chat } from "@parley/core/Chat"
import * as Effect from "effect/Effect"
import { field, type Fields, isFields } from "../_http/fields.ts"
import { Cmd, Op } from "./codec.ts"
import type { HandlerFailure } from "./context.ts"
import { startConversation, updateConversation } from "./conversations.ts"
import { iso } from "./encode.ts"
import { Code, fail, unsupported } from "./errors.ts"
import { chatRef, conversationId } from "./ids.ts"
import { conversationFields } from "./query.ts"
import { actingAs, clientIdsIn, reachedConversation, type RestContext, type RestOperation } from "./restRequest.ts"

/** Fields of the body beside attributes. */
const CREATION_FIELDS: ReadonlySet<string> = new Set(["m", "c", "unique", "tr", "sys"])

/** Returns the response to a change. */
export const changed = (chat: Chat): object => ({
  objectId: conversationId(chat),
  updatedAt: iso(Math.max(chat.createdAt, chat.editedAt))
})

/** Returns attributes as clients send them: a removed one is null. Refuses the service's other operators. */
const attributeData = (fields: Fields): Effect.Effect<string, HandlerFailure> =>
  Effect.suspend(() => {
    const attributes: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(fields)) {
      const operator = isFields(value) ? field(value, "__op") : undefined
      if (operator !== undefined && operator !== "Delete") {
        return fail(Code.updateFailed, `${name} must not have an operator other than Delete.`)
      }
      attributes[name] = operator === undefined ? value : null
    }
    return Effect.succeed(JSON.stringify(attributes))
  })

/** The creator, who owns the conversation, is the client `c`, or the first member. */
export const createConversation: RestOperation = Effect.fnUntraced(function* (context) {
  const { deps, appId, app, fields } = context
  if (field(fields, "tr") === true || field(fields, "sys") === true) {
    return yield* unsupported("chat rooms and service conversations here")
  }
  const members = yield* field(fields, "m") === undefined ? Effect.succeed([]) : clientIdsIn(context, "m")
  const creatorId = field(fields, "c") ?? members[0]
  if (typeof creatorId !== "string" || creatorId === "") {
    return yield* fail(Code.conversationFailed, "m or c must name at least one client.")
  }
  const unique = field(fields, "unique") ?? false
  if (typeof unique !== "boolean") return yield* fail(Code.conversationFailed, "unique must be true or false.")
  const attributes = Object.fromEntries(Object.entries(fields).filter(([name]) => !CREATION_FIELDS.has(name)))
  const data = yield* attributeData(attributes)
  const creator = yield* deps.clients.authorize(appId, app, creatorId)
  const acting = actingAs(context, creator, {
    cmd: Cmd.conv,
    op: Op.start,
    conv: { m: members, unique, attr: { data } }
  })
  const { conv } = yield* startConversation(acting)
  const chat = chatRef(conv?.cid ?? "")
  if (chat === undefined) return yield* fail(Code.conversationFailed, "The conversation has no id.")
  const view = yield* acting.run({ _tag: "ReadChat", chat })
  return { ...conversationFields(context, view), ...(unique && { unique, uniqueId: conv?.uniqueId }) }
})

export const readConversation: RestOperation = Effect.fnUntraced(function* (context) {
  return conversationFields(context, (yield* reachedConversation(context)).view)
})

export const editConversation: RestOperation = Effect.fnUntraced(function* (context) {
  const { view, actor } = yield* reachedConversation(context)
  const data = yield* attributeData(context.fields)
  const conv = { cid: conversationId(view.chat), attr: { data } }
  const { conv: updated } = yield* updateConversation(actingAs(context, actor, { cmd: Cmd.conv, op: Op.update, conv }))
  return { objectId: updated?.cid, updatedAt: updated?.udate }
})

export const deleteConversation: RestOperation = Effect.fnUntraced(function* (context: RestContext) {
  const { view, actor } = yield* reachedConversation(context)
  yield* actingAs(context, actor).run({ _tag: "DissolveChat", chat: { id: view.chat.id } })
  yield* audit("rtm.conversation.delete", { actor: context.payer, user: actor.account, group: view.chat.gid })
  return {}
})
