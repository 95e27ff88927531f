/**
 * Content as this protocol writes it: text as it is, everything else as JSON text.
 * Source: seeds/002, "Message 表"; PROTOCOLS, "Content of other protocols".
 */
import type { Message } from "@parley/core/Message"

/** Content types of other protocols that are a `file` here, with their kind. */
const KINDS: ReadonlySet<string> = new Set(["video", "audio"])
const OWN: ReadonlySet<string> = new Set(["text", "emoticon", "image", "file"])

export const contentOf = (message: Message): { readonly contentType: string; readonly content: string } => {
  const { contentType, content } = message
  if (contentType === "text" || message.recalled) return { contentType: shownAs(contentType), content }
  if (KINDS.has(contentType)) {
    return { contentType: "file", content: withKind(content, contentType) }
  }
  if (!OWN.has(contentType)) return { contentType: "text", content }
  if (isObjectText(content)) return { contentType, content }
  return { contentType, content: JSON.stringify({ url: content, ...(contentType === "file" && { kind: "file" }) }) }
}

const shownAs = (contentType: string): string =>
  KINDS.has(contentType) ? "file" : OWN.has(contentType) ? contentType : "text"

const parsed = (content: string): unknown => {
  if (!content.startsWith("{")) return undefined
  try {
    return JSON.parse(content)
  } catch {
    return undefined
  }
}

const isObjectText = (content: string): boolean => parsed(content) !== undefined

const withKind = (content: string, kind: string): string => {
  try {
    return JSON.stringify({ ...objectOf(content), kind })
  } catch {
    // What can be parsed may be too deep to be written again; protocols that do not look into content let it pass.
    return JSON.stringify({ url: content, kind })
  }
}

const objectOf = (content: string): object => {
  const object = parsed(content)
  return typeof object === "object" && object !== null ? object : { url: content }
}
