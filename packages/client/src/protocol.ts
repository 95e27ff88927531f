/** What the server says, with the fields of the protocol's document. Dates are seconds since 1970, 0 for never. */

export type Status = "online" | "away" | "busy" | "offline"

export interface User {
  readonly id: number
  readonly account: string
  readonly realname: string
  /** A URL, or "". */
  readonly avatar: string
  readonly role: string
  /** The department's id, 0 for none. */
  readonly dept: number
  readonly status: Status
}

export interface Chat {
  readonly id: number
  readonly gid: string
  readonly name: string
  /** `system`, `one2one`, `group`, `project`, `product`, … */
  readonly type: string
  /** User ids joined by commas, or "". */
  readonly admins: string
  /** User ids joined by commas, "" or `$ALL` for all, `$ADMINS`. */
  readonly committers: string
  readonly subject: number
  readonly public: boolean
  /** Accounts. */
  readonly createdBy: string
  readonly createdDate: number
  readonly editedBy: string
  readonly editedDate: number
  readonly lastActiveTime: number
  /** Absent in the list of public chats. */
  readonly members?: ReadonlyArray<{ readonly id: number }>
  /** One's own, in the list of one's own chats. */
  readonly star?: boolean
  readonly hide?: boolean
  readonly mute?: boolean
}

export type ContentType = "text" | "emoticon" | "image" | "file"

export interface Message {
  /** Rises within a chat in the order in which all members see its messages. */
  readonly id: number
  readonly gid: string
  /** The gid of its chat. */
  readonly cgid: string
  /** The sender's id; 0 for a broadcast. */
  readonly user: number
  readonly date: number
  readonly type: "normal" | "broadcast"
  readonly contentType: ContentType
  /** JSON text where the content type is not `text`; "" once it was recalled. */
  readonly content: string
  readonly recalled?: true
}

/** A message as it comes in. */
export interface Incoming extends Message {
  /** `replaced`: it was there before with another content. `recalled`: it is there no more. */
  readonly change: "new" | "replaced" | "recalled"
}

export interface Pager {
  readonly recPerPage: number
  /** From 1. */
  readonly pageID: number
  /** Messages of the chat, recalled ones too. */
  readonly recTotal: number
  readonly gid: string
  readonly continued: boolean
}

export interface ChatFile {
  readonly id: number
  readonly title: string
  /** Bytes. */
  readonly size: number
  /** A user's id. */
  readonly addedBy: number
}

/** One packet: the answer to a request where it has a `result`, else a push. */
export interface Packet {
  readonly module: string
  readonly method: string
  readonly id?: number
  readonly result?: string
  readonly message?: string
  readonly sid?: string
  readonly data?: unknown
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
 * The packets of one frame. What is none is left out: it can be neither answered nor acknowledged. `malformed` is called for
 * each of those.
 */
export const packetsOf = (frame: unknown, malformed: () => void): ReadonlyArray<Packet> => {
  let json: unknown
  try {
    json = JSON.parse(String(frame))
  } catch {
    malformed()
    return []
  }
  return (Array.isArray(json) ? json : [json]).filter((one: unknown): one is Packet => {
    const is = isPacket(one)
    if (!is) malformed()
    return is
  })
}

/** The objects in a packet's data, be it one or an array. */
export const listOf = <A extends object>(data: unknown): ReadonlyArray<A> =>
  (Array.isArray(data) ? data : [data]).filter((one): one is A => typeof one === "object" && one !== null)

/** Names are told apart without regard to case: the document itself writes some in two ways. */
export const isCalled = (packet: Packet, method: string): boolean =>
  packet.method.toLowerCase() === method.toLowerCase()

/** Whether it says that the account has logged in elsewhere. */
export const isTakeover = (packet: Packet): boolean =>
  packet.result === undefined && ((packet.module === "null" && packet.method === "null") || isCalled(packet, "kickoff"))

/** A fresh gid. `crypto.randomUUID` is not there on pages without TLS. */
export const newGid = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("")
