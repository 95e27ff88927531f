/** Silencing members of a conversation and blocking clients from it, for its owner and admins. */
import { type Chat, flaggedUsers, isMember, type UserFlag } from "@parley/core/Chat"
import { refuse } from "@parley/core/Refused"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import { Cmd, Op } from "./codec.ts"
import type { CommandContext, CommandHandler, HandlerFailure } from "./context.ts"
import { namedChat, namedUsers, requireSignature } from "./conversations.ts"
import { Code, fail } from "./errors.ts"
import { conversationId } from "./ids.ts"

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 1000

/** Returns the users with these client ids; refuses unknown ones. */
export const knownUsers = Effect.fnUntraced(function* (
  { deps }: CommandContext,
  clientIds: ReadonlyArray<string> = []
): Effect.fn.Return<ReadonlyArray<User>, HandlerFailure> {
  const ids = [...new Set(clientIds)]
  const { membersPerRequest } = deps.settings
  if (ids.length > membersPerRequest) {
    return yield* fail(Code.conversationFull, `A command may name at most ${membersPerRequest} clients.`)
  }
  const found = yield* deps.engine.context.users.resolve(ids)
  const missing = ids.filter((_, index) => found[index] === undefined)
  if (missing.length > 0) return yield* refuse({ _tag: "NoSuchUsers", users: missing })
  return found.flatMap((user) => (user === undefined ? [] : [user]))
})

/** `add_shutup` and `remove_shutup`: takes effect for all named clients or for none. */
export const silenceMembers =
  (silenced: boolean): CommandHandler =>
  (context) =>
    Effect.gen(function* () {
      const { command, run } = context
      const chat = yield* namedChat(command.conv?.cid)
      const users = yield* knownUsers(context, command.conv?.m)
      const members = users.map(({ id }) => id)
      const { chat: after } = yield* run({ _tag: "SilenceMembers", chat, members, silenced })
      return {
        cmd: Cmd.conv,
        op: silenced ? Op.shutupAdded : Op.shutupRemoved,
        conv: { cid: conversationId(after), allowedPids: users.map(({ account }) => account) }
      }
    })

interface Page {
  readonly clients: ReadonlyArray<string>
  /** Start of the next page; undefined on the last one. */
  readonly next?: string
}

/** Returns the clients with a flag by the ids of their users, after the user `next`. */
const flaggedClients = Effect.fnUntraced(function* (
  { deps }: CommandContext,
  { attributes }: Chat,
  flag: UserFlag,
  { limit = DEFAULT_LIMIT, next = "" }: { readonly limit?: number | undefined; readonly next?: string | undefined }
): Effect.fn.Return<Page, HandlerFailure> {
  if (!/^\d{0,15}$/.test(next)) return yield* fail(Code.queryFailed, "next must be that of an earlier reply.")
  const size = limit > 0 ? Math.min(limit, MAX_LIMIT) : DEFAULT_LIMIT
  const rest = flaggedUsers(attributes, flag).filter((user) => user > Number(next))
  const users = yield* deps.engine.context.users.findMany(rest.slice(0, size))
  const clients = users.map(({ account }) => account)
  return rest.length > size ? { clients, next: String(rest[size - 1]) } : { clients }
})

/** Returns the chat that a command names, for its members. */
const ownChat = Effect.fnUntraced(function* (
  { run, user }: CommandContext,
  conversation: string | undefined
): Effect.fn.Return<Chat, HandlerFailure> {
  const { chat } = yield* run({ _tag: "ReadChat", chat: yield* namedChat(conversation) })
  return isMember(chat, user.id) ? chat : yield* refuse({ _tag: "NotMember" })
})

/** `query_shutup`, for members. */
export const querySilenced: CommandHandler = Effect.fnUntraced(function* (context) {
  const { conv = {} } = context.command
  const chat = yield* ownChat(context, conv.cid)
  const { clients, ...next } = yield* flaggedClients(context, chat, "silenced", conv)
  return { cmd: Cmd.conv, op: Op.shutupResult, conv: { cid: conversationId(chat), m: clients, ...next } }
})

/** `block` and `unblock` of a blacklist: a blocked client is removed, and cannot join or be added. */
export const blockClients =
  (blocked: boolean): CommandHandler =>
  (context) =>
    Effect.gen(function* () {
      const { command, run } = context
      const { srcCid = "", toPids = [], ...signature } = command.blacklist ?? {}
      const action = blocked ? "conversation-block-clients" : "conversation-unblock-clients"
      const signed = { _tag: "Change", conversation: srcCid, members: toPids, action } as const
      yield* requireSignature(context, signed, signature)
      const chat = yield* namedChat(srcCid)
      // A client that is blocked before its first login becomes a user.
      const users = yield* blocked ? namedUsers(context, toPids) : knownUsers(context, toPids)
      const ids = users.map(({ id }) => id)
      const { chat: after } = yield* run({ _tag: "BlockUsers", chat, users: ids, blocked })
      return {
        cmd: Cmd.blacklist,
        op: blocked ? Op.blocked : Op.unblocked,
        blacklist: { srcCid: conversationId(after), allowedPids: users.map(({ account }) => account) }
      }
    })

/** `query` of a blacklist, for members. */
export const queryBlocked: CommandHandler = Effect.fnUntraced(function* (context) {
  const { blacklist = {} } = context.command
  const chat = yield* ownChat(context, blacklist.srcCid)
  const { clients, ...next } = yield* flaggedClients(context, chat, "blocked", blacklist)
  return {
    cmd: Cmd.blacklist,
    op: Op.queryResult,
    blacklist: { srcCid: conversationId(chat), blockedPids: clients, ...next }
  }
})
