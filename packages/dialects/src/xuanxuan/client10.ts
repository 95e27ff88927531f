/** Encodes content, users and changed chats for the 1.0 desktop client. Source: PROTOCOLS, "Two wire profiles". */
import type { Chat } from "@parley/core/Chat"
import { nextEphemeralId } from "@parley/core/Ids"
import type { Message } from "@parley/core/Message"
import type { PresentUser } from "@parley/core/User"
import { parseContent } from "../_http/jsonLimits.ts"
import { type Content, contentOf } from "./content.ts"
import {
  affectedUsers,
  type ChangeEncoder,
  chatText,
  type Json,
  packet,
  packetOfText,
  userJson,
  type WireFormat
} from "./encode.ts"
import { fileOfLink } from "./links.ts"

/** Encodes a user; `super` gives a system administrator the menus of system chats. */
export const userOf10 = (user: PresentUser): Json => ({
  ...userJson(user),
  admin: user.admin ? "super" : "no"
})

/** Types of images that are displayed from their content, without a file. */
const INLINE_IMAGES: ReadonlySet<unknown> = new Set(["base64", "emoji"])
/** Maximum length of a file name, in characters. */
const MAX_NAME = 100

/**
 * Encodes content. A recalled message is a text, since the client parses the content of every image and file, and one that
 * is not JSON costs it the whole page of a history. An image or a file has the fields with which it is shown and downloaded.
 */
export const contentOf10 = (message: Message): Content => {
  if (message.recalled) return { contentType: "text", content: "" }
  const encoded = contentOf(message)
  if (encoded.contentType !== "image" && encoded.contentType !== "file") return encoded
  const fields = parseContent(encoded.content)
  if (fields === undefined || INLINE_IMAGES.has(fields["type"])) return encoded
  const added = missingFields(fields, message, encoded.contentType)
  return added === undefined ? encoded : { ...encoded, content: JSON.stringify({ ...fields, ...added }) }
}

type Fields = Readonly<Record<string, unknown>>

/** Returns the fields to add or replace; undefined if the content is as the client itself sends it. */
const missingFields = (fields: Fields, message: Message, type: "image" | "file"): Fields | undefined => {
  const { id, url, name, size } = fields
  const link = typeof url === "string" && url !== "" ? url : undefined
  const ownId = typeof id === "number" && id > 0 ? id : undefined
  const hasFile = ownId !== undefined || link !== undefined
  const added = {
    // Without an id nothing is downloaded; with a `url`, the id is used for nothing else.
    ...(ownId === undefined && link !== undefined && { id: fileOfLink(link) ?? message.id }),
    ...(!isFileName(name) && { name: nameFor(fields, message, type) }),
    ...(typeof size !== "number" && { size: 0 }),
    ...(!Object.hasOwn(fields, "send") && { send: hasFile ? true : 0 })
  }
  return Object.keys(added).length === 0 ? undefined : added
}

/** Returns whether a name is a file name: the client joins it to its folder of images, and downloads images unasked. */
const isFileName = (name: unknown): name is string =>
  typeof name === "string" && name !== "" && name !== "." && name !== ".." && !/[/\\\0]/.test(name)

/**
 * Returns a name from the content's title or link. That of an image begins with the message's id: the client shows a stored
 * image of the same name instead of downloading it.
 */
const nameFor = ({ name, title, url }: Fields, message: Message, type: "image" | "file"): string => {
  const given = [name, title, linkName(url)].find((one) => typeof one === "string" && lastSegment(one) !== "")
  const base = lastSegment(typeof given === "string" ? given : type)
  return type === "image" ? `${message.id}-${base}` : base
}

/** Returns the path of a link, without query and fragment. */
const linkName = (url: unknown): string | undefined =>
  typeof url === "string" ? url.replace(/[?#].*$/s, "") : undefined

const lastSegment = (path: string): string => {
  const last = path.split(/[/\\\0]/).findLast((segment) => segment !== "" && segment !== "." && segment !== "..") ?? ""
  return last.slice(-MAX_NAME).toWellFormed()
}

/**
 * Encodes a change. Joins and leaves are `addMember` for all who stay, since the client takes a `joinChat` without `join`
 * for its own leave; a user who was removed gets that leave.
 */
export const changePackets10: ChangeEncoder = (change, event, wireFormat) => {
  const { entry, chat } = event
  if (event.toRemoved === true) {
    return [wireFormat.jsonText(packet(entry.id, "joinChat", { gid: chat.gid, join: false }))]
  }
  const methods: Array<string> = []
  // The client does not read `setAdmin`; it takes the admins from `addMember`.
  if (affectedUsers(change).length > 0 || change.admins !== undefined) methods.push("addMember")
  if (change.name !== undefined) methods.push("changeName")
  if (change.public !== undefined) methods.push("changePublic")
  if (change.admins !== undefined) methods.push("setAdmin")
  if (change.senders !== undefined) methods.push("setCommitters")
  if (methods.length === 0) return methods
  const data = chatText(event, wireFormat)
  const packets = methods.map((method) => packetOfText(entry.id, method, data))
  return change.name === undefined ? packets : [...packets, renameNotice(entry.id, chat, wireFormat)]
}

/**
 * Encodes the notice of a new name, a broadcast message that is not stored: its id is 0, and its gid is the same for all
 * recipients.
 */
const renameNotice = (id: number, chat: Chat, { jsonText, nameOf }: WireFormat): string => {
  const by = nameOf(chat.editedBy)
  const notice: Json = {
    id: 0,
    gid: `rename-${chat.id}-${chat.version}`,
    cgid: chat.gid,
    user: chat.editedBy ?? 0,
    date: Math.floor(chat.editedAt / 1000),
    type: "broadcast",
    contentType: "text",
    content: by === "" ? `会话名称已改为“${chat.name}”` : `${by} 已将会话名称改为“${chat.name}”`
  }
  return jsonText(packet(id, "message", [notice]))
}

/** Encodes the notice for the connection that renamed the chat, as a frame that follows the reply. */
export const ownRenameNotice = (chat: Chat, wireFormat: WireFormat): string =>
  `[${renameNotice(nextEphemeralId(), chat, wireFormat)}]`
