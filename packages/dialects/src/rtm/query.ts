/** Queries of conversations, by conditions on their fields: among those named by id, otherwise among the client's own. */
import { type Chat, expiryOf, isMember } from "@parley/core/Chat"
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
import type { CommandContext, Handler } from "./context.ts"
import { type EncodingFacts, iso } from "./encode.ts"
import { Code, fail, type Failure } from "./errors.ts"
import { chatRef, conversationId, isTemporaryId, messageId } from "./ids.ts"
import { loadUsers } from "./loadUsers.ts"
import { MAX_SORT, orderBy } from "./orderBy.ts"
import { compileWhere, type Document, type Matches } from "./where.ts"

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 1000
/** Bits of `flag`: without members, with the last message. */
const COMPACT = 1
const WITH_LAST_MESSAGE = 2

export const invalidWhere = (problem: string): Failure => fail(Code.queryFailed, `where ${problem}.`)

interface Where {
  readonly matches: Matches
  /** Ids of which the conversation's must be one; undefined if any. */
  readonly ids: ReadonlyArray<string> | undefined
}

/** Parses `where`, as JSON. */
export const parseWhere = (data = "{}"): Effect.Effect<Where, Failure> =>
  Effect.suspend(() => {
    const problem = jsonProblem(data, JSON_LIMITS)
    if (problem !== undefined) return invalidWhere(problem)
    let where: unknown
    try {
      where = JSON.parse(data)
    } catch {
      return invalidWhere("is not JSON")
    }
    const matches = compileWhere(where)
    if (typeof matches !== "function") return invalidWhere(matches.problem)
    return Effect.succeed({ matches, ids: idsIn((where as Document)["objectId"]) })
  })

const idsIn = (condition: unknown): ReadonlyArray<string> | undefined => {
  if (typeof condition === "string") return [condition]
  const { $in } = (condition ?? {}) as { readonly $in?: unknown }
  return Array.isArray($in) ? $in.filter((one): one is string => typeof one === "string") : undefined
}

/** A conversation that a query has found. */
interface Found {
  readonly view: ChatView
  readonly fields: Document
}

/** `query` of conversations: those named by id that the client can see, otherwise its own. */
export const queryConversations: Handler = Effect.fnUntraced(function* (context) {
  const { deps, command } = context
  const { where, sort = "", limit = DEFAULT_LIMIT, skip = 0, flag = 0, tempConvIds = [] } = command.conv ?? {}
  const { ids: named, matches } = yield* parseWhere(where?.data)
  const ids = tempConvIds.length > 0 ? tempConvIds.filter(isTemporaryId) : named
  const order = orderBy(sort === "" ? "-lm" : sort)
  if (order === undefined) return yield* fail(Code.queryFailed, `sort may have at most ${MAX_SORT} keys.`)
  if (skip < 0 || limit < 0) return yield* fail(Code.queryFailed, "skip and limit must not be negative.")
  const candidates = yield* candidatesOf(context, ids)
  yield* loadUsers(
    deps,
    candidates.flatMap(({ chat }) => [chat.createdBy, ...chat.members.keys()])
  )
  const muted = new Set((yield* deps.store.preferences(context.user.id)).flatMap((one) => (one.mute ? [one.chat] : [])))
  const found = candidates
    .map((view): Found => ({ view, fields: fieldsOf(context, view, muted.has(view.chat.id)) }))
    .filter(({ fields, view }) => matches({ ...fields, attr: attributesOf(view.chat) }))
    .sort((one, other) => order(one.fields, other.fields))
  const results: Array<unknown> = []
  for (const { fields, view } of found.slice(skip, skip + Math.min(limit, MAX_LIMIT))) {
    const last = (flag & WITH_LAST_MESSAGE) === 0 ? undefined : yield* lastMessage(context, view)
    const { m: members, ...compact } = fields
    results.push({
      ...compact,
      ...((flag & COMPACT) === 0 && { m: members }),
      ...(last !== undefined && lastFields(last, deps.facts))
    })
  }
  return { cmd: Cmd.conv, op: Op.results, conv: { results: { data: JSON.stringify(results) } } }
})

/** Returns the chats among which a query looks. Ids of chats that the client cannot see are left out. */
const candidatesOf = Effect.fnUntraced(function* (
  { run }: CommandContext,
  ids: ReadonlyArray<string> | undefined
): Effect.fn.Return<ReadonlyArray<ChatView>, Failure | Refused> {
  // Temporary conversations are found by their ids only.
  if (ids === undefined) return (yield* run({ _tag: "ListChats" })).filter(({ chat }) => !isTemporaryId(chat.gid))
  if (ids.length > MAX_LIMIT) return yield* invalidWhere(`must name at most ${MAX_LIMIT} conversations`)
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

const lastMessage = Effect.fnUntraced(function* (
  { deps, user }: CommandContext,
  { chat, head }: ChatView
): Effect.fn.Return<Message | undefined, StorageFailed> {
  // Clients beside the members see a public conversation without its messages.
  if (head.posted === 0 || !isMember(chat, user.id)) return undefined
  const [last] = yield* deps.store.history(chat.id, { from: head.posted, to: head.posted, hiddenFrom: user.id })
  if (last !== undefined) yield* loadUsers(deps, [last.sender])
  return last
})

/** A conversation as clients see it, with all its members. */
const fieldsOf = (context: CommandContext, view: ChatView, muted: boolean): Document => ({
  ...conversationFields(context, view),
  muted,
  mu: muted ? [context.user.account] : []
})

/** Fields of a temporary conversation, with the rest of its lifetime in seconds. */
const temporaryFields = (chat: Chat, now: number): Document => ({
  temp: true,
  ttl: Math.max(1, Math.ceil(((expiryOf(chat) ?? now) - now) / 1000))
})

/** A conversation with all its members, without the flags of a client. */
export const conversationFields = (context: Pick<CommandContext, "deps">, { chat, head }: ChatView): Document => ({
  ...attributesOf(chat),
  objectId: conversationId(chat),
  c: context.deps.facts.clientOf(chat.createdBy),
  m: clientIds(context, chat),
  ...(chat.type === "system" && { sys: true }),
  ...(isTemporaryId(chat.gid) && temporaryFields(chat, context.deps.clock.currentTimeMillisUnsafe())),
  createdAt: iso(chat.createdAt),
  updatedAt: iso(Math.max(chat.createdAt, chat.editedAt)),
  ...(head.activeAt > 0 && { lm: { __type: "Date", iso: iso(head.activeAt) } })
})

const lastFields = (message: Message, { clientOf, linkOf }: EncodingFacts): Readonly<Record<string, unknown>> => {
  const { msg, binaryMsg } = toWire(message, linkOf)
  return {
    msg: binaryMsg === undefined ? msg : Base64.encode(binaryMsg),
    bin: binaryMsg !== undefined,
    msg_from: clientOf(message.sender),
    msg_mid: messageId(message),
    msg_timestamp: message.date
  }
}
