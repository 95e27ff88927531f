/**
 * The facts of chats as they are when a change is broadcast. Changes of one chat may be broadcast out of order: each one
 * waits for the reply to its own request, and changes of other nodes arrive when they arrive.
 */
import { type Chat, isMember } from "../model/Chat.ts"
import type { ChatEvent } from "../model/Event.ts"
import type { ChatId, UserId } from "../model/Ids.ts"

export interface CurrentFacts {
  /** From memory: never behind a commit of this process. Undefined if they must be read. */
  readonly peek: (chat: ChatId) => { readonly chat: Chat; readonly seq: number } | undefined
  /** Reads them, then makes subscriptions agree with them: users who joined by an entry from `seq` on subscribe. */
  readonly reread: (chat: ChatId, seq: number) => void
}

/** Returns the change with the newest facts, without the members whom a later change has added or removed again. */
export const withoutUndone = (event: ChatEvent, current: Chat | undefined): ChatEvent => {
  const { entry } = event
  const { body } = entry
  const chat = current !== undefined && current.version > event.chat.version ? current : event.chat
  if (body._tag !== "Changed") return chat === event.chat ? event : { ...event, chat }
  const { added = [], removed = [] } = body
  const isIn = (user: UserId): boolean => !chat.dissolved && isMember(chat, user)
  const joined = added.filter((user) => isIn(user) && (chat.members.get(user)?.joinSeq ?? 0) <= entry.seq)
  const left = removed.filter((user) => !isIn(user))
  if (chat === event.chat && joined.length === added.length && left.length === removed.length) return event
  return { ...event, chat, entry: { ...entry, body: { ...body, added: joined, removed: left } } }
}
