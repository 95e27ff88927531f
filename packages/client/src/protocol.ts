/** Packets of the server, with the fields of the protocol's document. Dates are seconds since 1970, 0 for never. */

export type Status = "online" | "away" | "busy" | "offline"

/** A user. */
export interface User {
  /** Id at the server. */
  readonly id: number
  /** Unique name of the account. */
  readonly account: string
  /** Display name. */
  readonly realname: string
  /** A URL, or "". */
  readonly avatar: string
  /** Role in the organisation, a text of the host; "" for none. */
  readonly role: string
  /** Id of the department; 0 for none. */
  readonly dept: number
  /** Presence. */
  readonly status: Status
  /** The user's id in the application that embeds the server, where it has its own users (`directory`). */
  readonly externalId?: string
}

/** A chat. Dates are seconds since 1970, 0 for never. */
export interface Chat {
  /** Id at the server. */
  readonly id: number
  /** Id that its creator has chosen; names the chat in requests. */
  readonly gid: string
  /** Name; "" for a direct chat. */
  readonly name: string
  /** `system`, `one2one`, `group`, `project`, `product`, … */
  readonly type: string
  /** User ids joined by commas, or "". */
  readonly admins: string
  /** Users who may send: ids joined by commas, "" or `$ALL` for all, or `$ADMINS`. */
  readonly committers: string
  /** Id of the product, project, … that it is about; 0 for none. */
  readonly subject: number
  /** Whether all users may find and join it. */
  readonly public: boolean
  /** An account. */
  readonly createdBy: string
  /** Seconds since 1970. */
  readonly createdDate: number
  /** An account. */
  readonly editedBy: string
  /** Seconds since 1970. */
  readonly editedDate: number
  /** Date of the newest message. */
  readonly lastActiveTime: number
  /** Absent in the list of public chats. */
  readonly members?: ReadonlyArray<{ readonly id: number }>
  /** Preferences of this user; present only in the list of this user's chats. */
  readonly star?: boolean
  /** Whether this user has hidden it. */
  readonly hide?: boolean
  /** Whether this user has muted it. */
  readonly mute?: boolean
}

/** Type of a message's content; `emotion` and `object` come from 1.x desktop clients. */
export type ContentType = "text" | "emoticon" | "image" | "file" | "emotion" | "object"

/** A message. Dates are seconds since 1970, 0 for never. */
export interface Message {
  /** Rises within a chat, in the order in which all members get its messages. */
  readonly id: number
  /** Id that the sending client has chosen. */
  readonly gid: string
  /** The gid of its chat. */
  readonly cgid: string
  /** The sender's id; 0 for a broadcast. */
  readonly user: number
  /** Seconds since 1970. */
  readonly date: number
  /** `broadcast` has no sender. */
  readonly type: "normal" | "broadcast"
  /** Kind of the content. */
  readonly contentType: ContentType
  /** JSON text for `emoticon`, `image` and `file`, text for others; "" once recalled. */
  readonly content: string
  /** Present once the message was recalled. */
  readonly recalled?: true
  /** The content is another than the sent one; present in replies of `edit` and in histories before a message. */
  readonly edited?: true
}

/** An incoming message. */
export interface Incoming extends Message {
  /** `replaced`: new content for an earlier message. `recalled`: an earlier message was recalled. */
  readonly change: "new" | "replaced" | "recalled"
}

/** Unread messages of one chat. */
export interface Unread {
  /** The chat's gid. */
  readonly gid: string
  /** Messages of others since this user last read or posted, without recalled and deleted ones; at most 200. */
  readonly count: number
  /** Whether there are older ones, which were not counted. */
  readonly more: boolean
  /** Messages with ids up to this one are read; 0 for none. */
  readonly id: number
}

/** Position up to which one member has read a chat. */
export interface ReadMark {
  /** Id of the user. */
  readonly user: number
  /** Messages with ids up to this one are read; 0 for none. */
  readonly id: number
}

/** A member of a chat who types a message, or has stopped. */
export interface Typing {
  /** The chat's gid. */
  readonly gid: string
  /** Id of the user. */
  readonly user: number
  /** False once the user has stopped. */
  readonly typing: boolean
}

/** Position of a page in a chat's history. */
export interface Pager {
  /** Messages per page. */
  readonly recPerPage: number
  /** From 1. */
  readonly pageID: number
  /** Number of messages of the chat, including recalled ones. */
  readonly recTotal: number
  /** The chat's gid. */
  readonly gid: string
  /** As in the request. */
  readonly continued: boolean
}

/** A file of a chat. */
export interface ChatFile {
  /** Id at the server. */
  readonly id: number
  /** Name of the file. */
  readonly title: string
  /** Bytes. */
  readonly size: number
  /** Id of the user. */
  readonly addedBy: number
}

/** A reply to a request if it has a `result`, otherwise a push. */
export interface Packet {
  /** Module of the method: `chat` or the server's own. */
  readonly module: string
  /** Method of the request or push. */
  readonly method: string
  /** Id of a push, to be acknowledged. */
  readonly id?: number
  /** `success`, `fail` or `denied`; absent in pushes. */
  readonly result?: string
  /** Reason of a refusal. */
  readonly message?: string
  /** Session token, in the reply to a login. */
  readonly sid?: string
  /** Content of the reply or push. */
  readonly data?: unknown
  /** Page of a history. */
  readonly pager?: Pager
}

const isText = (value: unknown): boolean => value === undefined || typeof value === "string"

const isPacket = (json: unknown): json is Packet => {
  if (typeof json !== "object" || json === null) return false
  const { id, message, method, module, result, sid } = json as { readonly [name: string]: unknown }
  return (
    typeof module === "string" &&
    typeof method === "string" &&
    (id === undefined || typeof id === "number") &&
    [result, message, sid].every(isText)
  )
}

/**
 * Returns the packets of one frame. Calls `malformed` for each element that is not a packet, and skips it: it cannot be
 * acknowledged.
 */
export const packetsOf = (frame: unknown, malformed: () => void): ReadonlyArray<Packet> => {
  let json: unknown
  try {
    json = JSON.parse(String(frame))
  } catch {
    malformed()
    return []
  }
  return (Array.isArray(json) ? json : [json]).filter((element: unknown): element is Packet => {
    const isValid = isPacket(element)
    if (!isValid) malformed()
    return isValid
  })
}

/** Returns the objects in a packet's data, which is one or an array. */
export const listOf = <A extends object>(data: unknown): ReadonlyArray<A> =>
  (Array.isArray(data) ? data : [data]).filter((one): one is A => typeof one === "object" && one !== null)

/** Compares a packet's method, ignoring case: the document itself writes some names in two ways. */
export const isCalled = (packet: Packet, method: string): boolean =>
  packet.method.toLowerCase() === method.toLowerCase()

/** Whether a push reports a login of the account elsewhere. */
export const isTakeover = (packet: Packet): boolean =>
  packet.result === undefined && ((packet.module === "null" && packet.method === "null") || isCalled(packet, "kickoff"))

/** Returns a random gid of 32 hex digits. Pages without TLS have no `crypto.randomUUID`. */
export const newGid = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("")
