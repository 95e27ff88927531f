/**
 * Checks what a server pushes before anything relies on it. A value that is not as documented is reported and left out; a
 * field that is absent or null is left to whoever reads it, but for those without which nothing can be told apart.
 */
import { ParleyError } from "./ParleyError.ts"
import type { Chat, Message, User } from "./protocol.ts"

type Kind = "string" | "number" | "boolean"
type Fields = Readonly<Record<string, Kind>>

interface Shape {
  /** Fields that must be there. */
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
    status: "string"
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
  optional: { user: "number", date: "number", type: "string", contentType: "string", recalled: "boolean" }
}

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

/** Takes an error for each value that is not as documented. */
export type Report = (error: ParleyError) => void

/** Those of a packet's data, be it one or a list, that are as documented. */
const checked =
  <A>(what: string, is: (value: unknown) => boolean) =>
  (method: string, data: unknown, report: Report): ReadonlyArray<A> => {
    const all: ReadonlyArray<unknown> = Array.isArray(data) ? data : [data]
    return all.filter((one): one is A => {
      if (is(one)) return true
      report(new ParleyError("malformed", `${method} has no ${what} as documented; it was ignored`, { method }))
      return false
    })
  }

export const usersOf = checked<User>("user", isUser)
export const chatsOf = checked<Chat>("chat", isChat)
export const messagesOf = checked<Message>("message", isMessage)
