/**
 * A chat's log: append-only, with the sequence 1, 2, 3, … without gaps. Order, history, the offline queue, unread
 * counts and recalls are all derived from it. Sending a message appends one entry, regardless of the number of members.
 */
import type { Chat, Senders, Member } from "./Chat.ts"
import type { ChatId, EntryId, UserId } from "./Ids.ts"

/** The first entry of every log. */
export interface Created {
  readonly _tag: "Created"
}

/** A message was sent. */
export interface Posted {
  readonly _tag: "Posted"
  /** Unique among all messages; chosen by the sender. */
  readonly gid: string
  /** `broadcast` for a message without a visible sender. */
  readonly type: "normal" | "broadcast"
  /** `text`, `image`, `emoticon`, `file`, … */
  readonly contentType: string
  /** Text, or JSON for other content types. */
  readonly content: string
  /** Send time as given by the sender, otherwise the server's; milliseconds since 1970. */
  readonly date: number
}

/** The message `message` has new content. */
export interface Replaced {
  readonly _tag: "Replaced"
  /** Id of the entry that posted the message. */
  readonly message: EntryId
  /** Content type of the new content. */
  readonly contentType: string
  /** The new content. */
  readonly content: string
}

/** The message `message` is empty for all members from now on. */
export interface Recalled {
  readonly _tag: "Recalled"
  /** Id of the entry that posted the message. */
  readonly message: EntryId
}

/** One step that changed facts of the chat; absent fields are unchanged. */
export interface Changed {
  readonly _tag: "Changed"
  /** New name. */
  readonly name?: string
  /** Whether all users may find and join the chat. */
  readonly public?: boolean
  /** All admins after the step. */
  readonly admins?: ReadonlyArray<UserId>
  /** Ids of the members of a group who became admins in the step. */
  readonly promoted?: ReadonlyArray<UserId>
  /** Ids of the members of a group who are no longer admins since the step. */
  readonly demoted?: ReadonlyArray<UserId>
  /** Members who may send after the step. */
  readonly senders?: Senders
  /** Owner after the step. */
  readonly owner?: UserId | null
  /** Ids of the users who joined. */
  readonly added?: ReadonlyArray<UserId>
  /** Ids of the users who left or were removed. */
  readonly removed?: ReadonlyArray<UserId>
  /** Merged into the chat's attributes; a null value removes its key. */
  readonly attributes?: Readonly<Record<string, unknown>>
  /** Set by the step that dissolves the chat. */
  readonly dissolved?: true
}

/** A later change of one message. */
export type Amendment = Replaced | Recalled

/** Content of a log entry. */
export type EntryBody = Created | Posted | Amendment | Changed

/** One entry of a chat's log. */
export interface Entry<Body extends EntryBody = EntryBody> {
  /** Unique among all entries of a store; rises with every commit. */
  readonly id: EntryId
  /** The chat. */
  readonly chat: ChatId
  /** Sequence in the chat's log, from 1. */
  readonly seq: number
  /** Number of messages in the log up to this entry; for a `Posted`, its own number from 1. */
  readonly posted: number
  /** By the server's clock; milliseconds since 1970. */
  readonly at: number
  /** The acting user; null for the system. */
  readonly by: UserId | null
  /** The device that sent it, and has it already; null if there is none. */
  readonly device: string | null
  /** Content of the entry. */
  readonly body: Body
}

/**
 * Returns whether the entry is delivered to each member until acknowledged. Other entries go to online members only.
 */
export const isDurable = (body: EntryBody): body is Posted | Replaced | Recalled =>
  body._tag === "Posted" || body._tag === "Replaced" || body._tag === "Recalled"

/**
 * Returns a chat's facts after one more entry. Stores and caches share this function, so they cannot disagree. A
 * leaving member loses the admin role. The list of senders keeps them: an empty list would let all members send.
 */
export const evolve = (chat: Chat, entry: Entry): Chat => {
  const change = entry.body
  if (change._tag !== "Changed") return chat
  const removed = new Set(change.removed)
  let members = chat.members
  if (removed.size > 0 || (change.added !== undefined && change.added.length > 0)) {
    const next = new Map<UserId, Member>()
    for (const [id, member] of chat.members) if (!removed.has(id)) next.set(id, member)
    for (const user of change.added ?? []) {
      if (!next.has(user)) next.set(user, { user, joinedAt: entry.at, joinSeq: entry.seq })
    }
    members = next
  }
  let attributes = chat.attributes
  if (change.attributes !== undefined) {
    attributes = Object.fromEntries(
      Object.entries({ ...chat.attributes, ...change.attributes }).filter(([, value]) => value !== null)
    )
  }
  return {
    ...chat,
    name: change.name ?? chat.name,
    public: change.public ?? chat.public,
    admins: (change.admins ?? chat.admins).filter((user) => !removed.has(user)),
    senders: change.senders ?? chat.senders,
    owner: change.owner === undefined ? chat.owner : change.owner,
    members,
    attributes,
    dissolved: change.dissolved ?? chat.dissolved,
    editedBy: entry.by,
    editedAt: entry.at,
    version: chat.version + 1
  }
}
