/** The client: operations, events and messages. */
import { addressOf } from "./Address.ts"
import { PARAMETERS, THROWING } from "./ArgumentChecks.ts"
import { checkArguments } from "./Check.ts"
import {
  type Events,
  eventsOf,
  type EventType,
  Listeners,
  OWN_MODULE,
  type ParleyEvent,
  REQUESTED_EVENTS
} from "./Events.ts"
import { UnreadCounts } from "./UnreadCounts.ts"
import { listOf } from "./protocol.ts"
import { Inbox } from "./Inbox.ts"
import type { Credentials } from "./Credentials.ts"
import { Session, type State } from "./Session.ts"
import { Operations } from "./Operations.ts"
import { ParleyError } from "./ParleyError.ts"
import type { RequestOptions } from "./RequestQueue.ts"
import { MessageIterator } from "./MessageIterator.ts"
import { ClientState } from "./ClientState.ts"
import { SentIds } from "./SentIds.ts"
import { refusalOf } from "./refusal.ts"
import type { Settings } from "./Settings.ts"
import { type Chat, type Incoming, isCalled, type Packet, type Status, type Unread, type User } from "./protocol.ts"

/** A logged-in client; `connect` returns it. */
export class Parley extends Operations {
  readonly #session: Session
  readonly #clientState: ClientState
  readonly #inbox: Inbox
  readonly #listeners: Listeners
  readonly #iterators = new Set<MessageIterator>()
  readonly #unreadCounts: UnreadCounts
  /** Whether the application listens for events that the server sends on request only. */
  #wantsOwnPushes = false

  /** Internal: use `connect`. */
  constructor(settings: Settings, credentials: Credentials, status: Exclude<Status, "offline">) {
    const { socket, http } = addressOf(settings.url)
    const { clock, random, backoff, onError, fetch } = settings
    const refusal = (): Promise<string | undefined> => refusalOf(`${http}/ws`, fetch)
    const session = new Session({ ...settings, url: socket, refusal }, credentials, status)
    const clientState = new ClientState()
    const sent = new SentIds(2 * settings.limit)
    super(session, clientState, sent, { http, fetch })
    this.#session = session
    this.#clientState = clientState
    this.#listeners = new Listeners(onError)
    this.#unreadCounts = new UnreadCounts({
      clock,
      count: (gid) => this.unread(gid),
      isMember: (gid) => clientState.chats.has(gid),
      emit: (data) => this.#listeners.emit({ type: "unread", data })
    })
    clientState.touched = (gid) => this.#unreadCounts.touch(gid)
    this.#inbox = new Inbox({
      limit: settings.inbox,
      clock,
      random,
      backoff,
      acknowledge: (packets) => session.acknowledge(packets),
      renew: () => session.renew(),
      isOwn: (gid) => sent.has(gid),
      onError,
      onChange: (data) =>
        this.#listeners.emit(data.change === "recalled" ? { type: "recall", data } : { type: "edit", data }),
      malformed: (error) => this.#onMalformed(error)
    })
  }

  /** Starts to connect; `connect` calls it. */
  start(): void {
    this.#session.start({
      onReady: (data) => this.#onReady(data),
      onPush: (packets) => this.#onPush(packets),
      onMalformed: this.#onMalformed,
      onState: (state, error) => this.#onState(state, error)
    })
  }

  /** State of the connection. */
  get state(): State {
    return this.#session.state
  }

  /** Reason for which the client has ended; undefined before. */
  get error(): ParleyError | undefined {
    return this.#session.error
  }

  /** Session id; also a bearer token for the server's HTTP. Undefined before the first login. */
  get sid(): string | undefined {
    return this.#session.sid
  }

  /** All users by id, as last reported by the server. */
  get users(): ReadonlyMap<number, User> {
    return this.#clientState.users
  }

  /** The chats of this user by gid, as last reported by the server. */
  get chats(): ReadonlyMap<string, Chat> {
    return this.#clientState.chats
  }

  /** Chats with unread messages, by gid; kept up to date once there is a listener of `unread`, `read` or `typing`. */
  get unreadCounts(): ReadonlyMap<string, Unread> {
    return this.#unreadCounts.counts
  }

  /**
   * Adds a listener of events of one type; returns a function that removes it. A message is acknowledged once the listener
   * has returned and its promise, if any, has resolved; the next message waits for that. If the listener throws or
   * rejects, `onError` gets the error, and the same message is delivered again after the `backoff`, before any other.
   */
  on<T extends EventType>(type: T, listener: (data: Events[T]) => unknown): () => void {
    // `Events` relates types to data; TypeScript does not follow that through the index.
    const callback = listener as (data: Events[EventType]) => unknown
    if (type === "message") return this.#inbox.consume((message) => callback(message))
    if (REQUESTED_EVENTS.has(type)) this.#wantOwnPushes()
    return this.#listeners.add(type, ({ data }) => callback(data))
  }

  /** Like `on`, for events of all types, discriminated by `type`. */
  onAny(listener: (event: ParleyEvent) => unknown): () => void {
    this.#wantOwnPushes()
    const stopMessages = this.#inbox.consume((data) => listener({ type: "message", data }))
    const stopEvents = this.#listeners.add(undefined, (event) => listener(event))
    return () => {
      stopMessages()
      stopEvents()
    }
  }

  /**
   * Returns an iterator of messages. A message is acknowledged when the next one is requested; the message at which a loop
   * is left is delivered again to the next consumer. Ends when the client is closed; rejects with the `ParleyError` if it
   * ended for another reason.
   */
  messages(): AsyncIterableIterator<Incoming, undefined> {
    const iterator: MessageIterator = new MessageIterator((consumer) => {
      const unsubscribe = this.#inbox.consume(consumer)
      return () => {
        unsubscribe()
        this.#iterators.delete(iterator)
      }
    })
    this.#iterators.add(iterator)
    if (this.error !== undefined) this.#endIterator(iterator, this.error)
    return iterator
  }

  /** Reconnects immediately, or checks whether the connection is alive; for example when the network is back. */
  wake(): void {
    this.#session.wake()
  }

  /** Ends the session on the server, and the client with it. */
  async logout(options?: RequestOptions): Promise<void> {
    await this.#session.request("logout", undefined, options)
    this.close()
  }

  /** Ends the client; pending requests reject with `closed`. The session on the server lasts until it expires. */
  close(): void {
    this.#session.end(new ParleyError("closed", "the client was closed"))
  }

  #onReady(data: unknown): void {
    if (typeof data === "object" && data !== null && "id" in data && typeof data.id === "number") {
      this.#clientState.me = data.id
    }
    this.#inbox.onLogin()
    if (this.#wantsOwnPushes) void this.#requestOwnPushes()
  }

  #wantOwnPushes(): void {
    if (this.#wantsOwnPushes) return
    this.#wantsOwnPushes = true
    // Otherwise the next login requests them.
    if (this.state === "online") void this.#requestOwnPushes()
  }

  /** Asks for the pushes of the server's own module on this connection, then counts unread messages. */
  async #requestOwnPushes(): Promise<void> {
    try {
      await this.#session.request("events", { on: true }, undefined, OWN_MODULE)
      await this.#unreadCounts.start()
    } catch (error) {
      // Another server of the protocol, or the client has ended. After a timeout the next login asks again.
      if (error instanceof ParleyError && error.code === "refused") this.#wantsOwnPushes = false
    }
  }

  #onPush(packets: ReadonlyArray<Packet>): void {
    const messages: Array<Packet> = []
    for (const packet of packets) {
      if (isCalled(packet, "message")) {
        messages.push(packet)
        for (const { cgid, date } of listOf<{ readonly cgid?: unknown; readonly date?: unknown }>(packet.data)) {
          if (typeof cgid !== "string") continue
          this.#unreadCounts.touch(cgid)
          if (typeof date === "number") this.#clientState.applyDate(cgid, date)
        }
      }
      for (const event of eventsOf(packet, this.#onMalformed)) {
        this.#clientState.applyEvent(event)
        if (event.type === "chats") this.#inbox.markKnown(event.data)
        if (event.type === "joined" || event.type === "members") this.#unreadCounts.touch(event.data.gid)
        if (event.type === "read" && event.data.user === this.#clientState.me) {
          this.#unreadCounts.touch(event.data.gid)
        }
        this.#listeners.emit(event)
      }
    }
    if (messages.length > 0) this.#inbox.accept(messages)
  }

  readonly #onMalformed = (error: ParleyError): void => this.#listeners.emit({ type: "error", data: error })

  #onState(state: State, error: ParleyError | undefined): void {
    if (state === "ended") {
      this.#inbox.end()
      this.#unreadCounts.end()
      for (const iterator of this.#iterators) this.#endIterator(iterator, error)
    }
    this.#listeners.emit({ type: "state", data: { state, error } })
  }

  #endIterator(iterator: MessageIterator, error: ParleyError | undefined): void {
    iterator.end(error?.code === "closed" ? undefined : error)
  }
}

checkArguments(Parley, PARAMETERS, THROWING)
