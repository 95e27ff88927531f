/**
 * What one connection hears: its subscriptions to its user's chats, what it is behind with, and the packets that wait
 * for the end of this turn to leave in one frame.
 */
import type { Connection } from "../ports/Connection.ts"
import { atEndOfTurn } from "./EndOfTurn.ts"
import type { Frame } from "../ports/Frame.ts"
import type { ChatId } from "../model/Ids.ts"
import type { Cursor } from "../model/Cursor.ts"
import { LogPosition, type SubscriberKey } from "./LogPosition.ts"
import type { EventEncoding, Serializer, EncodedEvent } from "./Serializer.ts"

/** Characters that wait before a frame is sent at once, about. */
const CHUNK_SIZE = 256 * 1024
/** Packets that wait before a frame is sent at once. */
const CHUNK_PACKETS = 1000

const NONE: ReadonlySet<Subscription> = new Set()

/** What a delivery asks of its surroundings. */
export interface SubscriberEvents {
  /** Some of its chats fell behind: the log has to be read. */
  readonly catchUp: () => void
  /** A place has moved and is to be written. */
  readonly cursorMoved: (subscription: Subscription) => void
}

/** One connection's position in one chat's log, and whether it is live there. */
export class Subscription extends LogPosition {
  readonly subscriber: Subscriber
  /** The newest sequence that was announced while it was behind. */
  missed = 0
  /** Whether the catch-up is reading the log for it; live messages wait until it has met the head. */
  isBehind = false

  constructor(subscriber: Subscriber, cursor: Pick<Cursor, "chat" | "pushed" | "delivered" | "acked">) {
    super(cursor)
    this.subscriber = subscriber
  }

  get cursor(): Cursor {
    return this.cursorOf(this.subscriber.key)
  }
}

export class Subscriber {
  readonly connection: Connection
  readonly serializer: Serializer
  readonly key: SubscriberKey
  readonly #events: SubscriberEvents
  readonly #subscriptions = new Map<ChatId, Subscription>()
  /** Made when something is first put in, as the set of the untaken is: most connections never need either. */
  #lagging: Set<Subscription> | undefined
  #opened = false
  #closed = false
  #pending: Array<EncodedEvent> = []
  #pendingSize = 0
  #pendingPackets = 0
  #armed = false
  /** What was handed over since the client was last known to have taken everything. */
  #unacknowledged: Set<Subscription> | undefined

  constructor(connection: Connection, serializer: Serializer, listener: SubscriberKey, events: SubscriberEvents) {
    this.connection = connection
    this.serializer = serializer
    this.key = listener
    this.#events = events
  }

  /** It hears nothing any more. */
  get closed(): boolean {
    return this.#closed
  }

  subscription(chat: ChatId): Subscription | undefined {
    return this.#subscriptions.get(chat)
  }

  /** How many chats it hears. */
  get size(): number {
    return this.#subscriptions.size
  }

  subscriptions(): Iterable<Subscription> {
    return this.#subscriptions.values()
  }

  /** The chats whose log has to be read before they are live. */
  lagging(): ReadonlySet<Subscription> {
    return this.#lagging ?? NONE
  }

  /** Begins a chat at a place. `head` is the newest sequence of its log. Answers nothing where it has begun already. */
  subscribe(cursor: Pick<Cursor, "chat" | "pushed" | "delivered" | "acked">, head: number): Subscription | undefined {
    if (this.#closed || this.#subscriptions.has(cursor.chat)) return undefined
    const subscription = new Subscription(this, cursor)
    this.#subscriptions.set(cursor.chat, subscription)
    if (head > subscription.position) this.fallBehind(subscription, head)
    return subscription
  }

  /** Ends a chat: nothing more of it is owed. */
  unsubscribe(chat: ChatId): Subscription | undefined {
    const subscription = this.#subscriptions.get(chat)
    if (subscription === undefined) return undefined
    this.#subscriptions.delete(chat)
    this.#lagging?.delete(subscription)
    this.#unacknowledged?.delete(subscription)
    return subscription
  }

  /**
   * From now on it hears: first these frames, which other connections may share; then what was missed; then
   * everything as it comes.
   */
  open(greeting: ReadonlyArray<Frame>): void {
    if (this.#closed) return
    for (const frame of greeting) this.connection.send(frame, true)
    this.#opened = true
    if (this.lagging().size > 0) this.#events.catchUp()
  }

  close(): void {
    this.#closed = true
    this.#opened = false
    this.#lagging = undefined
    this.#unacknowledged = undefined
    this.#pending = []
    this.#pendingSize = 0
    this.#pendingPackets = 0
  }

  /**
   * Something that is in no log. Before `open` it is no news: the greeting says it. Answers how many characters are on their
   * way.
   */
  pushEphemeral(encoding: EventEncoding): number {
    if (!this.#opened) return 0
    const encoded = encoding.for(this.serializer)
    this.#push(encoded)
    return encoded.size
  }

  /** A kept entry. Who asked has it with the answer. */
  deliver(subscription: Subscription, seq: number, encoding: EventEncoding, isRequester: boolean): void {
    if (seq <= subscription.position) return
    if (subscription.isBehind || !this.#opened || seq !== subscription.position + 1) {
      this.fallBehind(subscription, seq)
      return
    }
    if (isRequester) {
      subscription.skip(seq)
      return
    }
    subscription.advance(seq)
    this.#awaitAcknowledgement(subscription)
    this.#push(encoding.for(this.serializer))
  }

  /**
   * Kept entries one after the other, from `first` to `last`, where it has had all before them and none of them, and asked
   * for none of them; answers whether that was so, and else has done nothing.
   */
  deliverRange(subscription: Subscription, first: number, last: number, encoding: EventEncoding): boolean {
    if (subscription.isBehind || !this.#opened || first !== subscription.position + 1) return false
    subscription.advance(last)
    this.#awaitAcknowledgement(subscription)
    this.#push(encoding.for(this.serializer))
    return true
  }

  /** An entry for who is online only. */
  deliverEphemeral(subscription: Subscription, seq: number, encoding: EventEncoding, isRequester: boolean): void {
    if (this.#opened && !isRequester) this.#push(encoding.for(this.serializer))
    if (seq === subscription.position + 1 && !subscription.isBehind) subscription.skip(seq)
    else if (seq > subscription.position) this.fallBehind(subscription, seq)
  }

  /** An entry that the catch-up hands over. */
  deliverBacklog(subscription: Subscription, seq: number, encoding: EventEncoding): void {
    subscription.advance(seq)
    this.#awaitAcknowledgement(subscription)
    this.#push(encoding.for(this.serializer))
  }

  fallBehind(subscription: Subscription, head: number): void {
    subscription.missed = Math.max(subscription.missed, head)
    if (subscription.isBehind) return
    subscription.isBehind = true
    this.#lagging ??= new Set()
    this.#lagging.add(subscription)
    if (this.#opened) this.#events.catchUp()
  }

  /** The catch-up has met the head of this chat's log. */
  caughtUp(subscription: Subscription): void {
    subscription.isBehind = false
    this.#lagging?.delete(subscription)
    if (this.#lagging?.size === 0) this.#lagging = undefined
  }

  acknowledge(chat: ChatId, seq: number): void {
    const subscription = this.#subscriptions.get(chat)
    if (subscription === undefined) return
    subscription.acknowledge(seq)
    this.#events.cursorMoved(subscription)
  }

  /**
   * The client has sent a frame: whatever was flushed before it counts as taken, for a client that never acknowledges.
   * Source: PROTOCOLS, "Two wire profiles".
   */
  acknowledgeImplicitly(): void {
    if (this.#unacknowledged === undefined || this.#pending.length > 0 || this.connection.buffered() > 0) return
    for (const subscription of this.#unacknowledged) {
      subscription.acknowledgeThrough(subscription.position)
      this.#events.cursorMoved(subscription)
    }
    this.#unacknowledged = undefined
  }

  /** What was handed over and is not taken by the operating system, in bytes, about. */
  get buffered(): number {
    return this.#pendingSize + this.connection.buffered()
  }

  /** Sends what waits for the end of the turn. */
  flush(): void {
    const pending = this.#pending
    const [first] = pending
    if (first === undefined) return
    this.#pending = []
    this.#pendingSize = 0
    this.#pendingPackets = 0
    this.connection.send(first.frameOf(pending))
  }

  #awaitAcknowledgement(subscription: Subscription): void {
    if (this.serializer.acknowledgement !== "taken") return
    this.#unacknowledged ??= new Set()
    this.#unacknowledged.add(subscription)
  }

  #push(encoded: EncodedEvent): void {
    if (encoded.packets.length === 0) return
    this.#pending.push(encoded)
    this.#pendingSize += encoded.size
    this.#pendingPackets += encoded.packets.length
    if (this.#pendingSize >= CHUNK_SIZE || this.#pendingPackets >= CHUNK_PACKETS) this.flush()
    else if (!this.#armed) {
      this.#armed = true
      atEndOfTurn(this)
    }
  }

  /** The end of the turn has come. */
  endTurn(): void {
    this.#armed = false
    if (!this.#closed) this.flush()
  }
}
