/** Roles of members of a conversation: its owner, managers (admins of the chat), and members. */
import type { Chat } from "@parley/core/Chat"
import { refuse } from "@parley/core/Refused"
import type { StorageFailed } from "@parley/core/Store"
import { adminsOf } from "@parley/core/rules/Membership"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { RouteHandler } from "../_http/protocolRoutes.ts"
import { commandRunner } from "../_http/runCommands.ts"
import { Cmd, Op } from "./codec.ts"
import type { CommandHandler, Deps } from "./context.ts"
import { namedChat } from "./conversations.ts"
import type { Role } from "./encode.ts"
import { Code, fail } from "./errors.ts"
import { conversationId } from "./ids.ts"
import { knownUsers } from "./moderation.ts"
import { failureResponse } from "./restErrors.ts"
import { sessionOf } from "./sessionToken.ts"

/** `member_info_update`: makes a member a manager or a member again, for the owner. */
export const updateMemberRole: CommandHandler = Effect.fnUntraced(function* (context) {
  const { command, run } = context
  const { cid, targetClientId, info = {} } = command.conv ?? {}
  const { pid = targetClientId ?? "", role } = info
  if (role === "Owner") return yield* fail(Code.ownerPromotionNotAllowed, "Ownership is not passed on by a role.")
  if (role !== "Manager" && role !== "Member") {
    return yield* fail(Code.conversationFailed, "role must be Manager or Member.")
  }
  const chat = yield* namedChat(cid)
  const members = (yield* knownUsers(context, [pid])).map(({ id }) => id)
  const { chat: after } = yield* run({ _tag: "PromoteMembers", chat, members, promoted: role === "Manager" })
  return { cmd: Cmd.conv, op: Op.memberInfoUpdated, conv: { cid: conversationId(after), info: { pid, role } } }
})

interface MemberInfo {
  readonly cid: string
  readonly clientId: string
  readonly role: Role
}

/** Returns the roles of the owner and the managers; others are members. */
const memberInfos = (
  chat: Chat,
  { engine }: Pick<Deps, "engine">
): Effect.Effect<ReadonlyArray<MemberInfo>, StorageFailed> =>
  Effect.map(engine.context.users.findMany(adminsOf(chat)), (users) =>
    users.map(({ id, account }) => ({
      cid: conversationId(chat),
      clientId: account,
      role: id === chat.owner ? "Owner" : "Manager"
    }))
  )

const conversationIn = (where: string): string | undefined => {
  try {
    const { cid } = (JSON.parse(where) ?? {}) as { readonly cid?: unknown }
    return typeof cid === "string" ? cid : undefined
  } catch {
    return undefined
  }
}

/** `GET /1.1/classes/_ConversationMemberInfo?where={"cid":…}`, for members, with the token of a session. */
export const listMemberInfos = (deps: Pick<Deps, "engine" | "sessions">): RouteHandler =>
  Effect.fnUntraced(function* (request, query) {
    const { user, device } = yield* sessionOf(deps, request, query)
    const cid = conversationIn(query.get("where") ?? "")
    if (cid === undefined) return failureResponse(fail(Code.queryFailed, "where must have cid, and nothing else."))
    const run = yield* commandRunner(deps.engine, user.id)
    const named = yield* Effect.result(namedChat(cid))
    if (named._tag === "Failure") return yield* refuse({ _tag: "NoSuchChat" })
    const { chat } = yield* run({ user: user.id, device }, { _tag: "ListMembers", chat: named.success })
    return HttpServerResponse.jsonUnsafe({ results: yield* memberInfos(chat, deps) })
  })
