/**
 * Ids of conversations and messages on the wire. A conversation that was created here has its gid as its id, 24 hexadecimal
 * digits; another chat has its number, in as many digits. A message has its number in 16 digits, so that ids are ordered as
 * messages are.
 */
import type { Chat } from "@parley/core/Chat"
import type { ChatRef } from "@parley/core/Command"
import { ChatId, EntryId } from "@parley/core/Ids"

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

export const messageId = (id: number): string => id.toString(16).padStart(16, "0")

/** Returns the id of a message; undefined for other texts. */
export const entryId = (message: string): EntryId | undefined => {
  const id = /^[0-9a-f]{16}$/.test(message) ? Number.parseInt(message, 16) : 0
  return id > 0 && Number.isSafeInteger(id) ? EntryId(id) : undefined
}
