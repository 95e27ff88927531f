/** Groups: creating, renaming, deleting, members in and out. Source: seeds/001, 创建群组 … 删除群成员. */
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
import { clientIds, foreignId, idNumber, nameIn, type Parameters, urlIn } from "./params.ts"
import { available, DIALECT, groupKind, put, type Records } from "./records.ts"
import type { Failure } from "./errors.ts"

/** What this protocol keeps with a chat. */
const ORGANIZATION = "hisihi.organization"
const CONVERSION = "hisihi.conversion"
const AVATAR = "hisihi.avatar"

/** What stands for an avatar that nobody gave. Source: PROTOCOLS, "hisihi". */
export const NO_AVATAR = "0"
const GID = 16

export interface GroupServices {
  readonly engine: Engine["Service"]
  readonly clients: Clients
  readonly records: Records
  readonly settings: EngineSettings
  readonly random: SecureRandom.SecureRandom["Service"]
}

/** One request: who asks, for what, and how commands of it are carried out. */
export interface Request {
  readonly principal: Principal
  readonly path: (name: string) => string | undefined
  readonly parameters: Parameters
  readonly perform: RunCommand
  /** Who pays for what it costs. */
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

/** The id of a group is the id of its chat. */
const groupId = ({ path }: Request): Effect.Effect<ChatId, Failure> =>
  Effect.map(idNumber("group_id", path("group_id")), ChatId)

/** The group, if the asker may do this to it: asked before anything is made that would outlast a refusal. */
const permitted = Effect.fnUntraced(function* (
  { engine }: GroupServices,
  { principal }: Request,
  id: ChatId,
  operation: Operation
): Effect.fn.Return<Chat, Refused> {
  const cached = yield* available(engine.context.chats.find({ id }))
  if (cached === undefined) return yield* refuse({ _tag: "NoSuchChat" })
  const refused = refusal(operation, principal.facts(cached.chat))
  return refused === undefined ? cached.chat : yield* refuse(refused.reason)
})

const members = ({ settings }: GroupServices, { parameters }: Request) =>
  clientIds("member_client_ids", parameters("member_client_ids"), settings)

export const createGroup = Effect.fnUntraced(function* (services: GroupServices, request: Request) {
  const { parameters, perform, principal } = request
  const group_name = yield* nameIn(parameters, "group_name", services.settings.name)
  const ids = yield* members(services, request)
  const organization_id = yield* idNumber("organization_id", parameters("organization_id"))
  const conversion_id = yield* foreignId("conversion_id", parameters("conversion_id"))
  const avatar = yield* urlIn(parameters, "group_avatar")
  const gid = `${DIALECT}-${Hex.encode(yield* services.random.randomBytes(GID))}`
  const command = {
    _tag: "CreateChat",
    gid,
    name: group_name,
    type: "group",
    members: yield* services.clients.all(principal, ids, organization_id),
    subject: 0,
    public: false,
    attributes: {
      [ORGANIZATION]: organization_id,
      [CONVERSION]: conversion_id,
      ...(avatar !== "" && { [AVATAR]: avatar })
    },
    via: DIALECT
  } as const
  const { chat } = yield* claimRecord(services.records, conversion_id, gid, (claim) =>
    perform(principal.caller, command, [put(groupKind(organization_id), gid, {}), ...claim])
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

export const renameGroup = Effect.fnUntraced(function* (services: GroupServices, request: Request) {
  const id = yield* groupId(request)
  const group_name = yield* nameIn(request.parameters, "group_name", services.settings.name)
  yield* request.perform(request.principal.caller, { _tag: "RenameChat", chat: { id }, name: group_name })
  return { group_name }
})

export const deleteGroup = Effect.fnUntraced(function* (
  services: GroupServices,
  request: Request
): Effect.fn.Return<void, Failure | Refused> {
  const id = yield* groupId(request)
  const chat = yield* permitted(services, request, id, "dissolve")
  const organization = organizationOf(chat)
  const index = chat.attributes[VIA] === DIALECT && organization !== null
  yield* request.perform(
    request.principal.caller,
    { _tag: "DissolveChat", chat: { id } },
    index ? [put(groupKind(organization), chat.gid, null)] : []
  )
})

export const addMembers = Effect.fnUntraced(function* (services: GroupServices, request: Request) {
  const group_id = yield* groupId(request)
  const ids = yield* members(services, request)
  const chat = yield* permitted(services, request, group_id, "addMembers")
  const users = yield* services.clients.all(request.principal, ids, organizationOf(chat))
  yield* request.perform(request.principal.caller, { _tag: "AddMembers", chat: { id: group_id }, members: users })
  return { group_id, member_client_ids: ids.join(":") }
})

/** Who is no member stays none, and who is unknown is no member. */
export const removeMembers = Effect.fnUntraced(function* (
  services: GroupServices,
  request: Request
): Effect.fn.Return<void, Failure | Refused> {
  const id = yield* groupId(request)
  const ids = yield* members(services, request)
  yield* permitted(services, request, id, "removeMembers")
  const users = yield* services.clients.known(ids)
  if (users.length === 0) return
  yield* request.perform(request.principal.caller, { _tag: "RemoveMembers", chat: { id }, members: users })
})

/** The groups of an organisation that the asker sees, by id. */
export const groupsOf = Effect.fnUntraced(function* (
  { engine }: GroupServices,
  { principal }: Request,
  gids: ReadonlyArray<string>
): Effect.fn.Return<ReadonlyArray<Chat>, Refused> {
  const found = yield* Effect.forEach(gids, (gid) => available(engine.context.chats.find({ gid })))
  return found
    .flatMap((cached) =>
      cached !== undefined && refusal("see", principal.facts(cached.chat)) === undefined ? [cached.chat] : []
    )
    .toSorted((a, b) => a.id - b.id)
})
