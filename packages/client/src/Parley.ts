/** The client: what an application asks and hears. */
import { addressOf } from "./Address.ts"
import { type Events, eventsOf, type EventType, Listeners, type ParleyEvent } from "./Events.ts"
import { Inbox } from "./Inbox.ts"
import { type Credentials, Session, type State } from "./Session.ts"
import { Operations } from "./Operations.ts"
import { ParleyError } from "./ParleyError.ts"
import type { RequestOptions } from "./RequestQueue.ts"
import { MessageIterator } from "./MessageIterator.ts"
import { ClientState } from "./ClientState.ts"
import { SentIds } from "./SentIds.ts"
import type { Settings } from "./Settings.ts"
import { type Chat, type Incoming, isCalled, type Packet, type Status, type User } from "./protocol.ts"

export class Parley extends Operations {
  readonly #session: Session
  readonly #clientState: ClientState
  readonly #inbox: Inbox
  readonly #listeners: Listeners
  readonly #iterators = new Set<MessageIterator>()

  /** For `connect`, which is the way to one that is online. */
  constructor(settings: Settings, credentials: Credentials, status: Exclude<Status, "offline">) {
    const { socket, http } = addressOf(settings.url)
    const { clock, random, backoff, onError, fetch } = settings
    const link = new Session({ ...settings, url: socket }, credentials, status)
    const clientState = new ClientState()
    const sent = new SentIds(2 * settings.limit)
    super(link, clientState, sent, { http, fetch })
    this.#session = link
    this.#clientState = clientState
    this.#listeners = new Listeners(onError)
    this.#inbox = new Inbox({
      limit: settings.inbox,
      clock,
      random,
      backoff,
      acknowledge: (packets) => link.acknowledge(packets),
      renew: () => link.renew(),
      isOwn: (gid) => sent.has(gid),
      onError,
      malformed: (error) => this.#malformed(error)
    })
  }

  /** Begins to connect. */
  start(): void {
    this.#session.start({
      onReady: (data) => this.#onReady(data),
      pushed: (packets) => this.#pushed(packets),
      malformed: this.#malformed,
      state: (state, error) => this.#state(state, error)
    })
  }

  get state(): State {
    return this.#session.state
  }

  /** Why the client has ended, if it has. */
  get error(): ParleyError | undefined {
    return this.#session.error
  }

  /** The session's id, which is a token for the server's HTTP too. */
  get sid(): string | undefined {
    return this.#session.sid
  }

  /** All users by id, as the server has told last. */
  get users(): ReadonlyMap<number, User> {
    return this.#clientState.users
  }

  /** One's own chats by gid, as the server has told last. */
  get chats(): ReadonlyMap<string, Chat> {
    return this.#clientState.chats
  }

  /**
   * Calls back with every event of this type; answers how to end that. A message is acknowledged once what the listener
   * answers is there: a promise is waited for, and the next message with it. If it fails, `onError` hears of it and the
   * same message is handed over again after a while, before any other.
   */
  on<T extends EventType>(type: T, listener: (data: Events[T]) => unknown): () => void {
    // What a type comes with is told by `Events`; TypeScript does not follow that through the index.
    const hear = listener as (data: Events[EventType]) => unknown
    if (type === "message") return this.#inbox.consume((message) => hear(message))
    return this.#listeners.add(type, ({ data }) => hear(data))
  }

  /** The same with every event of any type, told apart by `type`. */
  onAny(listener: (event: ParleyEvent) => unknown): () => void {
    const leave = this.#inbox.consume((data) => listener({ type: "message", data }))
    const mute = this.#listeners.add(undefined, (event) => listener(event))
    return () => {
      leave()
      mute()
    }
  }

  /**
   * Messages one by one. One counts as taken, and is acknowledged, when the next is asked for; the one that a loop is left
   * at comes again to whoever listens next. Ends when the client is closed; fails when it has ended otherwise.
   */
  messages(): AsyncIterableIterator<Incoming, undefined> {
    const reading: MessageIterator = new MessageIterator((consumer) => {
      const leave = this.#inbox.consume(consumer)
      return () => {
        leave()
        this.#iterators.delete(reading)
      }
    })
    this.#iterators.add(reading)
    if (this.error !== undefined) this.#endReading(reading, this.error)
    return reading
  }

  /** Tries to connect at once, or sees at once whether the connection is alive: when the network is back, say. */
  wake(): void {
    this.#session.wake()
  }

  /** Ends the session on the server, and the client with it. */
  async logout(options?: RequestOptions): Promise<void> {
    await this.#session.request("logout", undefined, options)
    this.close()
  }

  /** Ends the client. The session on the server lives on until it expires. */
  close(): void {
    this.#session.end(new ParleyError("closed", "the client was closed"))
  }

  #onReady(data: unknown): void {
    if (typeof data === "object" && data !== null && "id" in data && typeof data.id === "number") {
      this.#clientState.me = data.id
    }
    this.#inbox.begin()
  }

  #pushed(packets: ReadonlyArray<Packet>): void {
    const messages: Array<Packet> = []
    for (const packet of packets) {
      if (isCalled(packet, "message")) messages.push(packet)
      for (const event of eventsOf(packet, this.#malformed)) {
        this.#clientState.applyEvent(event)
        if (event.type === "chats") this.#inbox.markKnown(event.data)
        this.#listeners.tell(event)
      }
    }
    if (messages.length > 0) this.#inbox.accept(messages)
  }

  readonly #malformed = (error: ParleyError): void => this.#listeners.tell({ type: "error", data: error })

  #state(state: State, error: ParleyError | undefined): void {
    if (state === "ended") {
      this.#inbox.end()
      for (const reading of this.#iterators) this.#endReading(reading, error)
    }
    this.#listeners.tell({ type: "state", data: { state, error } })
  }

  #endReading(reading: MessageIterator, error: ParleyError | undefined): void {
    reading.end(error?.code === "closed" ? undefined : error)
  }
}
