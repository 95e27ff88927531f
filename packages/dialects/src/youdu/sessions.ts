/**
 * Creates, returns and updates sessions, which are groups. Source: seeds/004; PROTOCOLS, "youdu".
 */
import type { Chat } from "@parley/core/Chat"
import type { Engine } from "@parley/core/Engine"
import type { UserId } from "@parley/core/Ids"
import { type Refused, refuse } from "@parley/core/Refused"
import { type AppScope, reachable } from "@parley/core/rules/AppScope"
import type { EngineSettings } from "@parley/core/Settings"
import type { StorageFailed } from "@parley/core/Store"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import { field, type Fields, invalid, text } from "../_http/fields.ts"
import type { RouteTable } from "../_http/protocolRoutes.ts"
import type { Operations, RequestContext } from "./operations.ts"
import { account, accounts, type Lengths, title } from "./params.ts"
import { actingUsers, groupNamed, usersNamed, usersSeen } from "./targets.ts"

/** The only session type. */
const MULTI = "multi"

/** A session in responses; fields in the documented order. */
export interface SessionJson {
  readonly sessionId: string
  readonly title: string
  /** Account of the present owner; "" without one. */
  readonly owner: string
  readonly creator: string
  readonly version: number
  readonly type: typeof MULTI
  /** Accounts, in the order of joining. */
  readonly member: ReadonlyArray<string>
}

export interface SessionDeps {
  readonly engine: Engine["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly settings: EngineSettings
  readonly lengths: Lengths
  /** Minimum number of members of a new session. */
  readonly minMembers: number
}

type SessionOperation = (
  deps: SessionDeps,
  context: RequestContext
) => Effect.Effect<SessionJson, Refused | StorageFailed>

const createSession: SessionOperation = Effect.fnUntraced(function* (
  deps,
  { scope, runCommand, fields, recordImpersonation }
) {
  const { lengths, minMembers } = deps
  const name = yield* title(fields, lengths)
  const creatorAccount = yield* account(fields, "creator", lengths)
  const type = field(fields, "type")
  if (type !== undefined && type !== MULTI) return yield* invalid("type", `must be ${MULTI}`)
  const named = yield* accounts(fields, "member", deps.settings.membersPerRequest, lengths)
  const [creator] = yield* usersNamed(deps.engine, "creator", [creatorAccount], actingUsers(deps.engine, scope))
  const others = yield* usersNamed(deps.engine, "member", named, usersSeen(deps.engine, creator))
  if (creator === undefined || creator.disabled) return yield* invalid("creator", "is disabled")
  const members = new Map([creator, ...others].map((user) => [user.id, user]))
  if (members.size < minMembers)
    return yield* invalid("member", `must be at least ${minMembers} users with the creator`)
  const refused = reachable.check({
    scope,
    chat: { type: "group", dissolved: false, attributes: {} },
    members: members.values()
  })
  if (refused !== undefined) return yield* invalid("member", "must contain a user of the app's organisation")
  const { chat } = yield* runCommand(
    { user: creator.id, device: null },
    {
      _tag: "CreateChat",
      gid: yield* deps.random.uuidV4(),
      name,
      type: "group",
      members: [...members.keys()],
      subject: 0,
      public: false
    }
  )
  yield* recordImpersonation(creator, "session.create")
  return yield* sessionJson(deps, chat)
})

const getSession: SessionOperation = Effect.fnUntraced(function* (deps, { scope, fields }) {
  return yield* sessionJson(deps, yield* sessionFor(deps, scope, fields))
})

/** Changes title and members in one step; each change is checked by its own rule for the acting user. */
const updateSession: SessionOperation = Effect.fnUntraced(function* (
  deps,
  { scope, runCommand, fields, recordImpersonation }
) {
  const { lengths } = deps
  const limit = deps.settings.membersPerRequest
  yield* text(fields, "sessionId")
  const operator = yield* account(fields, "opUser", lengths)
  const name = has(fields, "title") ? yield* title(fields, lengths) : undefined
  const added = has(fields, "addMember") ? yield* accounts(fields, "addMember", limit, lengths) : []
  const removed = has(fields, "delMember") ? yield* accounts(fields, "delMember", limit, lengths) : []
  if (name === undefined && added.length + removed.length === 0) {
    return yield* invalid("title, addMember or delMember", "must be given")
  }
  const removedSet = new Set(removed)
  const both = added.find((one) => removedSet.has(one))
  if (both !== undefined) return yield* invalid("delMember", `must not name ${both}, whom addMember names`)
  const chat = yield* sessionFor(deps, scope, fields)
  const [user] = yield* usersNamed(deps.engine, "opUser", [operator], actingUsers(deps.engine, scope, chat))
  if (user === undefined || user.disabled) return yield* invalid("opUser", "is disabled")
  if (!chat.members.has(user.id)) return yield* refuse({ _tag: "NotMember" })
  const seen = usersSeen(deps.engine, user, chat)
  const usersToAdd = yield* usersNamed(deps.engine, "addMember", added, seen)
  const usersToRemove = yield* usersNamed(deps.engine, "delMember", removed, seen)
  const revised = yield* runCommand(
    { user: user.id, device: null },
    {
      _tag: "ReviseGroup",
      chat: { id: chat.id },
      ...(name !== undefined && { name }),
      add: usersToAdd.map(({ id }) => id),
      remove: usersToRemove.map(({ id }) => id)
    }
  )
  yield* recordImpersonation(user, "session.update")
  return yield* sessionJson(deps, revised.chat)
})

export const sessionRoutes = (deps: SessionDeps, { inBody, inQuery }: Operations): RouteTable => ({
  "/cgi/session/create": { POST: inBody((context) => createSession(deps, context)) },
  "/cgi/session/get": { GET: inQuery(["sessionId"], (context) => getSession(deps, context)) },
  "/cgi/session/update": { POST: inBody((context) => updateSession(deps, context)) }
})

/** Returns whether a change is given. SDKs send an empty text for one that is not. Source: PROTOCOLS, "youdu". */
const has = (fields: Fields, name: string): boolean => {
  const value = field(fields, name)
  return value !== undefined && value !== ""
}

/** Returns the session that the request names. */
const sessionFor = (
  { engine }: SessionDeps,
  scope: AppScope,
  fields: Fields
): Effect.Effect<Chat, Refused | StorageFailed> =>
  Effect.flatMap(text(fields, "sessionId"), (gid) => groupNamed(engine, scope, gid))

const sessionJson = Effect.fnUntraced(function* (
  { engine }: SessionDeps,
  chat: Chat
): Effect.fn.Return<SessionJson, StorageFailed> {
  const named = [chat.owner, chat.createdBy].filter((user) => user !== null)
  const users = yield* engine.context.users.findMany([...new Set([...named, ...chat.members.keys()])])
  const known = new Map(users.map((user) => [user.id, user.account]))
  const accountOf = (user: UserId | null): string => (user === null ? "" : (known.get(user) ?? ""))
  return {
    sessionId: chat.gid,
    title: chat.name,
    owner: accountOf(chat.owner),
    creator: accountOf(chat.createdBy),
    version: chat.version,
    type: MULTI,
    member: Array.from(chat.members.keys(), accountOf)
  }
})
