/** Events of the client with their data, and their listeners. */
import type { ParleyError } from "./ParleyError.ts"
import type { State } from "./Session.ts"
import type { ReadMark, Typing, Unread } from "./protocol.ts"
import { chatsOf, chatReadMarksOf, type Report, typingOf, usersOf } from "./validate.ts"
import type { Chat, Incoming, Packet, User } from "./protocol.ts"

/** Data of each event type. */
export interface Events {
  /**
   * A message of another user, or of this user from another client. Acknowledged once all listeners have processed it.
   */
  readonly message: Incoming
  /** A message has new content; the same arrives as `message`, in its turn, with the change `replaced`. */
  readonly edit: Incoming
  /** A message was recalled; the same arrives as `message`, in its turn, with the change `recalled`. */
  readonly recall: Incoming
  /** All users; after every login. */
  readonly users: ReadonlyArray<User>
  /** The chats of this user; after every login. */
  readonly chats: ReadonlyArray<Chat>
  /** The user came online. */
  readonly login: User
  /** A user logged out. */
  readonly logout: User
  /** The user, with the new name. */
  readonly userRenamed: User
  /** A user changed their status. */
  readonly userStatus: User
  /** The new chat, which has this user as a member. */
  readonly created: Chat
  /** The chat as it is now, after a user joined or left it. */
  readonly joined: Chat
  /** The chat as it is now, after members were added or removed. */
  readonly members: Chat
  /** A chat has another name. */
  readonly renamed: Chat
  /** The chat as it is now, after it became public or private. */
  readonly published: Chat
  /** A chat has other admins. */
  readonly admins: Chat
  /** The chat as it is now, after its senders were changed. */
  readonly senders: Chat
  /**
   * A member, or this user on another device, has read a chat up to the message `id`. A member who posts has read up to
   * their message too, without this event.
   */
  readonly read: ReadMark & { readonly gid: string }
  /**
   * A member types a message, or has stopped. To be shown until the end, a message of the member, or for 6 seconds; a
   * member who continues is reported again.
   */
  readonly typing: Typing
  /** The unread count of a chat has changed. After each login, one event for each chat with unread messages. */
  readonly unread: Unread
  /** State of the connection; `error` is set once it is `ended`. */
  readonly state: { readonly state: State; readonly error: ParleyError | undefined }
  /** A push that is not as documented (`malformed`) was ignored. Passed to `onError` if this event has no listener. */
  readonly error: ParleyError
}

/** Type of an event. */
export type EventType = keyof Events

/** Every type of event. */
export const EVENT_TYPES = [
  "message",
  "edit",
  "recall",
  "users",
  "chats",
  "login",
  "logout",
  "userRenamed",
  "userStatus",
  "created",
  "joined",
  "members",
  "renamed",
  "published",
  "admins",
  "senders",
  "read",
  "typing",
  "unread",
  "state",
  "error"
] as const satisfies ReadonlyArray<EventType>

/** Any event, discriminated by `type`. */
export type ParleyEvent = { [T in EventType]: { readonly type: T; readonly data: Events[T] } }[EventType]

const USER_EVENTS = {
  login: "login",
  logout: "logout",
  userchangename: "userRenamed",
  userchangestatus: "userStatus"
} as const

const CHAT_EVENTS = {
  create: "created",
  joinchat: "joined",
  addmember: "members",
  changename: "renamed",
  changepublic: "published",
  setadmin: "admins",
  setcommitters: "senders"
} as const

/** Module of the server's own methods and pushes. */
export const OWN_MODULE = "parley"

/** Events of pushes that the server sends on request only. */
export const REQUESTED_EVENTS: ReadonlySet<EventType> = new Set<EventType>(["read", "typing", "unread"])

const has = <T extends object>(table: T, key: PropertyKey): key is keyof T => Object.hasOwn(table, key)

/** Returns the events of a push other than a message. Data that is not as documented is reported and skipped. */
export const eventsOf = ({ module, method, data }: Packet, report: Report): ReadonlyArray<ParleyEvent> => {
  const name = method.toLowerCase()
  if (module.toLowerCase() === OWN_MODULE) {
    if (name === "typing") return typingOf(method, data, report).map((typing) => ({ type: "typing", data: typing }))
    return name === "read" ? chatReadMarksOf(method, data, report).map((mark) => ({ type: "read", data: mark })) : []
  }
  if (name === "usergetlist") return [{ type: "users", data: usersOf(method, data, report) }]
  if (name === "getlist") return [{ type: "chats", data: chatsOf(method, data, report) }]
  if (has(USER_EVENTS, name)) {
    return usersOf(method, data, report).map((user) => ({ type: USER_EVENTS[name], data: user }))
  }
  if (has(CHAT_EVENTS, name)) {
    return chatsOf(method, data, report).map((chat) => ({ type: CHAT_EVENTS[name], data: chat }))
  }
  return []
}

/** Listeners of all events but messages; their results are not awaited. */
export class Listeners {
  readonly #listeners = new Map<(event: ParleyEvent) => unknown, EventType | undefined>()
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  /** Adds a listener of one type, or of all if `type` is undefined; returns a function that removes it. */
  add(type: EventType | undefined, listener: (event: ParleyEvent) => unknown): () => void {
    this.#listeners.set(listener, type)
    return () => void this.#listeners.delete(listener)
  }

  /** Calls the listeners of an event. */
  emit(event: ParleyEvent): void {
    let hasListener = false
    for (const [listener, type] of this.#listeners) {
      if (type !== undefined && type !== event.type) continue
      hasListener = true
      try {
        const result = listener(event)
        // A rejection of an asynchronous listener would otherwise be unhandled.
        if (result instanceof Promise) result.catch((error: unknown) => this.#onError(error))
      } catch (error) {
        this.#onError(error)
      }
    }
    if (event.type === "error" && !hasListener) this.#onError(event.data)
  }
}
