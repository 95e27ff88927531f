/**
 * Contents of messages. A plain text is stored as a text, and an image or a file by its link, which every protocol shows; other
 * messages are stored as they came, with the clients that they mention.
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

/** Content types of messages with a file, by `_lctype`. */
const FILES: ReadonlyMap<unknown, string> = new Map([
  [-2, "image"],
  [-3, "audio"],
  [-4, "video"],
  [-6, "file"]
])
const FILE_TYPES: ReadonlyMap<string, unknown> = new Map(Array.from(FILES, ([type, name]) => [name, type]))

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

/** Returns the stored form of a message with a file, by its link; the message itself is kept in it. */
const fileContent = (msg: string): StoredContent | undefined => {
  const { _lctype: type, _lcfile: file } = parseContent(msg) ?? {}
  const contentType = FILES.get(type)
  if (contentType === undefined || typeof file !== "object" || file === null) return undefined
  const { url, metaData } = file as { readonly url?: unknown; readonly metaData?: unknown }
  if (typeof url !== "string" || url === "") return undefined
  const { name, size } = (metaData ?? {}) as { readonly name?: unknown; readonly size?: unknown }
  const content = {
    url,
    ...(typeof name === "string" && { name }),
    ...(typeof size === "number" && { size }),
    [RTM]: msg
  }
  return { contentType, content: JSON.stringify(content) }
}

/** Returns a message with a file; its content is JSON with a link, or the link itself. */
const fileMessage = (type: unknown, content: string, linkOf: LinkOf): string => {
  const { url, id, name, size, [RTM]: own } = parseContent(content) ?? { url: content }
  if (typeof own === "string") return own
  const link = typeof url === "string" ? url : typeof id === "number" ? linkOf(id) : undefined
  const metaData = { ...(typeof name === "string" && { name }), ...(typeof size === "number" && { size }) }
  return JSON.stringify({ _lctype: type, _lcfile: { url: link ?? "", metaData } })
}

/** Returns the link of a file that was uploaded to this server; undefined without a protocol that serves files. */
export type LinkOf = (file: number) => string | undefined

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
  if (Object.keys(mentions).length === 0 && msg !== undefined) {
    const text = plainText(msg)
    if (text !== undefined) return { contentType: "text", content: text }
    const file = fileContent(msg)
    if (file !== undefined) return file
  }
  return { contentType: RTM, content: JSON.stringify({ msg, ...mentions }) }
}

/** Returns the content as clients get it. Messages of other protocols are texts. */
export const toWire = (
  message: Pick<Message, "content" | "contentType" | "recalled">,
  linkOf: LinkOf = () => undefined
): WireContent => {
  if (message.recalled) return { msg: JSON.stringify({ _lctype: RECALLED }) }
  const file = FILE_TYPES.get(message.contentType)
  if (file !== undefined) return { msg: fileMessage(file, message.content, linkOf) }
  if (message.contentType !== RTM) return { msg: textMessage(message.content) }
  const { msg, bin, mention, mentionAll } = (parseContent(message.content) ?? {}) as Envelope
  const bytes = bin === undefined ? undefined : Base64.decode(bin)
  return {
    ...(bytes === undefined || Result.isFailure(bytes) ? { msg: msg ?? "" } : { binaryMsg: bytes.success }),
    ...(mention !== undefined && { mentionPids: mention }),
    ...(mentionAll === true && { mentionAll })
  }
}

/** Returns whether a message mentions a client. */
export const mentions = ({ mentionPids = [], mentionAll = false }: WireContent, client: string): boolean =>
  mentionAll || mentionPids.includes(client)
