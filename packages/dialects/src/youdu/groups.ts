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
import type { User } from "@parley/core/User"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import { field, type Fields, invalid, text } from "../_http/fields.ts"
import type { RunCommand } from "../_http/runCommands.ts"
import { account, accounts, type Lengths, title } from "./params.ts"

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

export interface GroupDeps {
  readonly engine: Engine["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly settings: EngineSettings
  readonly lengths: Lengths
  /** Minimum number of members of a new session. */
  readonly minMembers: number
}

/** Context of one request. */
export interface RequestContext {
  readonly scope: AppScope
  /** Records in the audit log that the app acts for this user. */
  readonly recordImpersonation: (user: User, act: "session.create" | "session.update") => Effect.Effect<void>
  readonly runCommand: RunCommand
  readonly fields: Fields
}

type Operation = (deps: GroupDeps, context: RequestContext) => Effect.Effect<SessionJson, Refused | StorageFailed>

export const createSession: Operation = Effect.fnUntraced(function* (
  deps,
  { scope, runCommand, fields, recordImpersonation }
) {
  const { lengths, minMembers } = deps
  const name = yield* title(fields, lengths)
  const creatorAccount = yield* account(fields, "creator", lengths)
  const type = field(fields, "type")
  if (type !== undefined && type !== MULTI) return yield* invalid("type", `must be ${MULTI}`)
  const named = yield* accounts(fields, "member", deps.settings.membersPerRequest, lengths)
  const [creator] = yield* usersOf(deps, "creator", [creatorAccount])
  const others = yield* usersOf(deps, "member", named)
  if (creator === undefined || creator.disabled) return yield* invalid("creator", "is disabled")
  const members = new Map([creator, ...others].map((user) => [user.id, user]))
  if (members.size < minMembers)
    return yield* invalid("member", `must be at least ${minMembers} users with the creator`)
  const refused = reachable.check({
    scope,
    chat: { type: "group", dissolved: false },
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

export const getSession: Operation = Effect.fnUntraced(function* (deps, { scope, fields }) {
  return yield* sessionJson(deps, yield* sessionFor(deps, scope, fields))
})

/** Changes title and members in one step; each change is checked by its own rule for the acting user. */
export const updateSession: Operation = Effect.fnUntraced(function* (
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
  const [user] = yield* usersOf(deps, "opUser", [operator])
  if (user === undefined || user.disabled) return yield* invalid("opUser", "is disabled")
  if (!chat.members.has(user.id)) return yield* refuse({ _tag: "NotMember" })
  const usersToAdd = yield* usersOf(deps, "addMember", added)
  const usersToRemove = yield* usersOf(deps, "delMember", removed)
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

const has = (fields: Fields, name: string): boolean => field(fields, name) !== undefined

/** Returns the users of these accounts, in this order. Refused with the unknown accounts, if any. */
const usersOf = Effect.fnUntraced(function* (
  { engine }: GroupDeps,
  name: string,
  accountNames: ReadonlyArray<string>
): Effect.fn.Return<ReadonlyArray<User>, Refused | StorageFailed> {
  const users = yield* engine.context.users.byAccount(accountNames)
  if (users.length === accountNames.length) return users
  const known = new Set(users.map((user) => user.account))
  const unknown = accountNames.filter((one) => !known.has(one))
  return yield* refuse({ _tag: "NoSuchUsers", users: unknown.map((one) => `${one} (${name})`) })
})

/** Returns the session that the request names; one outside the app's scope is reported as not found. */
const sessionFor = Effect.fnUntraced(function* (
  { engine }: GroupDeps,
  scope: AppScope,
  fields: Fields
): Effect.fn.Return<Chat, Refused | StorageFailed> {
  const cached = yield* engine.context.chats.find({ gid: yield* text(fields, "sessionId") })
  if (cached === undefined) return yield* refuse({ _tag: "NoSuchChat" })
  const { chat } = cached
  const members = yield* engine.context.users.findMany([...chat.members.keys()])
  const refused = reachable.check({ scope, chat, members })
  return refused === undefined ? chat : yield* refuse(refused)
})

const sessionJson = Effect.fnUntraced(function* (
  { engine }: GroupDeps,
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
