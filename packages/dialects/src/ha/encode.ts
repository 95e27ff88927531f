/**
 * This protocol's own numbers: ids of conversations, types of messages, times. Source: seeds/003; PROTOCOLS, "Identity"
 * and "ha".
 */
import { ChatId } from "@parley/core/Ids"
import type { Message } from "@parley/core/Message"
import { isFields } from "../_http/fields.ts"

/** Conversation ids are negative and have nine digits: −100000001 is chat 1. */
const OFFSET = 100_000_000
const LAST = 999_999_999

export const conversationIdOf = (chat: ChatId): number => -(OFFSET + chat)

/** The chat that the conversation would be; nothing where the number cannot be one's id. */
export const chatIdOf = (conversation: number): ChatId | undefined =>
  Number.isInteger(conversation) && conversation < -OFFSET && conversation >= -LAST
    ? ChatId(-conversation - OFFSET)
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

/** The content type of a documented number. */
export const contentTypeOf = (type: number): string | undefined => TYPES.get(type)

/** Types whose content is a link, so that JSON in it came from elsewhere. */
const LINKS: ReadonlySet<string> = new Set(["image", "video", "file", "audio", "emoticon"])

/**
 * A message's type and content as this protocol shows them: of a content that is JSON, its `url`. What has no number here
 * is text. Source: PROTOCOLS, "Content of other protocols".
 */
export const contentOf = ({ contentType, content }: Message): { readonly type: number; readonly content: string } => ({
  type: NUMBERS.get(contentType) ?? TEXT,
  content: LINKS.has(contentType) ? linkIn(content) : content
})

const linkIn = (content: string): string => {
  if (!content.startsWith("{")) return content
  try {
    const json: unknown = JSON.parse(content)
    return isFields(json) && typeof json["url"] === "string" ? json["url"] : content
  } catch {
    return content
  }
}

/** The last millisecond that a date can hold. */
const MAX_TIME = 8.64e15

/** Milliseconds since 1970 of a time as it is written: digits. */
export const timeOf = (text: string): number | undefined => {
  const time = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN
  return time <= MAX_TIME ? time : undefined
}
