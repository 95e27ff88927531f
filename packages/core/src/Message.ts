/** A message as it stands now: what was posted, with every later entry about it applied. */
import type { ChatId, EntryId, UserId } from "./Ids.ts"
import type { Entry, Posted, Recalled, Replaced } from "./Log.ts"

export interface Message {
  /** The id of the entry that posted it. */
  readonly id: EntryId
  readonly gid: string
  readonly chat: ChatId
  readonly seq: number
  /** Its number among the chat's messages, from 1, oldest first. */
  readonly number: number
  /** Who posted it. A broadcast is shown without. */
  readonly sender: UserId | null
  readonly type: "normal" | "broadcast"
  readonly contentType: string
  /** "" once recalled. */
  readonly content: string
  /** Milliseconds since 1970. */
  readonly date: number
  readonly recalled: boolean
}

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
  recalled: false
})

/** The message after a later entry about it. Nothing follows a recall. */
export const amend = (message: Message, body: Replaced | Recalled): Message =>
  message.recalled
    ? message
    : body._tag === "Recalled"
      ? { ...message, content: "", recalled: true }
      : { ...message, contentType: body.contentType, content: body.content }
