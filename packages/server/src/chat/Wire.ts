/** What the terminal client says and hears: frames of the xuanxuan protocol as its document prints them. */
import { createHash } from "node:crypto"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** One packet: the answer to a request when it has a `result`, else a push. */
export const Packet = Schema.Struct({
  module: Schema.String,
  method: Schema.String,
  id: Schema.optionalKey(Schema.Finite),
  result: Schema.optionalKey(Schema.String),
  message: Schema.optionalKey(Schema.String),
  sid: Schema.optionalKey(Schema.String),
  data: Schema.optionalKey(Schema.Unknown)
})
export type Packet = typeof Packet.Type

export const WireUser = Schema.Struct({
  id: Schema.Finite,
  account: Schema.String,
  realname: Schema.String,
  status: Schema.String
})
export type WireUser = typeof WireUser.Type

const Member = Schema.Union([Schema.Finite, Schema.Struct({ id: Schema.Finite })])

export const WireChat = Schema.Struct({
  gid: Schema.String,
  name: Schema.String,
  type: Schema.String,
  members: Schema.optionalKey(Schema.Array(Member))
})
export type WireChat = typeof WireChat.Type

export const memberIds = (chat: WireChat): ReadonlyArray<number> =>
  (chat.members ?? []).map((member) => (typeof member === "number" ? member : member.id))

export const WireMessage = Schema.Struct({
  gid: Schema.String,
  cgid: Schema.String,
  user: Schema.Finite,
  /** Seconds since 1970. */
  date: Schema.Finite,
  contentType: Schema.String,
  content: Schema.String,
  recalled: Schema.optionalKey(Schema.Boolean)
})
export type WireMessage = typeof WireMessage.Type

const decodePacket = Schema.decodeUnknownOption(Packet)

/** The packets of one frame; what is none is left out. */
export const readFrame = (text: string): ReadonlyArray<Packet> => {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return []
  }
  const all: ReadonlyArray<unknown> = Array.isArray(json) ? json : [json]
  return all.flatMap((one) => Option.toArray(decodePacket(one)))
}

const someOf =
  <A>(decode: (one: unknown) => Option.Option<A>) =>
  (data: unknown): ReadonlyArray<A> =>
    (Array.isArray(data) ? data : [data]).flatMap((one) => Option.toArray(decode(one)))

/** The users, chats or messages in a packet's data, be it one or an array. */
export const users = someOf(Schema.decodeUnknownOption(WireUser))
export const chats = someOf(Schema.decodeUnknownOption(WireChat))
export const messages = someOf(Schema.decodeUnknownOption(WireMessage))

/** What the protocol calls an encrypted password. */
export const encrypted = (password: string): string => createHash("md5").update(password).digest("hex")

/** The WebSocket below the server's URL. */
export const socketUrl = (base: string): string | undefined => {
  if (!URL.canParse(base)) return undefined
  const url = new URL(base)
  const protocol = { "http:": "ws:", "https:": "wss:", "ws:": "ws:", "wss:": "wss:" }[url.protocol]
  if (protocol === undefined) return undefined
  return `${protocol}//${url.host}${url.pathname.replace(/\/(ws\/?)?$/, "")}/ws`
}
