/** Conversations: creation, members, attributes, simple queries. */
import { type Chat, MAX_LIFETIME, VIA, withParts } from "@parley/core/Chat"
import type { ChatRef } from "@parley/core/Command"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import type { User } from "@parley/core/User"
import { DIALECT } from "./apps.ts"
import { parseAttributes } from "./attributes.ts"
import { Cmd, type Command, Op } from "./codec.ts"
import type { CommandContext, CommandHandler, Handler, HandlerFailure } from "./context.ts"
import { iso } from "./encode.ts"
import { Code, fail, failureOf, unsupported } from "./errors.ts"
import { type Signature, type Signed, verifySignature } from "./verifySignature.ts"
import { chatRef, conversationId, newConversationId, RANDOM_BYTES, TEMPORARY_PREFIX } from "./ids.ts"
import { loadUsers } from "./loadUsers.ts"
import { importedUnique, uniqueId } from "./uniqueIds.ts"

const reply = (op: number, conv: Command["conv"]): Command => ({ cmd: Cmd.conv, op, conv: conv ?? {} })

/** Returns the chat that a command names. */
export const namedChat = (conversation: string | undefined): Effect.Effect<ChatRef, HandlerFailure> => {
  const ref = chatRef(conversation ?? "")
  return ref === undefined ? fail(Code.conversationNotFound, "There is no such conversation.") : Effect.succeed(ref)
}

/** Fails unless the command has the signature, if the app requires that. */
export const requireSignature = Effect.fnUntraced(function* (
  { deps, app, appId, user, command }: CommandContext,
  signed: Signed,
  signature: Signature = command.conv ?? {}
): Effect.fn.Return<void, HandlerFailure> {
  if (!app.signed.includes("conversation")) return
  const by = { app: appId, client: user.account, key: app.key }
  const now = yield* Clock.currentTimeMillis
  if (yield* verifySignature(deps.mac, by, signed, signature, now)) return
  return yield* fail(Code.conversationSignatureFailed, "The command is not signed.")
})

/** The change of members of a command, as it is signed. */
const membersChange = ({ conv }: Command, action: "invite" | "kick"): Signed => ({
  _tag: "Change",
  conversation: conv?.cid ?? "",
  members: conv?.m ?? [],
  action
})

/** Returns the users whom a command names; new client ids become users. */
export const namedUsers = Effect.fnUntraced(function* (
  { deps, user, appId, command }: CommandContext,
  clientIds: ReadonlyArray<string> = command.conv?.m ?? []
): Effect.fn.Return<ReadonlyArray<User>, HandlerFailure> {
  const ids = [...new Set(clientIds)]
  const { membersPerRequest } = deps.settings
  if (ids.length > membersPerRequest) {
    return yield* fail(Code.conversationFull, `A command may name at most ${membersPerRequest} clients.`)
  }
  const known = (yield* deps.engine.context.users.resolve(ids)).filter((one) => one !== undefined)
  // A new user costs as much as a command.
  if (known.length < ids.length) yield* deps.engine.limits.charge(user.id, ids.length - known.length)
  return known.length === ids.length ? known : yield* deps.clients.resolve(appId, ids)
})

/** Returns the lifetime of a temporary conversation in seconds; one day is the maximum and the default. */
const lifetimeOf = (ttl = 0): number => (ttl > 0 ? Math.min(ttl, MAX_LIFETIME) : MAX_LIFETIME)

/** `start`: a unique conversation is found by its members. */
export const startConversation: CommandHandler = Effect.fnUntraced(function* (context) {
  const { deps, user, app, command, run } = context
  const { conv = {} } = command
  if (conv.transient === true) return yield* unsupported("chat rooms")
  yield* requireSignature(context, { _tag: "Start", members: conv.m ?? [] })
  const { name = "", ...change } = yield* parseAttributes(conv.attr?.data, deps.settings)
  const users = yield* namedUsers(context)
  const members = [...new Set([user.id, ...users.map(({ id }) => id)])]
  const lifetime = conv.tempConv === true ? lifetimeOf(conv.tempConvTTL) : undefined
  const isUnique = conv.unique === true && lifetime === undefined
  const unique = isUnique ? yield* uniqueId(deps, members) : undefined
  const imported = unique === undefined ? undefined : yield* importedUnique(deps, unique)
  const isDirect = isUnique && imported === undefined && members.length === 2 && app.pairs === "direct"
  const now = yield* Clock.currentTimeMillis
  const { chat, created } = yield* run({
    _tag: "CreateChat",
    gid:
      imported ??
      unique ??
      (lifetime === undefined ? "" : TEMPORARY_PREFIX) +
        newConversationId(now, Hex.encode(yield* deps.random.randomBytes(RANDOM_BYTES))),
    name,
    type: isDirect ? "one2one" : "group",
    members,
    subject: 0,
    public: !isDirect && lifetime === undefined && app.conversations === "public",
    ...(lifetime !== undefined && { lifetime }),
    attributes: withParts(change.attributes, change.parts),
    via: DIALECT
  })
  // A chat of another protocol may have the id.
  if (!created && !isDirect && chat.attributes[VIA] !== DIALECT) {
    return yield* fail(Code.conversationFailed, "The id of this conversation is taken.")
  }
  yield* loadUsers(deps, chat.members.keys())
  const cid = conversationId(chat)
  return {
    ...reply(Op.started, {
      cid,
      cdate: iso(chat.createdAt),
      m: clientIds(context, chat),
      ...(isUnique && { unique: true, uniqueId: cid }),
      ...(lifetime !== undefined && { tempConv: true, tempConvTTL: lifetime })
    }),
    serverTs: now
  }
})

/** The members' client ids, in the order of joining. */
export const clientIds = ({ deps }: Pick<CommandContext, "deps">, chat: Chat): ReadonlyArray<string> =>
  Array.from(chat.members.keys(), deps.facts.clientOf)

/** `add`: a client that names itself joins. */
export const addMembers: Handler = Effect.fnUntraced(function* (context) {
  const { user, command, run } = context
  yield* requireSignature(context, membersChange(command, "invite"))
  const chat = yield* namedChat(command.conv?.cid)
  const users = yield* namedUsers(context)
  if (users.length === 0) return yield* fail(Code.conversationFailed, "m must name at least one client.")
  const isJoin = users.every(({ id }) => id === user.id)
  const { chat: after } = yield* isJoin
    ? run({ _tag: "JoinChat", chat })
    : run({ _tag: "AddMembers", chat, members: users.map(({ id }) => id) })
  return reply(Op.added, { cid: conversationId(after), allowedPids: users.map(({ account }) => account) })
})

/** `remove`: a client that names itself leaves. */
export const removeMembers: Handler = Effect.fnUntraced(function* (context) {
  const { user, command, run } = context
  yield* requireSignature(context, membersChange(command, "kick"))
  const chat = yield* namedChat(command.conv?.cid)
  const users = yield* namedUsers(context)
  if (users.length === 0) return yield* fail(Code.conversationFailed, "m must name at least one client.")
  const isLeave = users.every(({ id }) => id === user.id)
  const { chat: after } = yield* isLeave
    ? run({ _tag: "LeaveChat", chat })
    : run({ _tag: "RemoveMembers", chat, members: users.map(({ id }) => id) })
  return reply(Op.removed, { cid: conversationId(after), allowedPids: users.map(({ account }) => account) })
})

/** `update`: changes attributes. */
export const updateConversation: CommandHandler = Effect.fnUntraced(function* ({ deps, command, run }) {
  const ref = yield* namedChat(command.conv?.cid)
  const change = yield* parseAttributes(command.conv?.attr?.data, deps.settings)
  const { chat: after } = yield* run({ _tag: "EditChat", chat: ref, ...change }).pipe(
    Effect.mapError(({ reason }) => failureOf(reason, { NotMember: Code.updateRejected, Invalid: Code.updateFailed }))
  )
  return reply(Op.updated, { cid: conversationId(after), udate: iso(Math.max(after.editedAt, after.createdAt)) })
})

/** `count` and `members`, for members. */
export const countMembers: Handler = Effect.fnUntraced(function* ({ command, run }) {
  const { chat, members } = yield* run({ _tag: "ListMembers", chat: yield* namedChat(command.conv?.cid) })
  return reply(Op.result, { cid: conversationId(chat), count: members.length })
})

export const listMembers: Handler = Effect.fnUntraced(function* ({ command, run }) {
  const { chat, members } = yield* run({ _tag: "ListMembers", chat: yield* namedChat(command.conv?.cid) })
  return reply(Op.result, { cid: conversationId(chat), m: members.map(({ account }) => account) })
})

/** `mute` and `unmute`: the user's own flag. */
export const muteConversation =
  (mute: boolean): Handler =>
  ({ command, run }) =>
    Effect.gen(function* () {
      const { chat } = yield* run({ _tag: "SetPreference", chat: yield* namedChat(command.conv?.cid), mute })
      return reply(Op.updated, { cid: conversationId(chat) })
    })
