/**
 * Converts conversation ids, message types and times to this protocol's numbers. Source: seeds/003; PROTOCOLS, "Identity"
 * and "ha".
 */
import { ChatId } from "@parley/core/Ids"
import type { Message } from "@parley/core/Message"
import { parseContent } from "../_http/jsonLimits.ts"

/** Conversation ids are negative with nine digits: −100000001 is chat 1. */
const ID_OFFSET = 100_000_000
const MAX_ID = 999_999_999

export const conversationIdOf = (chat: ChatId): number => -(ID_OFFSET + chat)

/** Returns the chat of a conversation id; undefined if the number is not a conversation id. */
export const chatIdOf = (conversation: number): ChatId | undefined =>
  Number.isInteger(conversation) && conversation < -ID_OFFSET && conversation >= -MAX_ID
    ? ChatId(-conversation - ID_OFFSET)
    : undefined

const TYPES: ReadonlyMap<number, string> = new Map([
  [-1, "text"],
  [-2, "image"],
  [-3, "video"],
  [-4, "file"],
  [-5, "location"],
  [-6, "audio"]
])
const NUMBERS: ReadonlyMap<string, number> = new Map(Array.from(TYPES, ([number, type]) => [type, number]))
const TEXT = -1

/** Returns the content type of a documented number. */
export const contentTypeOf = (type: number): string | undefined => TYPES.get(type)

/** Types whose content is a link; JSON in it comes from another protocol. */
const LINKS: ReadonlySet<string> = new Set(["image", "video", "file", "audio", "emoticon"])

/**
 * Returns a message's type and content for this protocol: of JSON content, its `url`. A type without a number becomes text.
 * Source: PROTOCOLS, "Content of other protocols".
 */
export const contentOf = ({ contentType, content }: Message): { readonly type: number; readonly content: string } => ({
  type: NUMBERS.get(contentType) ?? TEXT,
  content: LINKS.has(contentType) ? linkIn(content) : content
})

const linkIn = (content: string): string => {
  const url = parseContent(content)?.["url"]
  return typeof url === "string" ? url : content
}

/** Maximum time of a date, in milliseconds since 1970. */
const MAX_TIME = 8.64e15

/** Parses milliseconds since 1970, written in digits. */
export const timeOf = (text: string): number | undefined => {
  const time = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN
  return time <= MAX_TIME ? time : undefined
}
