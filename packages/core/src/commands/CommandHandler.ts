/**
 * A script carries out one kind of command: it loads the facts, asks the rules, and returns what to write, what to
 * answer and what to announce. It sends nothing and writes nothing itself, so it can be run again on newer facts.
 */
import * as Effect from "effect/Effect"
import { isMember, type Chat } from "../model/Chat.ts"
import type { ChatRef, ChatView, Command, ReplyOf } from "../model/Command.ts"
import type { UserCache } from "../cache/UserCache.ts"
import type { Broadcast, Caller } from "../model/Event.ts"
import type { UserId } from "../model/Ids.ts"
import type { Changed, Entry } from "../model/Log.ts"
import { evolve } from "../model/Log.ts"
import type { Presence } from "../delivery/Presence.ts"
import { type Reason, type Refused, refuse } from "../model/Refused.ts"
import { type Operation, refusal } from "../rules/Operations.ts"
import type { EngineSettings } from "../ports/Settings.ts"
import type { Duplicate, StorageFailed, Store, WriteBatch, WriteResult } from "../ports/Store.ts"
import { isRemoved, type User } from "../model/User.ts"
import type { CachedChat, ChatCache } from "../cache/ChatCache.ts"
import type { FileLink } from "./WithdrawnFiles.ts"

/** What a script may look at. */
export interface CommandContext {
  readonly chats: ChatCache
  readonly users: UserCache
  readonly store: Store["Service"]
  readonly presence: Presence
  readonly settings: EngineSettings
  /** By which links protocols serve files; each adds its own when it is opened. */
  readonly fileLinks: Array<FileLink>
}

/** One try at a command: the next one knows what the store said to the one before. */
export interface Invocation {
  readonly caller: Caller
  /** Who asks; nobody, who is in no chat, where a protocol asks for nobody in particular. */
  readonly user: User
  /** The same for the log: null for nobody. */
  readonly by: UserId | null
  /** The protocol that asks for nobody in particular. */
  readonly via: string | undefined
  /** By the server's clock; milliseconds since 1970. */
  readonly now: number
  readonly duplicate: Duplicate | undefined
}

/** The result of a command: its reply, and what others get after that. */
export interface Outcome<Reply> {
  readonly reply: Reply
  readonly announce: ReadonlyArray<Broadcast>
}

export interface Plan<Reply> {
  /** Nothing to write: the conclusion stands as it is. */
  readonly batch: WriteBatch | undefined
  readonly conclude: (written: ReadonlyArray<WriteResult>) => Outcome<Reply>
}

export type CommandHandler<C extends Command> = (
  context: CommandContext,
  invocation: Invocation,
  command: C
) => Effect.Effect<Plan<ReplyOf<C>>, Refused | StorageFailed>

const NOTHING: ReadonlyArray<Broadcast> = []

/** An answer that changes nothing. */
export const answer = <Reply>(reply: Reply): Plan<Reply> => ({
  batch: undefined,
  conclude: () => ({ reply, announce: NOTHING })
})

/** The chat, for an operation that its rules allow the caller; else the reason. */
export const permitted = Effect.fnUntraced(function* (
  context: CommandContext,
  invocation: Invocation,
  ref: ChatRef,
  operation: Operation
): Effect.fn.Return<CachedChat, Refused | StorageFailed> {
  const cached = context.chats.getCached(ref) ?? (yield* context.chats.find(ref))
  if (cached === undefined) return yield* refuse({ _tag: "NoSuchChat" })
  const refused = refusal(operation, { user: invocation.user, via: invocation.via, chat: cached.chat })
  if (refused !== undefined) return yield* refuse(refused.reason)
  return cached
})

/** The named users, each once, in the order named; all of them exist, or it is refused naming those who do not. */
export const existing = Effect.fnUntraced(function* (
  context: CommandContext,
  field: string,
  ids: ReadonlyArray<UserId>
): Effect.fn.Return<ReadonlyArray<User>, Refused | StorageFailed> {
  const limit = context.settings.membersPerRequest
  if (ids.length > limit) return yield* refuse(invalid(field, `must name at most ${limit} users`))
  const wanted = [...new Set(ids)]
  const users = (yield* context.users.findMany(wanted)).filter((user) => !isRemoved(user))
  if (users.length < wanted.length) {
    const known = new Set(users.map((user) => user.id))
    return yield* refuse({ _tag: "NoSuchUsers", users: wanted.filter((id) => !known.has(id)).map(String) })
  }
  return users
})

export const invalid = (field: string, problem: string): Reason => ({ _tag: "Invalid", field, problem })

/** Why a name is none, or nothing. */
export const nameProblem = (context: CommandContext, name: string, mayBeEmpty: boolean): Reason | undefined => {
  if (name.trim() === "" && !mayBeEmpty) return invalid("name", "must not be empty")
  if (!name.isWellFormed()) return invalid("name", "must be well-formed Unicode")
  if (Array.from(name).length > context.settings.name) {
    return invalid("name", `must have at most ${context.settings.name} characters`)
  }
  return undefined
}

export const view = (cached: CachedChat): ChatView => ({ chat: cached.chat, head: cached.head })

/** One step that changes facts of a chat: one entry, the answer and the announcement of the chat as it then is. */
export const change = (cached: CachedChat, invocation: Invocation, step: Omit<Changed, "_tag">): Plan<ChatView> => {
  const { chat } = cached
  return {
    batch: {
      expectedVersions: [{ chat: chat.id, version: chat.version }],
      writes: [
        {
          _tag: "Append",
          chat: chat.id,
          by: invocation.by,
          device: invocation.caller.device,
          at: invocation.now,
          body: { _tag: "Changed", ...step }
        }
      ]
    },
    conclude: ([written]) => {
      const entry = entryOf(written)
      const next = { chat: evolve(chat, entry), head: { ...cached.head, seq: entry.seq, posted: entry.posted } }
      return {
        reply: next,
        announce: [{ event: { _tag: "ChatEvent", entry, ...next }, to: { chat: chat.id } }]
      }
    }
  }
}

/** What a store wrote where an entry was due. */
export const entryOf = (written: WriteResult | undefined): Entry => {
  if (written?._tag === "Entry" || written?._tag === "Chat") return written.entry
  throw new Error(`the store answered ${written?._tag} for an entry`)
}

/** Those of the users who are in the chat. */
export const membersAmong = (chat: Chat, users: ReadonlyArray<User>): ReadonlyArray<UserId> =>
  users.filter((user) => isMember(chat, user.id)).map((user) => user.id)
