/**
 * Contents of messages. A plain text is stored as a text, which every protocol shows; other messages are stored as they came,
 * with whom they mention.
 */
import type { Message } from "@parley/core/Message"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import { parseContent } from "../_http/jsonLimits.ts"

/** Content type of messages that are not plain texts. */
const RTM = "rtm"

/** Types of messages (`_lctype`). */
const TEXT = -1
const RECALLED = -127

/** Content as a client sends and receives it. */
export interface WireContent {
  /** Text or JSON; undefined for bytes. */
  readonly msg?: string
  readonly binaryMsg?: Uint8Array
  readonly mentionPids?: ReadonlyArray<string>
  readonly mentionAll?: boolean
}

export interface StoredContent {
  readonly contentType: string
  readonly content: string
}

/** Stored form of a message that is not a plain text. */
interface Envelope {
  readonly msg?: string
  /** Bytes in base64. */
  readonly bin?: string
  readonly mention?: ReadonlyArray<string>
  readonly mentionAll?: true
}

/** Returns the text of a message that is only a text. */
const plainText = (msg: string): string | undefined => {
  const { _lctype: type, _lctext: text, ...others } = parseContent(msg) ?? {}
  return type === TEXT && typeof text === "string" && text !== "" && Object.keys(others).length === 0 ? text : undefined
}

const textMessage = (text: string): string => JSON.stringify({ _lctype: TEXT, _lctext: text })

/** Returns the stored form; undefined without content. */
export const toStored = ({
  msg,
  binaryMsg,
  mentionPids = [],
  mentionAll = false
}: WireContent): StoredContent | undefined => {
  if (msg === undefined && binaryMsg === undefined) return undefined
  const mentions = { ...(mentionPids.length > 0 && { mention: mentionPids }), ...(mentionAll && { mentionAll }) }
  if (binaryMsg !== undefined) {
    return { contentType: RTM, content: JSON.stringify({ bin: Base64.encode(binaryMsg), ...mentions }) }
  }
  const text = Object.keys(mentions).length === 0 && msg !== undefined ? plainText(msg) : undefined
  if (text !== undefined) return { contentType: "text", content: text }
  return { contentType: RTM, content: JSON.stringify({ msg, ...mentions }) }
}

/** Returns the content as clients get it. Messages of other protocols are texts. */
export const toWire = (message: Pick<Message, "content" | "contentType" | "recalled">): WireContent => {
  if (message.recalled) return { msg: JSON.stringify({ _lctype: RECALLED }) }
  if (message.contentType !== RTM) return { msg: textMessage(shownText(message)) }
  const { msg, bin, mention, mentionAll } = (parseContent(message.content) ?? {}) as Envelope
  const bytes = bin === undefined ? undefined : Base64.decode(bin)
  return {
    ...(bytes === undefined || Result.isFailure(bytes) ? { msg: msg ?? "" } : { binaryMsg: bytes.success }),
    ...(mention !== undefined && { mentionPids: mention }),
    ...(mentionAll === true && { mentionAll })
  }
}

/** Returns the name of a file, or the content itself. */
const shownText = ({ contentType, content }: Pick<Message, "content" | "contentType">): string => {
  if (contentType === "text") return content
  const { name, title, url } = parseContent(content) ?? {}
  const shown = [name, title, url].find((one) => typeof one === "string" && one !== "")
  return typeof shown === "string" ? shown : content
}

/** Returns whether a message mentions a client. */
export const mentions = ({ mentionPids = [], mentionAll = false }: WireContent, client: string): boolean =>
  mentionAll || mentionPids.includes(client)
