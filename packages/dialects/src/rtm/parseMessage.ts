/** Messages as the service's REST API lists them in a history. */
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import { type StoredContent, toStored } from "./content.ts"
import { importedGid } from "./ids.ts"
import type { Fields } from "./readValues.ts"

export interface ImportedMessage {
  /** Id of the conversation. */
  readonly conversation: string
  readonly id: string
  readonly gid: string
  /** Client id of the sender. */
  readonly from: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly content: StoredContent
}

const CONVERSATION = /^[0-9a-f]{24}$/

/** Fields that are imported, or that follow from those. */
export const MESSAGE_FIELDS: ReadonlySet<string> = new Set(
  "msg-id conv-id to from data timestamp bin is-conv is-room mention-all mention-client-ids".split(" ")
)

const isTexts = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.every((one) => typeof one === "string")

/** Times that a `Date` can have. */
export const isTime = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value > 0 && value <= 8.64e15

/** The conversation is `conv-id`; older histories have it in `to`, beside an id of another kind. */
const conversationIn = (fields: Fields): string | undefined =>
  [fields["conv-id"], fields["to"]].find((id): id is string => typeof id === "string" && CONVERSATION.test(id))

/** Returns the message; otherwise why it is not valid. */
export const parseMessage = (fields: Fields): ImportedMessage | string => {
  const { "msg-id": id, from, data, timestamp: at, bin = false } = fields
  const { "mention-all": mentionAll = false, "mention-client-ids": mentionPids = [] } = fields
  if (typeof id !== "string") return "msg-id must be a text"
  const gid = importedGid(id)
  if (gid === undefined) return `msg-id ${JSON.stringify(id)} cannot be kept`
  const conversation = conversationIn(fields)
  if (conversation === undefined) return "conv-id or to must be 24 hexadecimal digits"
  if (typeof from !== "string") return "from must be a text"
  if (!isTime(at)) return "timestamp must be a number of milliseconds"
  if (typeof data !== "string") return "data must be a text"
  if (!data.isWellFormed()) return "data must be well-formed Unicode"
  if (typeof bin !== "boolean") return "bin must be true or false"
  if (typeof mentionAll !== "boolean") return "mention-all must be true or false"
  if (!isTexts(mentionPids)) return "mention-client-ids must be an array of texts"
  const bytes = bin ? Base64.decode(data) : undefined
  if (bytes !== undefined && Result.isFailure(bytes)) return "data must be in base64, since bin is true"
  const content = toStored({
    ...(bytes === undefined ? { msg: data } : { binaryMsg: bytes.success }),
    mentionPids,
    mentionAll
  })
  return content === undefined ? "data must be a text" : { conversation, id, gid, from, at, content }
}
