/**
 * Packets between nodes, as JSON. A packet has the format's version, its sender, and a number, so that a lost one is
 * noticed; a packet of another version counts as a lost one.
 */
import type { DeliveredEvent, ReadEvent, TransientMessageEvent, TypingEvent, UserEvent } from "../model/Event.ts"
import type { ChatId, EntryId, UserId } from "../model/Ids.ts"
import type { Entry, Posted } from "../model/Log.ts"
import type { Message } from "../model/Message.ts"
import type { PresentUser, Status } from "../model/User.ts"

/** Version of the format. */
export const PACKET_FORMAT = 1

/** An appended entry. */
export interface EntryNotice {
  readonly _tag: "Entry"
  readonly entry: Entry
  /** Version of the chat's facts after it. */
  readonly version: number
  /** The replaced or recalled message, as it stands after the entry. */
  readonly message?: Message
  /** Members of a new chat, unless all users are. */
  readonly members?: ReadonlyArray<UserId>
}

/** A transient event without its chat, and without an id, which each node assigns. */
export type RemoteTransientEvent =
  | Omit<ReadEvent, "chat" | "id">
  | Omit<DeliveredEvent, "chat" | "id">
  | Omit<TypingEvent, "chat" | "id">
  | Omit<TransientMessageEvent, "chat" | "id">

/** One notice of a packet, discriminated by `_tag`. */
export type Notice =
  | EntryNotice
  /** An appended entry that is too large for a packet, or whose chat must be read. `seq` is its sequence. */
  | { readonly _tag: "Appended"; readonly chat: ChatId; readonly id: EntryId; readonly seq: number }
  /** A user's status on the sending node. `version` and `since` as in `NodePresence`. */
  | {
      readonly _tag: "Status"
      readonly user: UserId
      readonly status: Status
      readonly version: number
      readonly since: number
    }
  /** An event about a user. `version` as in `NodePresence`; 0 for a new name. */
  | { readonly _tag: "User"; readonly what: UserEvent["what"]; readonly user: PresentUser; readonly version: number }
  /** A transient event in a chat. */
  | { readonly _tag: "Transient"; readonly chat: ChatId; readonly event: RemoteTransientEvent }
  /** The journal has grown. */
  | { readonly _tag: "Journal" }

/** Identity and number of a packet. */
export interface PacketHeader {
  readonly format: number
  /** Unique for each start of a node. */
  readonly node: string
  /** 1, 2, 3, … for each node. */
  readonly number: number
}

/** A packet that was received. */
export interface Packet extends PacketHeader {
  /** Undefined for an unknown format, or if one of them cannot be read. */
  readonly notices: ReadonlyArray<Notice> | undefined
}

/** Returns the packet with these encoded notices. */
export const encodePacket = (node: string, number: number, notices: ReadonlyArray<string>): string =>
  `{"format":${PACKET_FORMAT},"node":${JSON.stringify(node)},"number":${number},"notices":[${notices.join(",")}]}`

/** Maximum number of characters around the notices. */
export const PACKET_OVERHEAD = 200

/** A message, by far the most frequent notice: a list is half as long as an object, and is parsed in half the time. */
type MessageRow = readonly [
  id: EntryId,
  chat: ChatId,
  version: number,
  seq: number,
  posted: number,
  at: number,
  by: UserId | null,
  device: string | null,
  gid: string,
  type: Posted["type"],
  contentType: string,
  content: string,
  date: number
]

const messageRow = ({ at, by, chat, device, id, posted, seq }: Entry, body: Posted, version: number): MessageRow => {
  const { content, contentType, date, gid, type } = body
  return [id, chat, version, seq, posted, at, by, device, gid, type, contentType, content, date]
}

const messageNotice = (row: MessageRow): EntryNotice => {
  const [id, chat, version, seq, posted, at, by, device, gid, type, contentType, content, date] = row
  const body: Posted = { _tag: "Posted", gid, type, contentType, content, date }
  return { _tag: "Entry", entry: { id, chat, seq, posted, at, by, device, body }, version }
}

export const encodeNotice = (notice: Notice): string =>
  notice._tag === "Entry" && notice.entry.body._tag === "Posted"
    ? JSON.stringify(messageRow(notice.entry, notice.entry.body, notice.version))
    : JSON.stringify(notice)

const isNumber = (value: unknown): boolean => typeof value === "number"
const isText = (value: unknown): boolean => typeof value === "string"

const isMessageRow = (row: ReadonlyArray<unknown>): boolean => {
  const [id, chat, version, seq, posted, at, by, device, gid, type, contentType, content, date] = row
  return (
    [id, chat, version, seq, posted, at, date].every(isNumber) &&
    [gid, type, contentType, content].every(isText) &&
    (by === null || isNumber(by)) &&
    (device === null || isText(device))
  )
}

type Fields = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const areNumbers = (fields: Fields, ...names: ReadonlyArray<string>): boolean =>
  names.every((name) => isNumber(fields[name]))

/** Whether a notice has the fields by which it is applied; a node would otherwise fail at somebody else's text on the bus. */
const isNotice = (value: unknown): boolean => {
  if (!isObject(value)) return false
  const { entry, event, user } = value
  switch (value["_tag"]) {
    case "Entry":
      return (
        areNumbers(value, "version") &&
        isObject(entry) &&
        areNumbers(entry, "id", "chat", "seq", "posted", "at") &&
        isObject(entry["body"]) &&
        isText(entry["body"]["_tag"])
      )
    case "Appended":
      return areNumbers(value, "chat", "id", "seq")
    case "Status":
      return areNumbers(value, "user", "version") && isText(value["status"])
    case "User":
      return areNumbers(value, "version") && isObject(user) && areNumbers(user, "id")
    case "Transient":
      return areNumbers(value, "chat") && isObject(event) && isText(event["_tag"])
    default:
      return value["_tag"] === "Journal"
  }
}

/** Decodes notices; returns undefined if one of them cannot be read. */
const decodeNotices = (values: ReadonlyArray<unknown>): ReadonlyArray<Notice> | undefined => {
  const notices: Array<Notice> = []
  for (const value of values) {
    if (Array.isArray(value)) {
      if (!isMessageRow(value)) return undefined
      notices.push(messageNotice(value as unknown as MessageRow))
    } else {
      if (!isNotice(value)) return undefined
      notices.push(value as Notice)
    }
  }
  return notices
}

/** Decodes a packet; returns undefined for a text that is not one. */
export const decodePacket = (text: string): Packet | undefined => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== "object" || value === null) return undefined
  const { format, node, notices, number } = value as Readonly<Record<string, unknown>>
  if (typeof format !== "number" || typeof node !== "string" || node === "") return undefined
  if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 1) return undefined
  const isKnown = format === PACKET_FORMAT && Array.isArray(notices)
  return { format, node, number, notices: isKnown ? decodeNotices(notices) : undefined }
}
