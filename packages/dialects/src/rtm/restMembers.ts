/** Members of a conversation for app servers, and those who have muted it, are silenced, or are blocked. */
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import { type Command, Cmd } from "./codec.ts"
import type { CommandContext, CommandHandler, HandlerFailure } from "./context.ts"
import { clientIds, namedUsers } from "./conversations.ts"
import { Code, fail } from "./errors.ts"
import { conversationId } from "./ids.ts"
import { blockClients, knownUsers, queryBlocked, querySilenced, silenceMembers } from "./moderation.ts"
import { changed } from "./restConversations.ts"
import {
  actingAs,
  clientIdsIn,
  integerIn,
  reachedConversation,
  type RestContext,
  type RestOperation
} from "./restRequest.ts"

/** Concurrent reads. */
const CONCURRENCY = 8

export const listMembers: RestOperation = Effect.fnUntraced(function* (context) {
  const { view } = yield* reachedConversation(context)
  return { result: clientIds(context, view.chat) }
})

export const addMembers: RestOperation = Effect.fnUntraced(function* (context) {
  const { view, actor } = yield* reachedConversation(context)
  const acting = actingAs(context, actor)
  const users = yield* namedUsers(acting, yield* clientIdsIn(context))
  const members = users.map(({ id }) => id)
  return changed((yield* acting.run({ _tag: "AddMembers", chat: { id: view.chat.id }, members })).chat)
})

/** The owner may be removed as well: ownership passes. */
export const removeMembers: RestOperation = Effect.fnUntraced(function* (context) {
  const { view, actor } = yield* reachedConversation(context)
  const acting = actingAs(context, actor)
  const users = yield* knownUsers(acting, yield* clientIdsIn(context))
  const remove = users.map(({ id }) => id)
  return changed((yield* acting.run({ _tag: "ReviseGroup", chat: { id: view.chat.id }, remove })).chat)
})

/** Returns the named members; fails before anything is changed if the app may not act as one of them. */
const ownMembers = Effect.fnUntraced(function* (
  { deps, appId, app }: RestContext,
  acting: CommandContext,
  chat: ReadonlyMap<User["id"], unknown>,
  ids: ReadonlyArray<string>
): Effect.fn.Return<ReadonlyArray<User>, HandlerFailure> {
  const users = yield* knownUsers(acting, ids)
  for (const user of users) {
    if (!chat.has(user.id) || !(yield* deps.clients.mayBe(appId, app, user))) {
      return yield* fail(Code.membershipRequired, `${user.account} is not a member, or not a client of the app.`)
    }
  }
  return users
})

/** A muted conversation is muted for a member, as if they had muted it themselves. */
export const muteFor = (mute: boolean): RestOperation =>
  Effect.fnUntraced(function* (context) {
    const { view, actor } = yield* reachedConversation(context)
    const ids = yield* clientIdsIn(context)
    const users = yield* ownMembers(context, actingAs(context, actor), view.chat.members, ids)
    for (const user of users) {
      yield* actingAs(context, user).run({ _tag: "SetPreference", chat: { id: view.chat.id }, mute })
    }
    return changed(view.chat)
  })

export const listMuted: RestOperation = Effect.fnUntraced(function* (context) {
  const { view } = yield* reachedConversation(context)
  const { deps, payer } = context
  const members = yield* deps.engine.context.users.findMany([...view.chat.members.keys()])
  deps.engine.limits.owe(payer, members.length)
  const muted = yield* Effect.filter(
    members,
    ({ id }) =>
      Effect.map(deps.store.preferences(id), (all) => all.some(({ chat, mute }) => mute && chat === view.chat.id)),
    { concurrency: CONCURRENCY }
  )
  return { result: muted.map(({ account }) => account) }
})

const commandFor = (cid: string, clients: ReadonlyArray<string>): Command => ({
  conv: { cid, m: clients },
  blacklist: { srcCid: cid, toPids: clients }
})

const moderate = (handler: CommandHandler): RestOperation =>
  Effect.fnUntraced(function* (context) {
    const { view, actor } = yield* reachedConversation(context)
    const clients = yield* clientIdsIn(context)
    yield* handler(actingAs(context, actor, commandFor(conversationId(view.chat), clients)))
    return {}
  })

/** Returns one page of a list, with `next` if there are more. */
const listOf = (handler: CommandHandler): RestOperation =>
  Effect.fnUntraced(function* (context) {
    const { view, actor } = yield* reachedConversation(context)
    const cid = conversationId(view.chat)
    const limit = yield* integerIn(context, "limit")
    const next = context.query.get("next")
    const page = { ...(limit !== undefined && { limit }), ...(next !== undefined && { next }) }
    const { cmd, conv, blacklist } = yield* handler(
      actingAs(context, actor, { conv: { cid, ...page }, blacklist: { srcCid: cid, ...page } })
    )
    const [clients = [], after] =
      cmd === Cmd.blacklist ? [blacklist?.blockedPids, blacklist?.next] : [conv?.m, conv?.next]
    return { client_ids: clients, ...(after !== undefined && { next: after }) }
  })

/** Members who may not send until it is undone. */
export const silenced = {
  add: moderate(silenceMembers(true)),
  remove: moderate(silenceMembers(false)),
  list: listOf(querySilenced)
}

/** Clients who are removed, and cannot join until it is undone. */
export const blacklist = {
  add: moderate(blockClients(true)),
  remove: moderate(blockClients(false)),
  list: listOf(queryBlocked)
}
