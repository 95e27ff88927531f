/**
 * Groups of the app's organisation: the same chats as sessions, changed by the app itself instead of a user that it names.
 * Source: PROTOCOLS, "youdu"; the public documentation, "群管理".
 */
import { audit } from "@parley/core/Audit"
import type { Chat } from "@parley/core/Chat"
import type { Engine } from "@parley/core/Engine"
import type { AppCaller } from "@parley/core/Event"
import type { ChatId } from "@parley/core/Ids"
import type { Refused } from "@parley/core/Refused"
import { knownUser, reachable } from "@parley/core/rules/AppScope"
import { costOfUsers } from "@parley/core/rules/Cost"
import type { EngineSettings } from "@parley/core/Settings"
import type { StorageFailed, Store } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import { type Fields, invalid, text } from "../_http/fields.ts"
import type { RouteTable } from "../_http/protocolRoutes.ts"
import { isHead, type Operations, type RequestContext } from "./operations.ts"
import { listJson } from "./listJson.ts"
import { account, accounts, type Lengths, nameOf } from "./params.ts"
import type { Profiles } from "./profiles.ts"
import { DIALECT } from "./apps.ts"
import { wordsOf } from "./responses.ts"
import { groupNamed, knownUsers } from "./targets.ts"

export interface GroupDeps {
  readonly engine: Engine["Service"]
  readonly store: Store["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly profiles: Profiles
  readonly settings: EngineSettings
  readonly lengths: Lengths
}

/** Kind of the records of groups that apps created, by gid: a group without members is in no user's list. */
const KIND = "group"
/** Maximum number of users of an organisation whose groups are listed together. */
const MAX_LISTED_USERS = 2000
/** Lists of groups that are read at once. */
const CONCURRENCY = 16

const WORDS = wordsOf(
  "group",
  { members: "userList" },
  {
    NoSuchChat: "id: there is no such group.",
    CannotRemoveOwner: "userList: the owner cannot be removed.",
    Forbidden: "The group has no admin in the app's organisation.",
    SendForbidden: "No member of the app's organisation may speak in this group."
  }
)

const callerOf = ({ scope }: RequestContext): AppCaller => ({ app: scope, device: null })

const record = (gid: string, value: {} | null) =>
  ({ _tag: "PutRecord", record: { dialect: DIALECT, kind: KIND, key: gid, value } }) as const

const groupFor = (
  { engine }: GroupDeps,
  { scope, fields }: RequestContext
): Effect.Effect<Chat, Refused | StorageFailed> =>
  Effect.flatMap(text(fields, "id"), (gid) => groupNamed(engine, scope, gid))

const auditGroup = ({ principal }: RequestContext, act: string, chat: Chat): Effect.Effect<void> =>
  audit(`youdu.group.${act}`, { actor: principal.payer, group: chat.gid })

const createGroup = Effect.fnUntraced(function* (deps: GroupDeps, context: RequestContext) {
  const name = yield* nameOf(context.fields, "name", deps.lengths)
  const gid = yield* deps.random.uuidV4()
  const { chat } = yield* context.runCommand(
    callerOf(context),
    { _tag: "CreateChat", gid, name, type: "group", members: [], subject: 0, public: false },
    [record(gid, {})]
  )
  yield* auditGroup(context, "create", chat)
  return { id: chat.gid }
})

const deleteGroup = Effect.fnUntraced(function* (deps: GroupDeps, context: RequestContext) {
  if (isHead(context)) return {}
  const { fields } = context
  // One SDK sends `groupId`.
  const chat = yield* groupFor(deps, { ...context, fields: { id: fields["groupId"], ...fields } })
  yield* context.runCommand(callerOf(context), { _tag: "DissolveChat", chat: { id: chat.id } }, [
    record(chat.gid, null)
  ])
  yield* auditGroup(context, "delete", chat)
  return {}
})

const updateGroup = Effect.fnUntraced(function* (deps: GroupDeps, context: RequestContext) {
  yield* text(context.fields, "id")
  const name = yield* nameOf(context.fields, "name", deps.lengths)
  const chat = yield* groupFor(deps, context)
  yield* context.runCommand(callerOf(context), { _tag: "RenameChat", chat: { id: chat.id }, name })
  yield* auditGroup(context, "update", chat)
  return {}
})

const groupInfo = Effect.fnUntraced(function* (deps: GroupDeps, context: RequestContext) {
  const chat = yield* groupFor(deps, context)
  const members = yield* deps.engine.context.users.findMany([...chat.members.keys()])
  deps.engine.limits.owe(context.principal.payer, costOfUsers(members.length))
  const profiles = yield* deps.profiles.of(members)
  const admin = members.find(({ id }) => id === chat.owner)?.account ?? ""
  // The numbers of users of other organisations are not for the app, although the group shows their names.
  const json = (user: User) => ({
    account: user.account,
    name: user.realname,
    mobile: knownUser.check(context.scope, user) ? (profiles.get(user.account)?.mobile ?? "") : ""
  })
  return yield* listJson("members", members, json, { id: chat.gid, name: chat.name, admin })
})

/** Lists the groups of one user, or those of all users of the organisation and those that apps created for it. */
const listGroups = Effect.fnUntraced(function* (deps: GroupDeps, context: RequestContext) {
  const { engine, store } = deps
  const { scope, fields } = context
  const named = fields["userId"] !== undefined && fields["userId"] !== ""
  const users = named
    ? yield* knownUsers(engine, scope, "userId", [yield* account(fields, "userId", deps.lengths)])
    : (yield* engine.context.users.all).filter((user) => knownUser.check(scope, user))
  if (users.length > MAX_LISTED_USERS) {
    return yield* invalid("userId", `is required, since the app has more than ${MAX_LISTED_USERS} users`)
  }
  const ids = new Set<ChatId>()
  for (const chats of yield* Effect.forEach(users, ({ id }) => store.chatsOf(id), { concurrency: CONCURRENCY })) {
    for (const id of chats) ids.add(id)
  }
  const found = yield* engine.context.chats.findMany([...ids])
  const created = named
    ? []
    : yield* Effect.forEach(yield* store.records(DIALECT, KIND), ({ key }) => engine.context.chats.find({ gid: key }), {
        concurrency: CONCURRENCY
      })
  const groups = new Map<ChatId, Chat>()
  for (const cached of [...found, ...created]) {
    if (cached === undefined || groups.has(cached.chat.id)) continue
    const members = yield* engine.context.users.findMany([...cached.chat.members.keys()])
    if (reachable.check({ scope, chat: cached.chat, members }) === undefined) groups.set(cached.chat.id, cached.chat)
  }
  engine.limits.owe(context.principal.payer, costOfUsers(users.length + groups.size))
  const sorted = Array.from(groups.values()).toSorted((a, b) => a.id - b.id)
  return yield* listJson("groupList", sorted, ({ gid, name }) => ({ id: gid, name }))
})

const addMembers = Effect.fnUntraced(function* (deps: GroupDeps, context: RequestContext) {
  const named = yield* membersIn(deps, context.fields)
  const chat = yield* groupFor(deps, context)
  const users = yield* knownUsers(deps.engine, context.scope, "userList", named)
  yield* context.runCommand(callerOf(context), {
    _tag: "AddMembers",
    chat: { id: chat.id },
    members: users.map(({ id }) => id)
  })
  yield* auditGroup(context, "addmember", chat)
  return {}
})

/** Users of other organisations are known as members of the group. */
const removeMembers = Effect.fnUntraced(function* (deps: GroupDeps, context: RequestContext) {
  const named = yield* membersIn(deps, context.fields)
  const chat = yield* groupFor(deps, context)
  const users = yield* knownUsers(deps.engine, context.scope, "userList", named, chat)
  yield* context.runCommand(callerOf(context), {
    _tag: "RemoveMembers",
    chat: { id: chat.id },
    members: users.map(({ id }) => id)
  })
  yield* auditGroup(context, "delmember", chat)
  return {}
})

const isMember = Effect.fnUntraced(function* (deps: GroupDeps, context: RequestContext) {
  yield* text(context.fields, "id")
  const named = yield* account(context.fields, "userId", deps.lengths)
  const chat = yield* groupFor(deps, context)
  const [user] = yield* knownUsers(deps.engine, context.scope, "userId", [named], chat)
  return { belong: user !== undefined && chat.members.has(user.id) }
})

const membersIn = Effect.fnUntraced(function* (
  { settings, lengths }: GroupDeps,
  fields: Fields
): Effect.fn.Return<ReadonlyArray<string>, Refused> {
  yield* text(fields, "id")
  const named = yield* accounts(fields, "userList", settings.membersPerRequest, lengths)
  return named.length === 0 ? yield* invalid("userList", "must name at least one user") : named
})

export const groupRoutes = (deps: GroupDeps, { inBody, inQuery }: Operations): RouteTable => ({
  "/cgi/group/create": { POST: inBody((context) => createGroup(deps, context), WORDS) },
  "/cgi/group/delete": { GET: inQuery(["id", "groupId"], (context) => deleteGroup(deps, context), WORDS) },
  "/cgi/group/update": { POST: inBody((context) => updateGroup(deps, context), WORDS) },
  "/cgi/group/info": { GET: inQuery(["id"], (context) => groupInfo(deps, context), WORDS) },
  "/cgi/group/list": { GET: inQuery(["userId"], (context) => listGroups(deps, context), WORDS) },
  "/cgi/group/addmember": { POST: inBody((context) => addMembers(deps, context), WORDS) },
  "/cgi/group/delmember": { POST: inBody((context) => removeMembers(deps, context), WORDS) },
  "/cgi/group/ismember": { GET: inQuery(["id", "userId"], (context) => isMember(deps, context), WORDS) }
})
