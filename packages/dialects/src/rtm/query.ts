/** Queries of conversations: by id, by members, or all of the client's own. */
import { type Chat, isMember } from "@parley/core/Chat"
import type { ChatView } from "@parley/core/Command"
import type { Message } from "@parley/core/Message"
import type { Refused } from "@parley/core/Refused"
import type { StorageFailed } from "@parley/core/Store"
import * as Base64 from "effect/encoding/Base64"
import * as Effect from "effect/Effect"
import { JSON_LIMITS, jsonProblem } from "../_http/jsonLimits.ts"
import { attributesOf } from "./attributes.ts"
import { Cmd, Op } from "./codec.ts"
import { toWire } from "./content.ts"
import { clientIds } from "./conversations.ts"
import type { Handler, RequestContext } from "./context.ts"
import { iso } from "./encode.ts"
import { Code, fail, type Failure, unsupported } from "./errors.ts"
import { chatRef, conversationId, messageId } from "./ids.ts"

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 1000
/** Bits of `flag`: without members, with the last message. */
const COMPACT = 1
const WITH_LAST_MESSAGE = 2

/** Conditions that a query may have. */
interface Where {
  readonly ids?: ReadonlyArray<string>
  /** All of them are members. */
  readonly members?: ReadonlyArray<string>
  readonly size?: number
}

const invalid = (problem: string): Failure => fail(Code.queryFailed, `where ${problem}.`)

const texts = (value: unknown): ReadonlyArray<string> | undefined =>
  Array.isArray(value) && value.every((one): one is string => typeof one === "string") ? value : undefined

/** Returns the named conditions; fails for others. */
export const parseWhere = (data = "{}"): Effect.Effect<Where, Failure> =>
  Effect.suspend(() => {
    const problem = jsonProblem(data, JSON_LIMITS)
    if (problem !== undefined) return invalid(problem)
    let where: unknown
    try {
      where = JSON.parse(data)
    } catch {
      return invalid("is not JSON")
    }
    if (typeof where !== "object" || where === null || Array.isArray(where)) return invalid("must be an object")
    let result: Where = {}
    for (const [key, condition] of Object.entries(where)) {
      const part = key === "objectId" ? byIds(condition) : key === "m" ? byMembers(condition) : undefined
      if (part === undefined) return unsupported(`this condition on ${key.slice(0, 64)}`)
      result = { ...result, ...part }
    }
    return Effect.succeed(result)
  })

const byIds = (condition: unknown): Where | undefined => {
  if (typeof condition === "string") return { ids: [condition] }
  const { $in, ...others } = (condition ?? {}) as { readonly $in?: unknown }
  const ids = texts($in)
  return ids === undefined || Object.keys(others).length > 0 ? undefined : { ids }
}

const byMembers = (condition: unknown): Where | undefined => {
  if (typeof condition === "string") return { members: [condition] }
  const { $all, $size, ...others } = (condition ?? {}) as { readonly $all?: unknown; readonly $size?: unknown }
  const members = $all === undefined ? [] : texts($all)
  if (members === undefined || Object.keys(others).length > 0) return undefined
  if ($size === undefined) return { members }
  return typeof $size === "number" ? { members, size: $size } : undefined
}

/** Orders by `sort`: newest message first by default. */
const compare = (sort: string): ((a: ChatView, b: ChatView) => number) | undefined => {
  const [, descending = "", key = ""] = /^(-?)(lm|createdAt|updatedAt)$/.exec(sort) ?? []
  const of: Readonly<Record<string, (view: ChatView) => number>> = {
    lm: ({ head }) => head.activeAt,
    createdAt: ({ chat }) => chat.createdAt,
    updatedAt: ({ chat }) => Math.max(chat.createdAt, chat.editedAt)
  }
  const value = of[key]
  if (value === undefined) return undefined
  return descending === "" ? (a, b) => value(a) - value(b) : (a, b) => value(b) - value(a)
}

/** `query` of conversations: those named by id that the client can see, otherwise its own. */
export const queryConversations: Handler = Effect.fnUntraced(function* (context) {
  const { deps, command } = context
  const { where, sort = "", limit = DEFAULT_LIMIT, skip = 0, flag = 0, tempConvIds = [] } = command.conv ?? {}
  if (tempConvIds.length > 0) return yield* unsupported("temporary conversations")
  const conditions = yield* parseWhere(where?.data)
  const order = compare(sort === "" ? "-lm" : sort)
  if (order === undefined) return yield* unsupported("this order")
  if (skip < 0 || limit < 0) return yield* fail(Code.queryFailed, "skip and limit must not be negative.")
  const candidates = yield* candidatesOf(context, conditions)
  const found = candidates.filter(({ chat }) => matches(context, chat, conditions)).sort(order)
  const page = found.slice(skip, skip + Math.min(limit, MAX_LIMIT))
  const muted = new Set((yield* deps.store.preferences(context.user.id)).flatMap((one) => (one.mute ? [one.chat] : [])))
  const results: Array<unknown> = []
  for (const view of page) {
    const last = (flag & WITH_LAST_MESSAGE) === 0 ? undefined : yield* lastMessage(context, view)
    results.push(toJson(context, view, { compact: (flag & COMPACT) !== 0, muted: muted.has(view.chat.id), last }))
  }
  return { cmd: Cmd.conv, op: Op.results, conv: { results: { data: JSON.stringify(results) } } }
})

/** Returns the chats among which a query looks. Ids of chats that the client cannot see are left out. */
const candidatesOf = Effect.fnUntraced(function* (
  { run }: RequestContext,
  { ids }: Where
): Effect.fn.Return<ReadonlyArray<ChatView>, Failure | Refused> {
  if (ids === undefined) return yield* run({ _tag: "ListChats" })
  if (ids.length > MAX_LIMIT) return yield* invalid(`must name at most ${MAX_LIMIT} conversations`)
  const views: Array<ChatView> = []
  for (const id of new Set(ids)) {
    const chat = chatRef(id)
    if (chat === undefined) continue
    const view = yield* run({ _tag: "ReadChat", chat }).pipe(
      Effect.catchTag("Refused", (refused) =>
        refused.reason._tag === "NoSuchChat" ? Effect.undefined : Effect.fail(refused)
      )
    )
    if (view !== undefined) views.push(view)
  }
  return views
})

const matches = (context: RequestContext, chat: Chat, { members = [], size }: Where): boolean => {
  if (members.length === 0 && size === undefined) return true
  const clients = new Set(clientIds(context, chat))
  return members.every((one) => clients.has(one)) && (size === undefined || clients.size === size)
}

const lastMessage = Effect.fnUntraced(function* (
  { deps, user }: RequestContext,
  { chat, head }: ChatView
): Effect.fn.Return<Message | undefined, StorageFailed> {
  // Clients beside the members see a public conversation without its messages.
  if (head.posted === 0 || !isMember(chat, user.id)) return undefined
  const [last] = yield* deps.store.history(chat.id, { from: head.posted, to: head.posted, hiddenFrom: user.id })
  return last
})

const toJson = (
  context: RequestContext,
  { chat, head }: ChatView,
  { compact, muted, last }: { readonly compact: boolean; readonly muted: boolean; readonly last: Message | undefined }
): unknown => {
  const { clientOf } = context.deps.facts
  return {
    ...attributesOf(chat),
    objectId: conversationId(chat),
    c: clientOf(chat.createdBy),
    ...(!compact && { m: clientIds(context, chat) }),
    ...(chat.type === "system" && { sys: true }),
    muted,
    mu: muted ? [context.user.account] : [],
    createdAt: iso(chat.createdAt),
    updatedAt: iso(Math.max(chat.createdAt, chat.editedAt)),
    ...(head.activeAt > 0 && { lm: { __type: "Date", iso: iso(head.activeAt) } }),
    ...(last !== undefined && lastFields(last, clientOf(last.sender)))
  }
}

const lastFields = (message: Message, from: string): Readonly<Record<string, unknown>> => {
  const { msg, binaryMsg } = toWire(message)
  return {
    msg: binaryMsg === undefined ? msg : Base64.encode(binaryMsg),
    bin: binaryMsg !== undefined,
    msg_from: from,
    msg_mid: messageId(message.id),
    msg_timestamp: message.date
  }
}
