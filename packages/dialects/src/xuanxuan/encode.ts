/**
 * What the server says: chats, users and messages with their fields in the documented order, and events as packets.
 * Source: seeds/002, "API" (each method's response and push); PROTOCOLS, "xuanxuan".
 */
import type { Chat, Committers, LogHead, Preference } from "@parley/core/Chat"
import type { ChatView, OwnChatView } from "@parley/core/Command"
import type { ChatEvent, Event } from "@parley/core/Event"
import { packetFraming } from "@parley/core/Frame"
import type { UserId } from "@parley/core/Ids"
import type { Changed } from "@parley/core/Log"
import type { Message } from "@parley/core/Message"
import { adminsOf } from "@parley/core/rules/Membership"
import type { StoredFile } from "@parley/core/Store"
import type { PresentUser } from "@parley/core/User"
import { contentOf } from "./content.ts"

export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

/** How the two wire profiles say a chat's members. They differ in this among all fields. */
export type MembersAs = "objects" | "ids"

/** The account of a user who is known; "" for nobody. */
export type AccountOf = (user: UserId | null) => string

const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000)

export const userJson = (user: PresentUser): Json => ({
  id: user.id,
  account: user.account,
  realname: user.realname,
  avatar: user.avatar,
  role: user.role,
  dept: user.dept,
  status: user.status
})

const committersText = (committers: Committers): string =>
  committers === "all" ? "$ALL" : committers === "admins" ? "$ADMINS" : committers.join(",")

/** Members as JSON text, without brackets. */
export const membersText = (users: Iterable<UserId>, as: MembersAs): string =>
  Array.from(users, (id) => (as === "ids" ? String(id) : `{"id":${id}}`)).join(",")

/** The words of one wire profile. */
export interface WireNames {
  readonly members: MembersAs
  readonly accountOf: AccountOf
  /** Everybody, by id: the members of a system chat, as `membersText` writes them. */
  readonly allUsers: (as: MembersAs) => string
}

const factsJson = (chat: Chat, head: LogHead, { accountOf }: WireNames): { readonly [key: string]: Json } => ({
  id: chat.id,
  gid: chat.gid,
  name: chat.name,
  type: chat.type,
  admins: adminsOf(chat).join(","),
  committers: committersText(chat.committers),
  subject: chat.subject,
  public: chat.public,
  createdBy: accountOf(chat.createdBy),
  createdDate: seconds(chat.createdAt),
  editedBy: accountOf(chat.editedBy),
  editedDate: seconds(chat.editedAt),
  lastActiveTime: seconds(head.activeAt)
})

/** A chat without its members as JSON text, as the list of public chats shows it. */
export const publicChatText = ({ chat, head }: ChatView, vocabulary: WireNames): string =>
  JSON.stringify(factsJson(chat, head, vocabulary))

/** A chat as JSON text. */
export const chatText = (view: ChatView, vocabulary: WireNames): string =>
  `${openFacts(publicChatText(view, vocabulary))}${chatMembers(view.chat, vocabulary)}]}`

/** A chat with what the member who asks set for themself; `members` comes last. */
export const ownChatText = (view: OwnChatView, vocabulary: WireNames): string =>
  `${ownFacts(view, vocabulary)}${chatMembers(view.chat, vocabulary)}]}`

/** The same up to its members, which `]}` is to follow. */
export const ownFacts = ({ chat, head, preference }: OwnChatView, vocabulary: WireNames): string =>
  openFacts(JSON.stringify({ ...factsJson(chat, head, vocabulary), ...preferenceJson(preference) }))

const openFacts = (facts: string): string => `${facts.slice(0, -1)},"members":[`

const preferenceJson = ({ star, hide, mute }: Preference): { readonly [key: string]: Json } => ({ star, hide, mute })

const chatMembers = (chat: Chat, { allUsers, members }: WireNames): string =>
  chat.type === "system" ? allUsers(members) : membersText(chat.members.keys(), members)

export const messageJson = (message: Message, chat: Chat): Json => ({
  id: message.id,
  gid: message.gid,
  cgid: chat.gid,
  // Broadcasts have no sender. Source: PROTOCOLS, "Who may do what".
  user: message.type === "broadcast" ? 0 : (message.sender ?? 0),
  date: seconds(message.date),
  type: message.type,
  ...contentOf(message),
  ...(message.recalled && { recalled: true })
})

/** Texts that are kept, at most, and the length of one: a longer one is written again. */
const KEPT = 256
const MAX_KEPT_LENGTH = 4096

/**
 * A text's place is by its message's id. It is no `Map` that is emptied now and then: V8 lets an abandoned table of a map hold on to the
 * next one, so that once one of them was old, everything that ever came into the map lived until a full collection.
 */
const lately: Array<{ readonly message: Message; readonly text: string } | undefined> = Array.from({ length: KEPT })

/**
 * The same as JSON text. Who sent a message gets it in the answer and all others get it in a push at the end of the turn, so
 * what was written lately is kept.
 */
export const messageText = (message: Message, chat: Chat): string => {
  const cursor = message.id % KEPT
  const kept = lately[cursor]
  if (kept?.message === message) return kept.text
  const text = JSON.stringify(messageJson(message, chat))
  if (text.length <= MAX_KEPT_LENGTH) lately[cursor] = { message, text }
  return text
}

export const fileJson = (file: StoredFile): Json => ({
  id: file.id,
  title: file.title,
  size: file.size,
  addedBy: file.addedBy
})

/** One packet of a push. */
export const packet = (id: number, method: string, data: Json): string => packetAround(id, method, JSON.stringify(data))

/** The same around data that is JSON text already. */
export const packetAround = (id: number, method: string, data: string): string => `${packetStart(id, method)}${data}}`

/** The same up to its data, which `}` is to follow. */
export const packetStart = (id: number, method: string): string =>
  `{"id":${id},"module":"chat","method":${JSON.stringify(method)},"data":`

/** Packets as one frame. Source: seeds/002, "数据格式和约定". */
export const bundling = packetFraming("[", ",", "]")

const USER_PUSHES = {
  login: "login",
  logout: "logout",
  renamed: "userChangeName",
  status: "userChangeStatus"
} as const

/** The packets of an event. */
export const packetsOf = (event: Event, vocabulary: WireNames): ReadonlyArray<string> => {
  if (event._tag === "UserEvent") return [packet(event.id, USER_PUSHES[event.what], userJson(event.user))]
  const { entry, chat, message } = event
  if (entry.body._tag === "Created") return [packetAround(entry.id, "create", chatText(event, vocabulary))]
  if (entry.body._tag === "Changed") {
    const pushes = changePushes(entry.body, event)
    if (pushes.length === 0) return pushes
    const data = chatText(event, vocabulary)
    return pushes.map((push) => packetAround(entry.id, push, data))
  }
  return message === undefined ? [] : [packetAround(entry.id, "message", `[${messageText(message, chat)}]`)]
}

/** The pushes that a step is told by, as the document's push sections spell them. */
const changePushes = (change: Changed, { entry }: ChatEvent): ReadonlyArray<string> => {
  const pushes: Array<string> = []
  const moved = [...(change.added ?? []), ...(change.removed ?? [])]
  if (change.dissolved) pushes.push("addMember")
  else if (moved.length > 0) pushes.push(moved.every((user) => user === entry.by) ? "joinChat" : "addMember")
  if (change.name !== undefined) pushes.push("changeName")
  if (change.public !== undefined) pushes.push("changePublic")
  if (change.admins !== undefined) pushes.push("setAdmin")
  if (change.committers !== undefined) pushes.push("setCommitters")
  return pushes
}
