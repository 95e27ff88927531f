/**
 * Encodes chats, users and messages with their fields in the documented order, and events as packets.
 * Source: seeds/002, "API" (each method's response and push); PROTOCOLS, "xuanxuan".
 */
import type { Chat, LogHead, Preference, Senders } from "@parley/core/Chat"
import type { ChatView, OwnChatView } from "@parley/core/Command"
import type { ChatEvent, UserEvent } from "@parley/core/Event"
import { packetFraming } from "@parley/core/Frame"
import type { UserId } from "@parley/core/Ids"
import type { Changed } from "@parley/core/Log"
import type { Message } from "@parley/core/Message"
import { adminsOf } from "@parley/core/rules/Membership"
import type { StoredFile } from "@parley/core/Store"
import type { PresentUser } from "@parley/core/User"
import { type Content, contentOf } from "./content.ts"

export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

/** Format of a chat's members. */
export type MembersFormat = "objects" | "ids"

/** Returns the account of a cached user; "" for null and uncached users. */
export type AccountOf = (user: UserId | null) => string

const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000)

export const userJson = (user: PresentUser): { readonly [key: string]: Json } => ({
  id: user.id,
  account: user.account,
  realname: user.realname,
  avatar: user.avatar,
  role: user.role,
  dept: user.dept,
  status: user.status
})

const committersText = (senders: Senders): string =>
  senders === "all" ? "$ALL" : senders === "admins" ? "$ADMINS" : senders.join(",")

/** Encodes members as JSON text without brackets. */
export const membersText = (users: Iterable<UserId>, format: MembersFormat): string =>
  Array.from(users, (id) => (format === "ids" ? String(id) : `{"id":${id}}`)).join(",")

/** Encoding of one wire profile. */
export interface WireFormat {
  readonly members: MembersFormat
  readonly accountOf: AccountOf
  /** Returns the displayed name of a cached user; "" for null and uncached users. */
  readonly nameOf: (user: UserId | null) => string
  /** Returns all users by id, the members of a system chat, as encoded by `membersText`. */
  readonly allUsers: (format: MembersFormat) => string
  /** Returns JSON text as it is sent: unchanged, or in ASCII. */
  readonly jsonText: (json: string) => string
  readonly userJson: (user: PresentUser) => Json
  readonly contentOf: (message: Message) => Content
  /** Returns a message as it is sent; recent texts are cached. */
  readonly messageText: (message: Message, chat: Chat) => string
}

const factsJson = (chat: Chat, head: LogHead, { accountOf }: WireFormat): { readonly [key: string]: Json } => ({
  id: chat.id,
  gid: chat.gid,
  name: chat.name,
  type: chat.type,
  admins: adminsOf(chat).join(","),
  committers: committersText(chat.senders),
  subject: chat.subject,
  public: chat.public,
  createdBy: accountOf(chat.createdBy),
  createdDate: seconds(chat.createdAt),
  editedBy: accountOf(chat.editedBy),
  editedDate: seconds(chat.editedAt),
  lastActiveTime: seconds(head.activeAt)
})

/** Encodes a chat without its members. */
export const chatFactsText = ({ chat, head }: ChatView, wireFormat: WireFormat): string =>
  wireFormat.jsonText(JSON.stringify(factsJson(chat, head, wireFormat)))

/** Encodes a chat as JSON text. */
export const chatText = (view: ChatView, wireFormat: WireFormat): string =>
  `${openFacts(chatFactsText(view, wireFormat))}${chatMembers(view.chat, wireFormat)}]}`

/** Encodes a chat with the caller's preferences; `members` is the last field. */
export const ownChatText = (view: OwnChatView, wireFormat: WireFormat): string =>
  `${ownFacts(view, wireFormat)}${chatMembers(view.chat, wireFormat)}]}`

/** Same, up to the members; the caller appends these and `]}`. */
export const ownFacts = ({ chat, head, preference }: OwnChatView, wireFormat: WireFormat): string =>
  openFacts(
    wireFormat.jsonText(JSON.stringify({ ...factsJson(chat, head, wireFormat), ...preferenceJson(preference) }))
  )

const openFacts = (facts: string): string => `${facts.slice(0, -1)},"members":[`

const preferenceJson = ({ star, hide, mute }: Preference): { readonly [key: string]: Json } => ({ star, hide, mute })

const chatMembers = (chat: Chat, { allUsers, members }: WireFormat): string =>
  chat.type === "system" ? allUsers(members) : membersText(chat.members.keys(), members)

export const messageFields = (
  message: Message,
  chat: Chat,
  encodeContent = contentOf
): { readonly [key: string]: Json } => ({
  id: message.id,
  gid: message.gid,
  cgid: chat.gid,
  // Broadcasts have no sender. Source: PROTOCOLS, "Who may do what".
  user: message.type === "broadcast" ? 0 : (message.sender ?? 0),
  date: seconds(message.date),
  type: message.type,
  ...encodeContent(message),
  ...(message.recalled && { recalled: true })
})

export const messageJson = (message: Message, chat: Chat, encodeContent = contentOf): Json =>
  messageFields(message, chat, encodeContent)

/** Encodes a message as it is sent. */
export const encodeMessage = (
  message: Message,
  chat: Chat,
  { jsonText, contentOf: encodeContent }: Pick<WireFormat, "jsonText" | "contentOf">
): string => jsonText(JSON.stringify(messageJson(message, chat, encodeContent)))

/** Number of cached message texts. */
const CACHE_SIZE = 256
/** Maximum length of a cached text, in characters; longer ones are encoded again. */
const MAX_CACHED_LENGTH = 4096

/**
 * Caches recent message texts: the sender gets the text in the reply, other members get it in a push at the end of the turn.
 */
export const cachedMessageText = (
  encode: (message: Message, chat: Chat) => string
): ((message: Message, chat: Chat) => string) => {
  /**
   * Texts indexed by message id modulo the size. Not a `Map` that is cleared: in V8 an abandoned hash table refers to the
   * next one, so that once one is in the old generation, everything ever added lives until a full collection.
   */
  const texts: Array<{ readonly message: Message; readonly text: string } | undefined> = Array.from({
    length: CACHE_SIZE
  })
  return (message, chat) => {
    const slot = message.id % CACHE_SIZE
    const cached = texts[slot]
    if (cached?.message === message) return cached.text
    const text = encode(message, chat)
    if (text.length <= MAX_CACHED_LENGTH) texts[slot] = { message, text }
    return text
  }
}

export const fileJson = (file: StoredFile): Json => ({
  id: file.id,
  title: file.title,
  size: file.size,
  addedBy: file.addedBy
})

/** Encodes one packet of a push. */
export const packet = (id: number, method: string, data: Json, module?: string): string =>
  packetOfText(id, method, JSON.stringify(data), module)

/** Same, for data that is already JSON text. */
export const packetOfText = (id: number, method: string, data: string, module?: string): string =>
  `${packetStart(id, method, module)}${data}}`

/** Same, up to the data; the caller appends this and `}`. */
export const packetStart = (id: number, method: string, module = "chat"): string =>
  `{"id":${id},"module":"${module}","method":${JSON.stringify(method)},"data":`

/** Framing of packets in one frame. Source: seeds/002, "数据格式和约定". */
export const framing = packetFraming("[", ",", "]")

const USER_PUSHES = {
  login: "login",
  logout: "logout",
  renamed: "userChangeName",
  status: "userChangeStatus"
} as const

/** Encodes the packets of a changed chat. */
export type ChangeEncoder = (change: Changed, event: ChatEvent, wireFormat: WireFormat) => ReadonlyArray<string>

/** Encodes an event as packets. */
export const packetsOf = (
  event: ChatEvent | UserEvent,
  wireFormat: WireFormat,
  encodeChange: ChangeEncoder
): ReadonlyArray<string> => {
  if (event._tag === "UserEvent") {
    return [wireFormat.jsonText(packet(event.id, USER_PUSHES[event.what], wireFormat.userJson(event.user)))]
  }
  const { entry, chat, message } = event
  if (entry.body._tag === "Created") return [packetOfText(entry.id, "create", chatText(event, wireFormat))]
  if (entry.body._tag === "Changed") return encodeChange(entry.body, event, wireFormat)
  return message === undefined ? [] : [packetOfText(entry.id, "message", `[${wireFormat.messageText(message, chat)}]`)]
}

/** Encodes a change as packets with the whole chat. Source: seeds/002, the push sections. */
export const changePackets: ChangeEncoder = (change, event, wireFormat) => {
  const pushes = changePushes(change, event)
  if (pushes.length === 0) return pushes
  const data = chatText(event, wireFormat)
  return pushes.map((push) => packetOfText(event.entry.id, push, data))
}

/** Returns the push methods of a change, as the document's push sections spell them. */
const changePushes = (change: Changed, { entry }: ChatEvent): ReadonlyArray<string> => {
  const pushes: Array<string> = []
  const affected = affectedUsers(change)
  if (change.dissolved) pushes.push("addMember")
  else if (affected.length > 0) pushes.push(affected.every((user) => user === entry.by) ? "joinChat" : "addMember")
  if (change.name !== undefined) pushes.push("changeName")
  if (change.public !== undefined) pushes.push("changePublic")
  if (change.admins !== undefined) pushes.push("setAdmin")
  if (change.senders !== undefined) pushes.push("setCommitters")
  return pushes
}

/** Returns the users who joined or left by a change. */
export const affectedUsers = ({ added = [], removed = [] }: Changed): ReadonlyArray<UserId> => [...added, ...removed]
