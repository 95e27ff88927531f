/**
 * A handler runs one kind of command: it loads the facts, checks the rules, and returns the writes, the reply and the
 * broadcasts. It sends and writes nothing itself, so it can run again on newer facts.
 */
import * as Effect from "effect/Effect"
import type { AppScope } from "../model/AppScope.ts"
import { isMember, type Chat } from "../model/Chat.ts"
import type { ChatRef, ChatView, Command, ReplyOf } from "../model/Command.ts"
import type { UserCache } from "../cache/UserCache.ts"
import type { Viewer, VisibleUsers } from "../cache/VisibleUsers.ts"
import type { Broadcast, Caller } from "../model/Event.ts"
import type { FileId, UserId } from "../model/Ids.ts"
import type { Changed, Entry } from "../model/Log.ts"
import { evolve } from "../model/Log.ts"
import type { Presence } from "../delivery/Presence.ts"
import { type Reason, type Refused, refuse } from "../model/Refused.ts"
import { appRights, knownUser } from "../rules/AppScope.ts"
import { type Operation, refusal } from "../rules/Operations.ts"
import type { EngineSettings } from "../ports/Settings.ts"
import type { DialectRecord, Duplicate, StorageFailed, Store, WriteBatch, WriteResult } from "../ports/Store.ts"
import { isRemoved, type User } from "../model/User.ts"
import type { CachedChat, ChatCache } from "../cache/ChatCache.ts"
import type { SentTimes } from "../cache/SentTimes.ts"
import type { TransientTimes } from "../cache/TransientTimes.ts"
import type { TypingTimes } from "../cache/TypingTimes.ts"
import type { FileLink } from "./WithdrawnFiles.ts"

/** Context of a handler. */
export interface CommandContext {
  readonly chats: ChatCache
  readonly users: UserCache
  /** Decides whom a user may see. */
  readonly visibility: VisibleUsers
  readonly store: Store["Service"]
  readonly presence: Presence
  readonly settings: EngineSettings
  /** Links under which protocols serve files; each protocol adds its own when it is opened. */
  readonly fileLinks: Array<FileLink>
  readonly typing: TypingTimes
  /** Members' newest messages in chats in slow mode. */
  readonly sentTimes: SentTimes
  /** Members' newest transient messages in chats in slow mode. */
  readonly transientTimes: TransientTimes
  /**
   * Kinds of records that protocols keep about users, by account; each protocol adds its own when it is opened. Records
   * of a user are removed with the user.
   */
  readonly userRecords: Array<Pick<DialectRecord, "dialect" | "kind">>
  /** Called after a group with a limited lifetime has been created. */
  readonly expiryListeners: Array<() => void>
  /** The links themselves, from the root of the server: for messages that name a file for clients of all protocols. */
  readonly fileUrls: Array<(file: FileId) => string>
}

/** One attempt at a command. `duplicate` is the conflict of the previous one, if any. */
export interface Invocation {
  readonly caller: Caller
  /** The calling user; `SYSTEM_ACTOR`, which is in no chat, for an application and an anonymous protocol caller. */
  readonly user: User
  /** The acting user for the log; null for another caller. */
  readonly by: UserId | null
  /** The protocol of an anonymous caller. */
  readonly via: string | undefined
  /** The scope of a calling application. */
  readonly scope: AppScope | undefined
  /** By the server's clock; milliseconds since 1970. */
  readonly now: number
  readonly duplicate: Duplicate | undefined
}

/** Result of a command: its reply, and the broadcasts that follow it. */
export interface Outcome<Reply> {
  readonly reply: Reply
  readonly broadcasts: ReadonlyArray<Broadcast>
}

export interface Plan<Reply> {
  /** Undefined if there is nothing to write: `toOutcome` is then called with no results. */
  readonly batch: WriteBatch | undefined
  readonly toOutcome: (written: ReadonlyArray<WriteResult>) => Outcome<Reply>
  /**
   * Called within the turn in which the commit begins: claims what concurrent commands must not use as well. Returns
   * what gives it back after a failed commit, or undefined if it is not available: the command is then decided again.
   */
  readonly claim?: () => (() => void) | undefined
}

export type CommandHandler<C extends Command> = (
  context: CommandContext,
  invocation: Invocation,
  command: C
) => Effect.Effect<Plan<ReplyOf<C>>, Refused | StorageFailed>

const NO_BROADCASTS: ReadonlyArray<Broadcast> = []

/** Plan of a command that writes nothing. */
export const replyWith = <Reply>(reply: Reply): Plan<Reply> => ({
  batch: undefined,
  toOutcome: () => ({ reply, broadcasts: NO_BROADCASTS })
})

/** Returns the chat if its rules allow the caller the operation, otherwise refuses with the reason. */
export const permitted = Effect.fnUntraced(function* (
  context: CommandContext,
  invocation: Invocation,
  ref: ChatRef,
  operation: Operation
): Effect.fn.Return<CachedChat, Refused | StorageFailed> {
  const cached = context.chats.getCached(ref) ?? (yield* context.chats.find(ref))
  if (cached === undefined) return yield* refuse({ _tag: "NoSuchChat" })
  const { user, via, scope } = invocation
  const { chat } = cached
  const app =
    scope === undefined ? undefined : appRights(scope, chat, yield* context.users.findMany([...chat.members.keys()]))
  const facts = { user, via, app, chat }
  const refused = refusal(
    operation,
    context.visibility.isLimited
      ? { ...facts, ...(yield* context.visibility.limits(viewerOf(invocation), chat)) }
      : facts
  )
  if (refused !== undefined) return yield* refuse(refused.reason)
  return cached
})

/** Returns the viewer of an invocation: none for an application or an anonymous protocol caller. */
export const viewerOf = ({ user, via, scope }: Pick<Invocation, "user" | "via" | "scope">): Viewer =>
  via === undefined && scope === undefined ? user : undefined

/**
 * Returns the named users, each once, in the order named; refuses with the unknown ones if some do not exist. Users whom
 * the caller may not see do not exist, except for members of `chat`.
 */
export const existing = Effect.fnUntraced(function* (
  context: CommandContext,
  invocation: Pick<Invocation, "user" | "via" | "scope">,
  field: string,
  ids: ReadonlyArray<UserId>,
  chat?: Chat
): Effect.fn.Return<ReadonlyArray<User>, Refused | StorageFailed> {
  const limit = context.settings.membersPerRequest
  if (ids.length > limit) return yield* refuse(invalid(field, `must name at most ${limit} users`))
  const wanted = [...new Set(ids)]
  const found = (yield* context.users.findMany(wanted)).filter((user) => !isRemoved(user))
  const { scope } = invocation
  const users =
    scope !== undefined && context.visibility.isLimited
      ? found.filter((user) => knownUser.check(scope, user) || chat?.members.has(user.id) === true)
      : yield* context.visibility.known(viewerOf(invocation), found, chat)
  if (users.length < wanted.length) {
    const existingIds = new Set(users.map((user) => user.id))
    return yield* refuse({ _tag: "NoSuchUsers", users: wanted.filter((id) => !existingIds.has(id)).map(String) })
  }
  return users
})

export const invalid = (field: string, problem: string): Reason => ({ _tag: "Invalid", field, problem })

/** Returns why a name is invalid, or undefined. */
export const nameProblem = (context: CommandContext, name: string, mayBeEmpty: boolean): Reason | undefined => {
  if (name.trim() === "" && !mayBeEmpty) return invalid("name", "must not be empty")
  if (!name.isWellFormed()) return invalid("name", "must be well-formed Unicode")
  if (Array.from(name).length > context.settings.name) {
    return invalid("name", `must have at most ${context.settings.name} characters`)
  }
  return undefined
}

export const view = (cached: CachedChat): ChatView => ({ chat: cached.chat, head: cached.head })

/** Plan that appends one `Changed` entry; reply and broadcast contain the changed chat. */
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
    toOutcome: ([written]) => {
      const entry = entryOf(written)
      const next = { chat: evolve(chat, entry), head: { ...cached.head, seq: entry.seq, posted: entry.posted } }
      return {
        reply: next,
        broadcasts: [{ event: { _tag: "ChatEvent", entry, ...next }, to: { chat: chat.id } }]
      }
    }
  }
}

/** Returns the entry of a write result. */
export const entryOf = (written: WriteResult | undefined): Entry => {
  if (written?._tag === "Entry" || written?._tag === "Chat") return written.entry
  throw new Error(`the store returned ${written?._tag} for an entry`)
}

/** Returns the ids of the users who are in the chat. */
export const membersAmong = (chat: Chat, users: ReadonlyArray<User>): ReadonlyArray<UserId> =>
  users.filter((user) => isMember(chat, user.id)).map((user) => user.id)
