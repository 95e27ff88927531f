/** What there is to hear, each with its own data, and who hears it. */
import type { ParleyError } from "./ParleyError.ts"
import type { State } from "./Session.ts"
import { chatsOf, type Report, usersOf } from "./validate.ts"
import type { Chat, Incoming, Packet, User } from "./protocol.ts"

/** What each event tells. */
export interface Events {
  /** A message of somebody else, or of one's own from elsewhere. It is acknowledged once all who hear it have taken it. */
  readonly message: Incoming
  /** All users: with every login. */
  readonly users: ReadonlyArray<User>
  /** One's own chats: with every login. */
  readonly chats: ReadonlyArray<Chat>
  /** Somebody is here, has left, has a new name, a new status. */
  readonly login: User
  readonly logout: User
  readonly userRenamed: User
  readonly userStatus: User
  /** A chat as it is now: made with oneself in it; joined or left by somebody; with members added or removed; and so on. */
  readonly created: Chat
  readonly joined: Chat
  readonly members: Chat
  readonly renamed: Chat
  readonly published: Chat
  readonly admins: Chat
  readonly committers: Chat
  /** The connection; `error` where it has ended for good. */
  readonly state: { readonly state: State; readonly error: ParleyError | undefined }
  /** The server pushed what is not as documented (`malformed`): it was ignored. Without a listener `onError` gets it. */
  readonly error: ParleyError
}

export type EventType = keyof Events

/** Any of the events, told apart by `type`. */
export type ParleyEvent = { [T in EventType]: { readonly type: T; readonly data: Events[T] } }[EventType]

const USER_NEWS = {
  login: "login",
  logout: "logout",
  userchangename: "userRenamed",
  userchangestatus: "userStatus"
} as const

const CHAT_NEWS = {
  create: "created",
  joinchat: "joined",
  addmember: "members",
  changename: "renamed",
  changepublic: "published",
  setadmin: "admins",
  setcommitters: "committers"
} as const

const has = <T extends object>(table: T, key: PropertyKey): key is keyof T => Object.hasOwn(table, key)

/** The events of a push that is no message. What of it is not as documented is reported and left out. */
export const eventsOf = ({ method, data }: Packet, report: Report): ReadonlyArray<ParleyEvent> => {
  const name = method.toLowerCase()
  if (name === "usergetlist") return [{ type: "users", data: usersOf(method, data, report) }]
  if (name === "getlist") return [{ type: "chats", data: chatsOf(method, data, report) }]
  if (has(USER_NEWS, name)) {
    return usersOf(method, data, report).map((user) => ({ type: USER_NEWS[name], data: user }))
  }
  if (has(CHAT_NEWS, name)) {
    return chatsOf(method, data, report).map((chat) => ({ type: CHAT_NEWS[name], data: chat }))
  }
  return []
}

/** Listeners of everything but messages, which are waited for. */
export class Listeners {
  readonly #listeners = new Map<(event: ParleyEvent) => unknown, EventType | undefined>()
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  /** Without a type, of all. */
  add(type: EventType | undefined, listener: (event: ParleyEvent) => unknown): () => void {
    this.#listeners.set(listener, type)
    return () => void this.#listeners.delete(listener)
  }

  tell(event: ParleyEvent): void {
    let isHeard = false
    for (const [listener, type] of this.#listeners) {
      if (type !== undefined && type !== event.type) continue
      isHeard = true
      try {
        const result = listener(event)
        // Of an asynchronous listener: nobody else would catch what it throws.
        if (result instanceof Promise) result.catch((error: unknown) => this.#onError(error))
      } catch (error) {
        this.#onError(error)
      }
    }
    if (event.type === "error" && !isHeard) this.#onError(event.data)
  }
}
