/**
 * A kind of chat with a user in each of its roles, and the facts for the rules. The test states the facts itself, and
 * compares them with the server's.
 */
import type { Chat } from "@parley/core/Chat"
import { ChatId, UserId } from "@parley/core/Ids"
import { Effect } from "effect"
import { type Actor, type Actors, freshGid, type Json } from "./actors.ts"

export const roles = {
  owner: "owner",
  admin: "admin",
  sender: "listed sender",
  member: "member",
  pending: "pending",
  former: "former member",
  founder: "former owner",
  stranger: "non-member",
  administrator: "system administrator, outside",
  insider: "system administrator, a member",
  promoted: "promoted member",
  silenced: "silenced member",
  blocked: "blocked"
} as const
export type Role = keyof typeof roles

/** A chat created for one case. */
export interface TestChat {
  readonly facts: Chat
  /** The tested user. */
  readonly actor: Actor
  readonly gid: string
  readonly id: number
  /** Gids of a message of carol or bob, and of the actor's own if the actor was ever a member. */
  readonly others: string
  readonly own: string | undefined
  /** Organisation of a group created through hisihi. */
  readonly organisation: number
  /** A permanent member. */
  readonly watcher: Actor
  /** State of the chat for the watcher: its facts, the number of messages, and the newest ones. */
  readonly look: Effect.Effect<string>
}

export interface ChatCase {
  readonly name: string
  readonly description: string
  readonly roles: ReadonlyArray<Role>
  /** Server of its table: with token authentication of hisihi, or with anonymous access. */
  readonly server: "token" | "open"
  /** Created through hisihi by a user. */
  readonly needsToken?: boolean
  /** There is only one such chat, so cases run one after the other. */
  readonly shared: boolean
  readonly make: (actors: Actors, role: Role) => Effect.Effect<TestChat>
}

export const actorOf = ({ alice, admin }: Actors, role: Role): Actor =>
  role === "administrator" || role === "insider" ? admin : alice

/** Whether the role's user is a member while the chat is set up. */
export const wasIn = (role: Role): boolean => !["pending", "stranger", "administrator", "blocked"].includes(role)
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
  senders: [],
  createdAt: 0,
  editedBy: null,
  editedAt: 0,
  version: 1,
  attributes: {},
  dissolved: false,
  members: new Map(members.map(({ id: user }) => [UserId(user), { user: UserId(user), joinedAt: 0, joinSeq: 1 }])),
  ...part
})

/** Returns a chat of a reply without fields that messages change, and without time and author of its last change. */
const shown = (data: unknown): Json => {
  const { lastActiveTime: _, editedDate: __, editedBy: ___, ...facts } = data as Json
  return facts
}

export const looking = (watcher: Actor, gid: string, creation: Json): Effect.Effect<string> =>
  Effect.gen(function* () {
    const chat = yield* watcher.chat("create", creation)
    const { result, data, pager } = yield* watcher.chat("history", { gid, recPerPage: 3, pageID: 1 })
    return JSON.stringify([chat["result"], shown(chat["data"] ?? {}), result, data, pager])
  })

/** Fails if the server's facts differ from the case's. */
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
    committers: facts.senders === "all" ? "$ALL" : facts.senders === "admins" ? "$ADMINS" : facts.senders.join(","),
    members: [...facts.members.keys()].sort((a, b) => a - b)
  })
  // All users are members of a system chat, without being listed in its facts.
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

/** Requests a user's admission through spark, as a member without the right to add users. */
export const askFor = ({ http, carol }: Actors, SessionId: string, user: Actor): Effect.Effect<void> =>
  Effect.flatMap(
    http("POST", `/session/AddMember?token=${carol.token}`, { body: { SessionId, To: [user.account] } }),
    ({ status, json }) =>
      status === 200 ? Effect.void : Effect.die(new Error(`AddMember answered ${JSON.stringify(json)}`))
  )
