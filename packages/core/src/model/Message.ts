/** A message as it stands now: what was posted, with every later entry about it applied. */
import type { ChatId, EntryId, UserId } from "./Ids.ts"
import type { Amendment, Entry, Posted } from "./Log.ts"

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
  /** The id of the entry that last changed the message; `id` while nothing has. */
  readonly revision: EntryId
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
  recalled: false,
  revision: entry.id
})

/** The message after a later entry about it. Nothing follows a recall. */
export const amend = (message: Message, { body, id }: Pick<Entry<Amendment>, "body" | "id">): Message => {
  if (message.recalled) return { ...message, revision: id }
  if (body._tag === "Recalled") return { ...message, content: "", recalled: true, revision: id }
  return { ...message, contentType: body.contentType, content: body.content, revision: id }
}
