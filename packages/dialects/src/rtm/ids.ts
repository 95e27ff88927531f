/**
 * Ids of conversations and messages on the wire. A conversation that was created here has its gid as its id, 24 hexadecimal
 * digits; another chat has its number, in as many digits. A message has its number in 16 digits, so that ids are ordered as
 * messages are; an imported message keeps the id that it had.
 */
import type { Chat } from "@parley/core/Chat"
import type { ChatRef } from "@parley/core/Command"
import { ChatId, EntryId } from "@parley/core/Ids"
import type { Message } from "@parley/core/Message"
import type { StorageFailed, Store } from "@parley/core/Store"
import * as Effect from "effect/Effect"

/** Number of digits of a conversation's id. */
export const ID_LENGTH = 24

const ID = /^[0-9a-f]{24}$/
/** Beginning of ids that are numbers. Ids of the hosted service begin with their time, which is never 0. */
const NUMBER = "0".repeat(12)

/** Ids of temporary conversations, which are the gids of their chats. */
const TEMPORARY = /^_tmp:[0-9a-f]{24}$/
export const TEMPORARY_PREFIX = "_tmp:"

export const isTemporaryId = (conversation: string): boolean => TEMPORARY.test(conversation)

export const conversationId = ({ id, gid }: Pick<Chat, "gid" | "id">): string =>
  isTemporaryId(gid) || (ID.test(gid) && !gid.startsWith(NUMBER)) ? gid : id.toString(16).padStart(24, "0")

/** Returns the chat that an id names; undefined for other texts. */
export const chatRef = (conversation: string): ChatRef | undefined => {
  if (isTemporaryId(conversation)) return { gid: conversation }
  if (!ID.test(conversation)) return undefined
  return conversation.startsWith(NUMBER) ? { id: ChatId(Number.parseInt(conversation, 16)) } : { gid: conversation }
}

/** Bytes of randomness in the id of a new conversation, after its time in seconds. */
export const RANDOM_BYTES = 8

/** Returns the id of a new conversation from its time in milliseconds and 16 random digits. */
export const newConversationId = (now: number, random: string): string =>
  Math.floor(now / 1000)
    .toString(16)
    .padStart(8, "0") + random

/** Beginning of the gids of imported messages, before the id that they had. */
const IMPORTED = "leancloud:"
const NUMBERED = /^[0-9a-f]{16}$/

/** Returns the gid of an imported message; undefined if its id cannot be kept, since it may be that of another message. */
export const importedGid = (id: string): string | undefined =>
  /^[\w.~=+/-]{1,128}$/.test(id) && !NUMBERED.test(id) ? IMPORTED + id : undefined

/** Returns the id of a message on the wire: its number, or the id that it had before its import. */
export const messageId = ({ id, gid }: Pick<Message, "gid" | "id">): string =>
  gid.startsWith(IMPORTED) ? gid.slice(IMPORTED.length) : numberedId(id)

export const numberedId = (id: number): string => id.toString(16).padStart(16, "0")

/** Returns the number of a message; undefined for other texts. */
const entryId = (message: string): EntryId | undefined => {
  const id = NUMBERED.test(message) ? Number.parseInt(message, 16) : 0
  return id > 0 && Number.isSafeInteger(id) ? EntryId(id) : undefined
}

/** Returns the message that an id on the wire names. */
export const messageNamed = (
  store: Pick<Store["Service"], "messages" | "messagesByGid">,
  message: string
): Effect.Effect<Message | undefined, StorageFailed> => {
  const id = entryId(message)
  if (id !== undefined) return Effect.map(store.messages([id]), ([found]) => found)
  const gid = importedGid(message)
  return gid === undefined ? Effect.undefined : Effect.map(store.messagesByGid([gid]), ([found]) => found)
}
