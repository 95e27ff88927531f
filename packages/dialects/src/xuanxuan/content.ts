/**
 * Encodes content: text unchanged, everything else as JSON text.
 * Source: seeds/002, "Message 表"; PROTOCOLS, "Content of other protocols".
 */
import type { Message } from "@parley/core/Message"

/** Content types of other protocols that are encoded as a `file` with this kind. */
const FILE_KINDS: ReadonlySet<string> = new Set(["video", "audio"])
/** Content types of this protocol. */
const OWN_TYPES: ReadonlySet<string> = new Set(["text", "emoticon", "image", "file"])

export const contentOf = (message: Message): { readonly contentType: string; readonly content: string } => {
  const { contentType, content } = message
  if (contentType === "text" || message.recalled) return { contentType: typeOf(contentType), content }
  if (FILE_KINDS.has(contentType)) {
    return { contentType: "file", content: withKind(content, contentType) }
  }
  if (!OWN_TYPES.has(contentType)) return { contentType: "text", content }
  if (isObjectText(content)) return { contentType, content }
  return { contentType, content: JSON.stringify({ url: content, ...(contentType === "file" && { kind: "file" }) }) }
}

const typeOf = (contentType: string): string =>
  FILE_KINDS.has(contentType) ? "file" : OWN_TYPES.has(contentType) ? contentType : "text"

const parse = (content: string): unknown => {
  if (!content.startsWith("{")) return undefined
  try {
    return JSON.parse(content)
  } catch {
    return undefined
  }
}

const isObjectText = (content: string): boolean => parse(content) !== undefined

const withKind = (content: string, kind: string): string => {
  try {
    return JSON.stringify({ ...objectOf(content), kind })
  } catch {
    // Parsed JSON may be too deep to serialize; protocols that do not inspect content accept it.
    return JSON.stringify({ url: content, kind })
  }
}

const objectOf = (content: string): object => {
  const object = parse(content)
  return typeof object === "object" && object !== null ? object : { url: content }
}
