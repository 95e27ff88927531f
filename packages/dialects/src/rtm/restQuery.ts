/** Queries of an app's conversations: of those named by id or by a member, otherwise of all its clients. */
import type { ChatView } from "@parley/core/Command"
import type { ChatId } from "@parley/core/Ids"
import { costOfUsers } from "@parley/core/rules/Cost"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import { isFields } from "../_http/fields.ts"
import { attributesOf } from "./attributes.ts"
import type { HandlerFailure } from "./context.ts"
import { Code, fail } from "./errors.ts"
import { chatRef } from "./ids.ts"
import { loadUsers } from "./loadUsers.ts"
import { MAX_SORT, orderBy } from "./orderBy.ts"
import { conversationFields, invalidWhere, parseWhere } from "./query.ts"
import { actorIn, integerIn, isSet, type RestContext, type RestOperation } from "./restRequest.ts"

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000
/** Maximum number of clients whose conversations are looked at, and of these conversations. */
const MAX_CLIENTS = 2000
const MAX_CONVERSATIONS = 10_000
/** Concurrent reads. */
const CONCURRENCY = 8

/** Returns the texts that a field must be one of, or all of; undefined for other conditions. */
const namesIn = (condition: unknown): ReadonlyArray<string> | undefined => {
  if (typeof condition === "string") return [condition]
  if (!isFields(condition)) return undefined
  const list = condition["$in"] ?? condition["$all"]
  return Array.isArray(list) ? list.filter((one): one is string => typeof one === "string") : undefined
}

export const listConversations: RestOperation = Effect.fnUntraced(function* (context) {
  const { query, deps } = context
  const data = query.get("where") ?? "{}"
  const { ids, matches } = yield* parseWhere(data)
  const order = orderBy(query.get("order") ?? "-createdAt")
  if (order === undefined) return yield* fail(Code.queryFailed, `order may have at most ${MAX_SORT} keys.`)
  const skip = (yield* integerIn(context, "skip")) ?? 0
  const limit = Math.min((yield* integerIn(context, "limit")) ?? DEFAULT_LIMIT, MAX_LIMIT)
  const views = yield* ids === undefined
    ? conversationsOf(context, namesIn((JSON.parse(data) as Readonly<Record<string, unknown>>)["m"]))
    : conversationsNamed(context, ids)
  deps.engine.limits.owe(context.payer, costOfUsers(views.length))
  yield* loadUsers(
    deps,
    views.flatMap(({ chat }) => [chat.createdBy, ...chat.members.keys()])
  )
  const found = views
    .map((view) => ({ view, fields: conversationFields(context, view) }))
    .filter(({ view, fields }) => matches({ ...fields, attr: attributesOf(view.chat) }))
    .map(({ fields }) => fields)
    .sort(order)
  return { results: found.slice(skip, skip + limit), ...(isSet(context, "count") && { count: found.length }) }
})

const isListed = ({ chat }: ChatView): boolean => !chat.dissolved && chat.type !== "system"

const conversationsNamed = Effect.fnUntraced(function* (
  context: RestContext,
  ids: ReadonlyArray<string>
): Effect.fn.Return<ReadonlyArray<ChatView>, HandlerFailure> {
  if (ids.length > MAX_LIMIT) {
    return yield* invalidWhere(`must name at most ${MAX_LIMIT} conversations`)
  }
  const { chats } = context.deps.engine.context
  const views: Array<ChatView> = []
  for (const id of new Set(ids)) {
    const ref = chatRef(id)
    const view = ref === undefined ? undefined : yield* chats.find(ref)
    if (view !== undefined && isListed(view) && (yield* actorIn(context, view.chat)) !== undefined) views.push(view)
  }
  return views
})

/** Returns the conversations of these clients of the app, or of all. */
const conversationsOf = Effect.fnUntraced(function* (
  context: RestContext,
  members: ReadonlyArray<string> | undefined
): Effect.fn.Return<ReadonlyArray<ChatView>, HandlerFailure> {
  const { chats } = context.deps.engine.context
  const clients = yield* clientsOf(context, members)
  if (clients.length > MAX_CLIENTS) {
    return yield* invalidWhere(`must name objectId or m: the app has more than ${MAX_CLIENTS} clients`)
  }
  const { engine, store } = context.deps
  engine.limits.owe(context.payer, costOfUsers(clients.length))
  const ids = new Set<ChatId>()
  for (const own of yield* Effect.forEach(clients, ({ id }) => store.chatsOf(id), { concurrency: CONCURRENCY })) {
    for (const id of own) ids.add(id)
  }
  if (ids.size > MAX_CONVERSATIONS) {
    return yield* invalidWhere(`must name objectId or m: there are more than ${MAX_CONVERSATIONS} conversations`)
  }
  return (yield* chats.findMany([...ids])).filter(isListed)
})

const clientsOf = Effect.fnUntraced(function* (
  { deps, appId, app }: RestContext,
  members: ReadonlyArray<string> | undefined
): Effect.fn.Return<ReadonlyArray<User>, HandlerFailure> {
  const { users } = deps.engine.context
  if (members === undefined) return app.accounts === "all" ? yield* users.all : yield* deps.clients.ofApp(appId)
  const named = (yield* users.resolve([...new Set(members)].slice(0, MAX_CLIENTS))).filter((one) => one !== undefined)
  const own: Array<User> = []
  for (const user of named) if (yield* deps.clients.mayBe(appId, app, user)) own.push(user)
  return own
})
