/**
 * A kind of chat with somebody in each role that it has, and the facts that the rules decide on. The facts are the test's
 * own, and are compared with what the server says of the chat.
 */
import type { Chat } from "@parley/core/Chat"
import { ChatId, UserId } from "@parley/core/Ids"
import { Effect } from "effect"
import { type Actor, type Cast, freshGid, type Json } from "./actors.ts"

export const roles = {
  owner: "owner",
  admin: "admin",
  committer: "committer",
  member: "member",
  pending: "pending",
  former: "former member",
  founder: "former owner",
  stranger: "stranger",
  administrator: "system administrator, outside",
  insider: "system administrator, a member"
} as const
export type Role = keyof typeof roles

/** A chat that was made for one case. */
export interface Place {
  readonly facts: Chat
  /** Who is tried out. */
  readonly actor: Actor
  readonly gid: string
  readonly id: number
  /** Messages in it: carol's or bob's, and the actor's own, where the actor was ever in. */
  readonly others: string
  readonly own: string | undefined
  /** Of a group made through hisihi. */
  readonly organisation: number
  /** Who is in the chat throughout. */
  readonly watcher: Actor
  /** As that one sees it: its facts, how many messages it has, and the newest. */
  readonly look: Effect.Effect<string>
}

export interface Scene {
  readonly name: string
  readonly description: string
  readonly roles: ReadonlyArray<Role>
  /** Where its table is of: a server where hisihi wants a token, or one where it asks nobody who they are. */
  readonly server: "token" | "open"
  /** It is made through hisihi by somebody. */
  readonly needsToken?: boolean
  /** There is one such chat only, so cases take turns. */
  readonly shared: boolean
  readonly make: (cast: Cast, role: Role) => Effect.Effect<Place>
}

export const actorOf = ({ alice, admin }: Cast, role: Role): Actor =>
  role === "administrator" || role === "insider" ? admin : alice

/** Whether who has the role is in the chat while it is made. */
export const wasIn = (role: Role): boolean => !["pending", "stranger", "administrator"].includes(role)
export const isIn = (role: Role): boolean => wasIn(role) && role !== "former" && role !== "founder"

export const chatFacts = (id: number, gid: string, members: ReadonlyArray<Actor>, part: Partial<Chat>): Chat => ({
  id: ChatId(id),
  gid,
  name: "",
  type: "group",
  public: false,
  subject: 0,
  createdBy: null,
  owner: null,
  admins: [],
  committers: [],
  createdAt: 0,
  editedBy: null,
  editedAt: 0,
  version: 1,
  attributes: {},
  dissolved: false,
  members: new Map(members.map(({ id: user }) => [UserId(user), { user: UserId(user), joinedAt: 0, joinSeq: 1 }])),
  ...part
})

/** The chat as an answer shows it, without what time and talk change. */
const shown = (data: unknown): Json => {
  const { lastActiveTime: _, ...facts } = data as Json
  return facts
}

export const looking = (watcher: Actor, gid: string, creation: Json): Effect.Effect<string> =>
  Effect.gen(function* () {
    const chat = yield* watcher.chat("create", creation)
    const { result, data, pager } = yield* watcher.chat("history", { gid, recPerPage: 3, pageID: 1 })
    return JSON.stringify([chat["result"], shown(chat["data"] ?? {}), result, data, pager])
  })

/** Fails where the server's facts are not the ones that the case stands on. */
export const agreed = (data: unknown, facts: Chat): Effect.Effect<void> => {
  const { type, subject, public: isPublic, admins, committers, members } = data as Json
  const found = JSON.stringify({
    type,
    subject,
    isPublic,
    admins,
    committers,
    members: (members as ReadonlyArray<{ readonly id: number }>).map(({ id }) => id).sort((a, b) => a - b)
  })
  const wanted = JSON.stringify({
    type: facts.type,
    subject: facts.subject,
    isPublic: facts.public,
    admins: [...(facts.owner === null ? [] : [facts.owner]), ...facts.admins].join(","),
    committers:
      facts.committers === "all" ? "$ALL" : facts.committers === "admins" ? "$ADMINS" : facts.committers.join(","),
    members: [...facts.members.keys()].sort((a, b) => a - b)
  })
  // Of a system chat everybody is a member, without being listed in its facts.
  const isSame = facts.type === "system" ? found.startsWith(wanted.slice(0, -3)) : found === wanted
  return isSame ? Effect.void : Effect.die(new Error(`the server has ${found}, the case stands on ${wanted}`))
}

export const say = (actor: Actor, cgid: string): Effect.Effect<string> => {
  const gid = freshGid()
  const message = { gid, cgid, user: actor.id, type: "normal", contentType: "text", content: "said" }
  return Effect.as(actor.done("message", { messages: [message] }), gid)
}

export const remove = (by: Actor, gid: string, ...users: ReadonlyArray<Actor>) =>
  by.done("addmember", { gid, members: users.map(({ id }) => ({ id })), join: false })

/** Asks for somebody through spark, as a member who may not let anybody in. */
export const askFor = ({ http, carol }: Cast, SessionId: string, user: Actor): Effect.Effect<void> =>
  Effect.flatMap(
    http("POST", `/session/AddMember?token=${carol.token}`, { body: { SessionId, To: [user.account] } }),
    ({ status, json }) =>
      status === 200 ? Effect.void : Effect.die(new Error(`AddMember answered ${JSON.stringify(json)}`))
  )
