/**
 * Sessions, which are groups: create, get, update. Source: seeds/004; PROTOCOLS, "youdu".
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

/** The only type there is. */
const MULTI = "multi"

/** A session as it is answered, in the documented order. */
export interface SessionJson {
  readonly sessionId: string
  readonly title: string
  /** The present owner's account; "" where there is none. */
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
  /** Members of a new session, at least. */
  readonly atLeast: number
}

/** One request for or about a session. */
export interface RequestContext {
  readonly scope: AppScope
  /** Records that the application acts for this user. */
  readonly impersonated: (user: User, act: "session.create" | "session.update") => Effect.Effect<void>
  readonly perform: RunCommand
  readonly fields: Fields
}

type Operation = (deps: GroupDeps, asking: RequestContext) => Effect.Effect<SessionJson, Refused | StorageFailed>

export const createSession: Operation = Effect.fnUntraced(function* (
  deps,
  { scope: reach, perform, fields, impersonated }
) {
  const { lengths, atLeast } = deps
  const name = yield* title(fields, lengths)
  const creatorAccount = yield* account(fields, "creator", lengths)
  const type = field(fields, "type")
  if (type !== undefined && type !== MULTI) return yield* invalid("type", `must be ${MULTI}`)
  const named = yield* accounts(fields, "member", deps.settings.membersPerRequest, lengths)
  const [creator] = yield* usersOf(deps, "creator", [creatorAccount])
  const others = yield* usersOf(deps, "member", named)
  if (creator === undefined || creator.disabled) return yield* invalid("creator", "is disabled")
  const members = new Map([creator, ...others].map((user) => [user.id, user]))
  if (members.size < atLeast) return yield* invalid("member", `must be at least ${atLeast} users with the creator`)
  const refused = reachable.check({
    scope: reach,
    chat: { type: "group", dissolved: false },
    members: members.values()
  })
  if (refused !== undefined) return yield* invalid("member", "must hold somebody of the app's organisation")
  const { chat } = yield* perform(
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
  yield* impersonated(creator, "session.create")
  return yield* sessionJson(deps, chat)
})

export const getSession: Operation = Effect.fnUntraced(function* (deps, { scope: reach, fields }) {
  return yield* sessionJson(deps, yield* reached(deps, reach, fields))
})

/** One step: title, those who come and those who go, each by its own rule for the acting user. */
export const updateSession: Operation = Effect.fnUntraced(function* (
  deps,
  { scope: reach, perform, fields, impersonated }
) {
  const { lengths } = deps
  const limit = deps.settings.membersPerRequest
  yield* text(fields, "sessionId")
  const operator = yield* account(fields, "opUser", lengths)
  const name = has(fields, "title") ? yield* title(fields, lengths) : undefined
  const coming = has(fields, "addMember") ? yield* accounts(fields, "addMember", limit, lengths) : []
  const going = has(fields, "delMember") ? yield* accounts(fields, "delMember", limit, lengths) : []
  if (name === undefined && coming.length + going.length === 0) {
    return yield* invalid("title, addMember or delMember", "must be given")
  }
  const leaving = new Set(going)
  const both = coming.find((one) => leaving.has(one))
  if (both !== undefined) return yield* invalid("delMember", `must not name ${both}, whom addMember names`)
  const chat = yield* reached(deps, reach, fields)
  const [user] = yield* usersOf(deps, "opUser", [operator])
  if (user === undefined || user.disabled) return yield* invalid("opUser", "is disabled")
  if (!chat.members.has(user.id)) return yield* refuse({ _tag: "NotMember" })
  const add = yield* usersOf(deps, "addMember", coming)
  const remove = yield* usersOf(deps, "delMember", going)
  const revised = yield* perform(
    { user: user.id, device: null },
    {
      _tag: "ReviseGroup",
      chat: { id: chat.id },
      ...(name !== undefined && { name }),
      add: add.map(({ id }) => id),
      remove: remove.map(({ id }) => id)
    }
  )
  yield* impersonated(user, "session.update")
  return yield* sessionJson(deps, revised.chat)
})

const has = (fields: Fields, name: string): boolean => field(fields, name) !== undefined

/** The users with these accounts, in that order; unknown ones are refused by their names. */
const usersOf = Effect.fnUntraced(function* (
  { engine }: GroupDeps,
  name: string,
  wanted: ReadonlyArray<string>
): Effect.fn.Return<ReadonlyArray<User>, Refused | StorageFailed> {
  const users = yield* engine.context.users.byAccount(wanted)
  if (users.length === wanted.length) return users
  const known = new Set(users.map((user) => user.account))
  const unknown = wanted.filter((one) => !known.has(one))
  return yield* refuse({ _tag: "NoSuchUsers", users: unknown.map((one) => `${one} (${name})`) })
})

/** The session that the request names, if it can be reached: else it does not exist. */
const reached = Effect.fnUntraced(function* (
  { engine: { context: desk } }: GroupDeps,
  reach: AppScope,
  fields: Fields
): Effect.fn.Return<Chat, Refused | StorageFailed> {
  const cached = yield* desk.chats.find({ gid: yield* text(fields, "sessionId") })
  if (cached === undefined) return yield* refuse({ _tag: "NoSuchChat" })
  const { chat } = cached
  const members = yield* desk.users.findMany([...chat.members.keys()])
  const refused = reachable.check({ scope: reach, chat, members })
  return refused === undefined ? chat : yield* refuse(refused)
})

const sessionJson = Effect.fnUntraced(function* (
  { engine: { context: desk } }: GroupDeps,
  chat: Chat
): Effect.fn.Return<SessionJson, StorageFailed> {
  const named = [chat.owner, chat.createdBy].filter((user) => user !== null)
  const users = yield* desk.users.findMany([...new Set([...named, ...chat.members.keys()])])
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
