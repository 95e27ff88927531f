/** Creates a chat, or returns the existing one. Source: PROTOCOLS, "create" and "Pairs". */
import * as Effect from "effect/Effect"
import type { AppScope } from "../model/AppScope.ts"
import { EXPIRES_AT, isEngineAttribute, MAX_LIFETIME, type NewChat, ORGANISATION, VIA } from "../model/Chat.ts"
import type { CreateChat, ReplyOf } from "../model/Command.ts"
import { isDirectGid, directGid } from "../model/Ids.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { visible } from "../rules/Membership.ts"
import type { StorageFailed, Write } from "../ports/Store.ts"
import type { CachedChat } from "../cache/ChatCache.ts"
import {
  type Invocation,
  replyWith,
  type CommandContext,
  entryOf,
  existing,
  invalid,
  nameProblem,
  type Plan,
  type CommandHandler,
  view,
  viewerOf
} from "./CommandHandler.ts"

/** Maximum number of characters of a gid. */
const MAX_GID = 255
/** Types are matched exactly, so none may look like another, such as `System` or ` system`. */
const TYPE = /^[a-z][a-z0-9_-]{0,31}$/

/** Records of the groups with a limited lifetime: gids, and times in milliseconds since 1970. */
export const EXPIRING_RECORDS = { dialect: "parley", kind: "expiringChats" } as const

type Reply = ReplyOf<CreateChat>

export const createChat: CommandHandler<CreateChat> = Effect.fnUntraced(function* (context, invocation, command) {
  const { user, now } = invocation
  if (command.type === "system") return yield* refuse(invalid("type", "must not be system"))
  if (!TYPE.test(command.type)) {
    return yield* refuse(invalid("type", "must be 1 to 32 lower-case letters, digits, '-' and '_', such as group"))
  }
  const problem = nameProblem(context, command.name, true)
  if (problem !== undefined) return yield* refuse(problem)
  const { lifetime } = command
  if (lifetime !== undefined) {
    if (!Number.isInteger(lifetime) || lifetime < 1 || lifetime > MAX_LIFETIME) {
      return yield* refuse(invalid("lifetime", `must be an integer from 1 to ${MAX_LIFETIME} seconds`))
    }
    if (command.type !== "group") return yield* refuse(invalid("lifetime", "must be absent, except for groups"))
  }
  const own = Object.keys(command.attributes ?? {}).find(isEngineAttribute)
  if (own !== undefined) return yield* refuse(invalid(`attributes.${own}`, "must not be given as an attribute"))
  const others = yield* existing(context, invocation, "members", command.members)
  const { by } = invocation
  const members = [...new Set([...(by === null ? [] : [by]), ...others.map((other) => other.id)])]

  if (command.type === "one2one") {
    const [a, b, ...more] = members
    if (a === undefined || b === undefined || more.length > 0) {
      return yield* refuse(invalid("members", "must be exactly two users in a direct chat"))
    }
    if (command.public) return yield* refuse(invalid("public", "must be false in a direct chat"))
    const gid = directGid(a, b)
    const existingChat = yield* stored(context, invocation, gid)
    if (existingChat !== undefined) return replyWith<Reply>({ ...view(existingChat), created: false })
    return creation(context, invocation, {
      ...newChat(command, gid, now),
      members,
      createdBy: by,
      owner: null,
      subject: 0
    })
  }

  if (command.gid === "" || command.gid.length > MAX_GID) {
    return yield* refuse(invalid("gid", `must have 1 to ${MAX_GID} characters`))
  }
  if (!command.gid.isWellFormed()) return yield* refuse(invalid("gid", "must be well-formed Unicode"))
  if (isDirectGid(command.gid)) return yield* refuse(invalid("gid", "has the form of a direct chat's"))
  const existingChat = yield* stored(context, invocation, command.gid)
  if (existingChat !== undefined) {
    const facts = {
      user,
      via: invocation.via,
      chat: existingChat.chat,
      ...(yield* context.visibility.limits(viewerOf(invocation), existingChat.chat))
    }
    if (existingChat.chat.dissolved || visible.check(facts) !== undefined) {
      return yield* refuse({ _tag: "GidTaken", gid: command.gid })
    }
    return replyWith<Reply>({ ...view(existingChat), created: false })
  }
  return creation(context, invocation, {
    ...newChat(command, command.gid, now, invocation.scope),
    members,
    createdBy: by,
    owner: by
  })
})

const newChat = (
  command: CreateChat,
  gid: string,
  now: number,
  scope?: AppScope
): Omit<NewChat, "members" | "createdBy" | "owner"> => ({
  gid,
  name: command.name,
  type: command.type,
  public: command.public,
  subject: command.subject,
  admins: [],
  senders: [],
  createdAt: now,
  attributes: {
    ...command.attributes,
    ...(command.via !== undefined && { [VIA]: command.via }),
    ...(command.lifetime !== undefined && { [EXPIRES_AT]: now + command.lifetime * 1000 }),
    ...(typeof scope === "object" && { [ORGANISATION]: scope.organisation })
  }
})

/** Returns the chat with that gid: the store's duplicate if there is one, otherwise from the cache or the store. */
const stored = (
  context: CommandContext,
  invocation: Invocation,
  gid: string
): Effect.Effect<CachedChat | undefined, Refused | StorageFailed> => {
  const duplicate = invocation.duplicate?.chat
  return duplicate?.chat.gid === gid ? Effect.succeed(context.chats.put(duplicate)) : context.chats.find({ gid })
}

/** Returns the record of a group with a limited lifetime; none for other chats. */
const expiryWrites = ({ gid, attributes }: NewChat): ReadonlyArray<Write> => {
  const value = attributes[EXPIRES_AT]
  if (value === undefined) return []
  return [
    { _tag: "PutRecord", record: { ...EXPIRING_RECORDS, key: gid, value } },
    { _tag: "NoteChange", change: { _tag: "RecordsChanged", ...EXPIRING_RECORDS } }
  ]
}

const creation = (context: CommandContext, invocation: Invocation, chat: NewChat): Plan<Reply> => ({
  batch: {
    expectedVersions: [],
    writes: [{ _tag: "CreateChat", chat, by: invocation.by }, ...expiryWrites(chat)]
  },
  toOutcome: ([written]) => {
    const entry = entryOf(written)
    if (EXPIRES_AT in chat.attributes) for (const listener of context.expiryListeners) listener()
    if (written?._tag !== "Chat") throw new Error(`the store returned ${written?._tag} for a chat`)
    const created = written.stored
    return {
      reply: { ...created, created: true },
      broadcasts: [{ event: { _tag: "ChatEvent", entry, ...created }, to: { chat: created.chat.id } }]
    }
  }
})
