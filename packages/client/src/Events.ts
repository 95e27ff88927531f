/** What there is to hear, each with its own data, and who hears it. */
import type { ParleyError } from "./ParleyError.ts"
import type { State } from "./Link.ts"
import type { Chat, Incoming, Packet, User } from "./Wire.ts"
import { listOf } from "./Wire.ts"

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

/** The events of a push that is no message. */
export const eventsOf = ({ method, data }: Packet): ReadonlyArray<ParleyEvent> => {
  const name = method.toLowerCase()
  if (name === "usergetlist") return [{ type: "users", data: listOf<User>(data) }]
  if (name === "getlist") return [{ type: "chats", data: listOf<Chat>(data) }]
  if (has(USER_NEWS, name)) return listOf<User>(data).map((user) => ({ type: USER_NEWS[name], data: user }))
  if (has(CHAT_NEWS, name)) return listOf<Chat>(data).map((chat) => ({ type: CHAT_NEWS[name], data: chat }))
  return []
}

/** Listeners of everything but messages, which are waited for. */
export class Listeners {
  readonly #listeners = new Map<(event: ParleyEvent) => void, EventType | undefined>()
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  /** Without a type, of all. */
  add(type: EventType | undefined, listener: (event: ParleyEvent) => void): () => void {
    this.#listeners.set(listener, type)
    return () => void this.#listeners.delete(listener)
  }

  tell(event: ParleyEvent): void {
    for (const [listener, type] of this.#listeners) {
      if (type !== undefined && type !== event.type) continue
      try {
        listener(event)
      } catch (error) {
        this.#onError(error)
      }
    }
  }
}
