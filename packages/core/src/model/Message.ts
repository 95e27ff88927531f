/** A message in its current state: the posted content with every later entry about it applied. */
import type { ChatId, EntryId, UserId } from "./Ids.ts"
import type { Amendment, Entry, Posted } from "./Log.ts"

/** A message, after replacements and a recall. */
export interface Message {
  /** Id of the entry that posted it. */
  readonly id: EntryId
  /** Unique among all messages; chosen by the sender. */
  readonly gid: string
  /** The chat. */
  readonly chat: ChatId
  /** Sequence of the entry that posted it. */
  readonly seq: number
  /** Number among the chat's messages, from 1, oldest first. */
  readonly number: number
  /** The posting user. Broadcasts are shown without one. */
  readonly sender: UserId | null
  /** `broadcast` for a message of an admin without a visible sender. */
  readonly type: "normal" | "broadcast"
  /** `text`, `image`, `emoticon`, `file`, … */
  readonly contentType: string
  /** "" once recalled. */
  readonly content: string
  /** Milliseconds since 1970. */
  readonly date: number
  /** Whether it was emptied for all members. */
  readonly recalled: boolean
  /** Id of the entry that last changed the message; `id` if it is unchanged. */
  readonly revision: EntryId
}

/** Returns the message of the entry that posted it, before any change. */
export const fromPosted = (entry: Entry<Posted>): Message => ({
  id: entry.id,
  gid: entry.body.gid,
  chat: entry.chat,
  seq: entry.seq,
  number: entry.posted,
  sender: entry.by,
  type: entry.body.type,
  contentType: entry.body.contentType,
  content: entry.body.content,
  date: entry.body.date,
  recalled: false,
  revision: entry.id
})

/** Returns the message after a later entry about it. A recall is final. */
export const amend = (message: Message, { body, id }: Pick<Entry<Amendment>, "body" | "id">): Message => {
  if (message.recalled) return { ...message, revision: id }
  if (body._tag === "Recalled") return { ...message, content: "", recalled: true, revision: id }
  return { ...message, contentType: body.contentType, content: body.content, revision: id }
}
