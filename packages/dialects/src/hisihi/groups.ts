/** Creates, renames and deletes groups; adds and removes members. Source: seeds/001, 创建群组 … 删除群成员. */
import { type Chat, VIA } from "@parley/core/Chat"
import type { Engine } from "@parley/core/Engine"
import { ChatId } from "@parley/core/Ids"
import type { Payer } from "@parley/core/RateLimits"
import { refuse, type Refused } from "@parley/core/Refused"
import { type Operation, refusal } from "@parley/core/rules/Operations"
import type { EngineSettings } from "@parley/core/Settings"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import type { RunCommand } from "../_http/runCommands.ts"
import type { Principal } from "./auth.ts"
import type { Clients } from "./clients.ts"
import { claimRecord } from "./conversations.ts"
import { clientIds, externalId, idNumber, nameIn, type Parameters, urlIn } from "./params.ts"
import { orUnavailable, DIALECT, groupKind, put, type Records } from "./records.ts"
import type { Failure } from "./errors.ts"

/** Attributes of this protocol in a chat. */
const ORGANIZATION = "hisihi.organization"
const CONVERSION = "hisihi.conversion"
const AVATAR = "hisihi.avatar"

/** Placeholder for a missing avatar. Source: PROTOCOLS, "hisihi". */
export const NO_AVATAR = "0"
/** Name of a group that is created without one. Source: PROTOCOLS, "hisihi". */
const DEFAULT_NAME = "群聊"
/** Random bytes in a gid. */
const GID_SIZE = 16

export interface GroupDeps {
  readonly engine: Engine["Service"]
  readonly clients: Clients
  readonly records: Records
  readonly settings: EngineSettings
  readonly random: SecureRandom.SecureRandom["Service"]
}

/** Context of one request. */
export interface RequestContext {
  readonly principal: Principal
  readonly path: (name: string) => string | undefined
  readonly parameters: Parameters
  readonly runCommand: RunCommand
  /** Charged for the cost of the request. */
  readonly payer: Payer
}

export const organizationOf = ({ attributes }: Chat): number | null => {
  const organization = attributes[ORGANIZATION]
  return typeof organization === "number" ? organization : null
}

export const avatarOf = ({ attributes }: Chat): string => {
  const avatar = attributes[AVATAR]
  return typeof avatar === "string" && avatar !== "" ? avatar : NO_AVATAR
}

/** Reads the group id, which is the id of its chat. */
const groupId = ({ path }: RequestContext): Effect.Effect<ChatId, Failure> =>
  Effect.map(idNumber("group_id", path("group_id")), ChatId)

/** Returns the group if the caller may do this. Runs before any side effect that a refusal would not undo. */
const groupFor = Effect.fnUntraced(function* (
  { engine }: GroupDeps,
  { principal }: RequestContext,
  id: ChatId,
  operation: Operation
): Effect.fn.Return<Chat, Refused> {
  const cached = yield* orUnavailable(engine.context.chats.find({ id }))
  if (cached === undefined) return yield* refuse({ _tag: "NoSuchChat" })
  const limits = yield* orUnavailable(engine.context.visibility.limits(principal.user, cached.chat))
  const refused = refusal(operation, { ...principal.facts(cached.chat), ...limits })
  return refused === undefined ? cached.chat : yield* refuse(refused.reason)
})

const memberIds = ({ settings }: GroupDeps, { parameters }: RequestContext) =>
  clientIds("member_client_ids", parameters("member_client_ids"), settings)

export const createGroup = Effect.fnUntraced(function* (deps: GroupDeps, context: RequestContext) {
  const { parameters, runCommand, principal } = context
  const group_name =
    parameters("group_name") === undefined ? DEFAULT_NAME : yield* nameIn(parameters, "group_name", deps.settings.name)
  const ids = yield* memberIds(deps, context)
  const organization_id = yield* idNumber("organization_id", parameters("organization_id"))
  const conversion_id = yield* externalId("conversion_id", parameters("conversion_id"))
  const avatar = yield* urlIn(parameters, "group_avatar")
  const gid = `${DIALECT}-${Hex.encode(yield* deps.random.randomBytes(GID_SIZE))}`
  const command = {
    _tag: "CreateChat",
    gid,
    name: group_name,
    type: "group",
    members: yield* deps.clients.findOrCreate(principal, ids, organization_id),
    subject: 0,
    public: false,
    attributes: {
      [ORGANIZATION]: organization_id,
      [CONVERSION]: conversion_id,
      ...(avatar !== "" && { [AVATAR]: avatar })
    },
    via: DIALECT
  } as const
  const { chat } = yield* claimRecord(deps.records, conversion_id, gid, (claim) =>
    runCommand(principal.caller, command, [put(groupKind(organization_id), gid, {}), ...claim])
  )
  return {
    group_id: chat.id,
    group_name,
    member_client_ids: ids.join(":"),
    organization_id,
    conversion_id,
    group_avatar: avatarOf(chat)
  }
})

export const renameGroup = Effect.fnUntraced(function* (deps: GroupDeps, context: RequestContext) {
  const id = yield* groupId(context)
  const group_name = yield* nameIn(context.parameters, "group_name", deps.settings.name)
  yield* context.runCommand(context.principal.caller, { _tag: "RenameChat", chat: { id }, name: group_name })
  return { group_name }
})

export const deleteGroup = Effect.fnUntraced(function* (
  deps: GroupDeps,
  context: RequestContext
): Effect.fn.Return<void, Failure | Refused> {
  const id = yield* groupId(context)
  const chat = yield* groupFor(deps, context, id, "dissolve")
  const organization = organizationOf(chat)
  const index = chat.attributes[VIA] === DIALECT && organization !== null
  yield* context.runCommand(
    context.principal.caller,
    { _tag: "DissolveChat", chat: { id } },
    index ? [put(groupKind(organization), chat.gid, null)] : []
  )
})

export const addMembers = Effect.fnUntraced(function* (deps: GroupDeps, context: RequestContext) {
  const group_id = yield* groupId(context)
  const ids = yield* memberIds(deps, context)
  const chat = yield* groupFor(deps, context, group_id, "addMembers")
  const users = yield* deps.clients.findOrCreate(context.principal, ids, organizationOf(chat), chat)
  yield* context.runCommand(context.principal.caller, { _tag: "AddMembers", chat: { id: group_id }, members: users })
  return { group_id, member_client_ids: ids.join(":") }
})

/** Ids of non-members and unknown ids are ignored. */
export const removeMembers = Effect.fnUntraced(function* (
  deps: GroupDeps,
  context: RequestContext
): Effect.fn.Return<void, Failure | Refused> {
  const id = yield* groupId(context)
  const ids = yield* memberIds(deps, context)
  const chat = yield* groupFor(deps, context, id, "removeMembers")
  const users = yield* deps.clients.find(context.principal, ids, chat)
  if (users.length === 0) return
  yield* context.runCommand(context.principal.caller, { _tag: "RemoveMembers", chat: { id }, members: users })
})

/** Returns the groups that the caller may see, ordered by id. */
export const groupsOf = Effect.fnUntraced(function* (
  { engine }: GroupDeps,
  { principal }: RequestContext,
  gids: ReadonlyArray<string>
): Effect.fn.Return<ReadonlyArray<Chat>, Refused> {
  const { chats, visibility } = engine.context
  const found = yield* Effect.forEach(gids, (gid) => orUnavailable(chats.find({ gid })))
  const seen = found.flatMap((cached) =>
    cached !== undefined && refusal("see", principal.facts(cached.chat)) === undefined ? [cached.chat] : []
  )
  const open = seen.filter((chat) => chat.public)
  const visible = new Set(yield* orUnavailable(visibility.publicAmong(principal.user, open)))
  return seen.filter((chat) => !chat.public || visible.has(chat)).toSorted((a, b) => a.id - b.id)
})
