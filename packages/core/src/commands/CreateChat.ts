/** Making a chat, or getting the one that is there. Source: PROTOCOLS, "create" and "Pairs". */
import * as Effect from "effect/Effect"
import { type NewChat, VIA } from "../model/Chat.ts"
import type { CreateChat, ReplyOf } from "../model/Command.ts"
import { isDirectGid, directGid } from "../model/Ids.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { visible } from "../rules/Membership.ts"
import type { StorageFailed } from "../ports/Store.ts"
import type { CachedChat } from "../cache/ChatCache.ts"
import {
  type Invocation,
  answer,
  type CommandContext,
  entryOf,
  existing,
  invalid,
  nameProblem,
  type Plan,
  type CommandHandler,
  view
} from "./CommandHandler.ts"

/** Characters of a gid, at most. */
const MAX_GID = 255
/** Types are matched exactly, so none may look like another: `System` or ` system`, say. */
const TYPE = /^[a-z][a-z0-9_-]{0,31}$/

type Reply = ReplyOf<CreateChat>

export const createChat: CommandHandler<CreateChat> = Effect.fnUntraced(function* (context, invocation, command) {
  const { user, now } = invocation
  if (command.type === "system") return yield* refuse(invalid("type", "must not be system"))
  if (!TYPE.test(command.type)) {
    return yield* refuse(invalid("type", "must be 1 to 32 lower-case letters, digits, '-' and '_', group say"))
  }
  const problem = nameProblem(context, command.name, true)
  if (problem !== undefined) return yield* refuse(problem)
  const others = yield* existing(context, "members", command.members)
  const { by } = invocation
  const members = [...new Set([...(by === null ? [] : [by]), ...others.map((other) => other.id)])]

  if (command.type === "one2one") {
    const [a, b, ...more] = members
    if (a === undefined || b === undefined || more.length > 0) {
      return yield* refuse(invalid("members", "must be exactly two users in a one-to-one chat"))
    }
    if (command.public) return yield* refuse(invalid("public", "must be false in a one-to-one chat"))
    const gid = directGid(a, b)
    const known = yield* stored(context, invocation, gid)
    if (known !== undefined) return answer<Reply>({ ...view(known), created: false })
    return creation(invocation, { ...newChat(command, gid, now), members, createdBy: by, owner: null, subject: 0 })
  }

  if (command.gid === "" || command.gid.length > MAX_GID) {
    return yield* refuse(invalid("gid", `must have 1 to ${MAX_GID} characters`))
  }
  if (!command.gid.isWellFormed()) return yield* refuse(invalid("gid", "must be well-formed Unicode"))
  if (isDirectGid(command.gid)) return yield* refuse(invalid("gid", "has the form of a one-to-one chat's"))
  const known = yield* stored(context, invocation, command.gid)
  if (known !== undefined) {
    const facts = { user, via: invocation.via, chat: known.chat }
    if (known.chat.dissolved || visible.check(facts) !== undefined) {
      return yield* refuse({ _tag: "GidTaken", gid: command.gid })
    }
    return answer<Reply>({ ...view(known), created: false })
  }
  return creation(invocation, { ...newChat(command, command.gid, now), members, createdBy: by, owner: by })
})

const newChat = (command: CreateChat, gid: string, now: number): Omit<NewChat, "members" | "createdBy" | "owner"> => ({
  gid,
  name: command.name,
  type: command.type,
  public: command.public,
  subject: command.subject,
  admins: [],
  committers: [],
  createdAt: now,
  attributes: { ...command.attributes, ...(command.via !== undefined && { [VIA]: command.via }) }
})

/** The chat with that gid: the one the store has just told of, else what is warm or stored. */
const stored = (
  context: CommandContext,
  invocation: Invocation,
  gid: string
): Effect.Effect<CachedChat | undefined, Refused | StorageFailed> => {
  const told = invocation.duplicate?.chat
  return told?.chat.gid === gid ? Effect.succeed(context.chats.put(told)) : context.chats.find({ gid })
}

const creation = (invocation: Invocation, chat: NewChat): Plan<Reply> => ({
  batch: { expectedVersions: [], writes: [{ _tag: "CreateChat", chat, by: invocation.by }] },
  conclude: ([written]) => {
    const entry = entryOf(written)
    if (written?._tag !== "Chat") throw new Error(`the store answered ${written?._tag} for a chat`)
    const made = written.stored
    return {
      reply: { ...made, created: true },
      announce: [{ event: { _tag: "ChatEvent", entry, ...made }, to: { chat: made.chat.id } }]
    }
  }
})
