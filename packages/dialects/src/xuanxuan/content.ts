/**
 * Encodes content: text unchanged, everything else as JSON text.
 * Source: seeds/002, "Message 表"; PROTOCOLS, "Content of other protocols".
 */
import type { Message } from "@parley/core/Message"
import { parseContent } from "../_http/jsonLimits.ts"

/** Content types of other protocols that are encoded as a `file` with this kind. */
const FILE_KINDS: ReadonlySet<string> = new Set(["video", "audio"])
/** Content types of this protocol. */
const OWN_TYPES: ReadonlySet<string> = new Set(["text", "emoticon", "image", "file", "emotion", "object"])
/** Content types whose content is not changed: text, and two that 1.x clients store. Source: PROTOCOLS, "message". */
const VERBATIM_TYPES: ReadonlySet<string> = new Set(["text", "emotion", "object"])

/** Content of a message as it is sent. */
export interface Content {
  readonly contentType: string
  readonly content: string
}

export const contentOf = (message: Message): Content => {
  const { contentType, content } = message
  if (message.recalled || VERBATIM_TYPES.has(contentType)) return { contentType: typeOf(contentType), content }
  if (FILE_KINDS.has(contentType)) {
    return { contentType: "file", content: withKind(content, contentType) }
  }
  if (!OWN_TYPES.has(contentType)) return { contentType: "text", content }
  if (parseContent(content) !== undefined) return { contentType, content }
  return { contentType, content: JSON.stringify({ url: content, ...(contentType === "file" && { kind: "file" }) }) }
}

const typeOf = (contentType: string): string =>
  FILE_KINDS.has(contentType) ? "file" : OWN_TYPES.has(contentType) ? contentType : "text"

const withKind = (content: string, kind: string): string =>
  JSON.stringify({ ...(parseContent(content) ?? { url: content }), kind })
