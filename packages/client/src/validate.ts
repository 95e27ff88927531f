/**
 * Validates data of the server. A value that is not as documented is reported and skipped. Only identifying fields, and a
 * message's content, are required; others may be absent or null.
 */
import { ParleyError } from "./ParleyError.ts"
import type { Chat, Message, User } from "./protocol.ts"
import type { ReadMark, Typing, Unread } from "./protocol.ts"

type Kind = "string" | "number" | "boolean"
type Fields = Readonly<Record<string, Kind>>

interface Shape {
  readonly required: Fields
  readonly optional: Fields
}

const USER: Shape = {
  required: { id: "number" },
  optional: {
    account: "string",
    realname: "string",
    avatar: "string",
    role: "string",
    dept: "number",
    status: "string",
    externalId: "string"
  }
}

const CHAT: Shape = {
  required: { gid: "string" },
  optional: {
    id: "number",
    name: "string",
    type: "string",
    admins: "string",
    committers: "string",
    subject: "number",
    public: "boolean",
    createdBy: "string",
    createdDate: "number",
    editedBy: "string",
    editedDate: "number",
    lastActiveTime: "number",
    star: "boolean",
    hide: "boolean",
    mute: "boolean"
  }
}

const MESSAGE: Shape = {
  required: { id: "number", gid: "string", cgid: "string", content: "string" },
  optional: {
    user: "number",
    date: "number",
    type: "string",
    contentType: "string",
    recalled: "boolean",
    edited: "boolean"
  }
}

const READ_MARK: Shape = { required: { user: "number", id: "number" }, optional: { gid: "string" } }
const TYPING: Shape = { required: { gid: "string", user: "number", typing: "boolean" }, optional: {} }
const UNREAD: Shape = { required: { gid: "string", count: "number", more: "boolean", id: "number" }, optional: {} }

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const fits = (value: unknown, { optional, required }: Shape): value is Json => {
  if (!isObject(value)) return false
  for (const [name, kind] of Object.entries(required)) if (typeof value[name] !== kind) return false
  for (const [name, kind] of Object.entries(optional)) {
    const field = value[name]
    if (field !== undefined && field !== null && typeof field !== kind) return false
  }
  return true
}

const areMembers = (members: unknown): boolean =>
  members === undefined ||
  members === null ||
  (Array.isArray(members) && members.every((one: unknown) => isObject(one) && typeof one["id"] === "number"))

const isUser = (value: unknown): boolean => fits(value, USER)
const isChat = (value: unknown): boolean => fits(value, CHAT) && areMembers(value["members"])
const isMessage = (value: unknown): boolean => fits(value, MESSAGE)

/** Receives an error for each value that is not as documented. */
export type Report = (error: ParleyError) => void

/** Returns a function that returns the valid values of a packet's data, which is one or an array. */
const validated =
  <A>(noun: string, isValid: (value: unknown) => boolean) =>
  (method: string, data: unknown, report: Report): ReadonlyArray<A> => {
    const all: ReadonlyArray<unknown> = Array.isArray(data) ? data : [data]
    return all.filter((one): one is A => {
      if (isValid(one)) return true
      report(new ParleyError("malformed", `${method} has a malformed ${noun}, which was ignored`, { method }))
      return false
    })
  }

export const usersOf = validated<User>("user", isUser)
export const chatsOf = validated<Chat>("chat", isChat)
export const readMarksOf = validated<ReadMark>("read mark", (value) => fits(value, READ_MARK))
export const chatReadMarksOf = validated<ReadMark & { readonly gid: string }>(
  "read mark",
  (value) => fits(value, READ_MARK) && typeof value["gid"] === "string"
)
export const typingOf = validated<Typing>("notice", (value) => fits(value, TYPING))
export const unreadsOf = validated<Unread>("unread count", (value) => fits(value, UNREAD))
export const messagesOf = validated<Message>("message", isMessage)
