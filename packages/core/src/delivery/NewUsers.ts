/**
 * Users created since connected clients got their lists of users. A client gets them before the first push that names one of
 * them, otherwise gathered after a delay. Source: PROTOCOLS, "Who may do what".
 */
import { isMember } from "../model/Chat.ts"
import type { ChatEvent } from "../model/Event.ts"
import type { UserId } from "../model/Ids.ts"
import type { User } from "../model/User.ts"
import { EncodedChunk } from "../ports/Frame.ts"
import type { Presence } from "./Presence.ts"
import type { HubSession } from "./HubSession.ts"
import type { BroadcastTiming } from "./PresenceBroadcaster.ts"
import { EncodedEvent, type Serializer } from "./Serializer.ts"
import type { Subscriber } from "./Subscriber.ts"

/** Delay in milliseconds after which all clients get the users created meanwhile. */
const GATHERING_MS = 1000
/** Number of characters pushed in one turn, and the pause before the next one in milliseconds. */
const CHUNK_SIZE = 1024 * 1024
const CHUNK_PAUSE_MS = 2

/** Clients get the new users of their own class only. */
export interface RecipientClasses {
  readonly ofUser: (user: User) => string
  readonly ofRecipient: (user: UserId) => string | undefined
}

export class NewUsers {
  readonly #presence: Presence
  readonly #timing: BroadcastTiming
  readonly #sessions: () => Iterator<HubSession, void>
  /** Users whom some client may not have, in the order of their creation. */
  #users: Array<User> = []
  readonly #ids = new Set<UserId>()
  /** Number of users created before `#users`. */
  #settled = 0
  /** Pushes by serializer, and by the number of users that the recipient has and the class of the recipient. */
  readonly #encoded = new Map<Serializer, Map<string, EncodedEvent>>()
  /** Undefined if all clients get all users. */
  #classes: RecipientClasses | undefined

  /** `sessions`: all authenticated connections. */
  constructor(presence: Presence, timing: BroadcastTiming, sessions: () => Iterator<HubSession, void>) {
    this.#presence = presence
    this.#timing = timing
    this.#sessions = sessions
  }

  /** Limits which users a client gets, before the first user is added. */
  limit(classes: RecipientClasses): void {
    this.#classes = classes
  }

  /** Number of users created so far; a list of users made now has all of them. */
  get count(): number {
    return this.#settled + this.#users.length
  }

  get isEmpty(): boolean {
    return this.#users.length === 0
  }

  add(user: User): void {
    if (this.isEmpty) this.#pushLater()
    this.#users.push(user)
    this.#ids.add(user.id)
    this.#encoded.clear()
  }

  /** Returns whether the packets of an event may name one of the users. */
  areNamedBy({ entry, chat, message }: ChatEvent): boolean {
    if (message !== undefined) return message.sender !== null && this.#ids.has(message.sender)
    if (entry.by !== null && this.#ids.has(entry.by)) return true
    for (const id of this.#ids) if (isMember(chat, id)) return true
    return false
  }

  /** Pushes the users that a client does not have. Returns the number of characters queued. */
  pushTo(subscriber: Subscriber): number {
    const { serializer, knownUsers, key } = subscriber
    if (knownUsers === undefined || knownUsers >= this.count) return 0
    const encoded = this.#encode(serializer, knownUsers, this.#classes?.ofRecipient(key.user) ?? "")
    subscriber.pushUsers(encoded, this.count)
    return encoded.size
  }

  #pushLater(): void {
    this.#timing.after(GATHERING_MS, () => this.#pushToAll(this.#sessions(), this.count))
  }

  /** Pushes to all connections, in several turns if it is much; then clears the users if none was created meanwhile. */
  #pushToAll(sessions: Iterator<HubSession, void>, count: number): void {
    let sent = 0
    for (let next = sessions.next(); next.done !== true; next = sessions.next()) {
      const { subscriber } = next.value
      if (subscriber !== undefined) sent += this.pushTo(subscriber)
      if (sent >= CHUNK_SIZE) return this.#timing.after(CHUNK_PAUSE_MS, () => this.#pushToAll(sessions, count))
    }
    if (this.count > count) return this.#pushLater()
    this.#settled = count
    this.#users = []
    this.#ids.clear()
    this.#encoded.clear()
  }

  #encode(serializer: Serializer, known: number, recipients: string): EncodedEvent {
    let ofSerializer = this.#encoded.get(serializer)
    if (ofSerializer === undefined) this.#encoded.set(serializer, (ofSerializer = new Map<string, EncodedEvent>()))
    const key = `${known}/${recipients}`
    let encoded = ofSerializer.get(key)
    if (encoded === undefined) {
      const classes = this.#classes
      const created = this.#users.slice(Math.max(0, known - this.#settled))
      const users = created
        .filter((user) => classes === undefined || classes.ofUser(user) === recipients)
        .map((user) => this.#presence.of(user))
      const packets = users.length === 0 ? [] : (serializer.encodeNewUsers?.(users) ?? [])
      encoded = new EncodedEvent(
        serializer,
        packets.map((packet) => new EncodedChunk(packet))
      )
      ofSerializer.set(key, encoded)
    }
    return encoded
  }
}
