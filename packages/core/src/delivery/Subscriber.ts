/**
 * Delivery to one connection: its subscriptions to its user's chats, those that fell behind, and the packets that leave
 * in one frame at the end of this turn.
 */
import type { Connection } from "../ports/Connection.ts"
import { atEndOfTurn } from "./EndOfTurn.ts"
import type { Frame } from "../ports/Frame.ts"
import type { ChatId } from "../model/Ids.ts"
import type { Cursor } from "../model/Cursor.ts"
import { LogPosition, type SubscriberKey } from "./LogPosition.ts"
import type { EventEncoding, Serializer, EncodedEvent } from "./Serializer.ts"

/** Approximate number of pending characters that are sent without waiting for the end of the turn. */
const CHUNK_SIZE = 256 * 1024
/** Number of pending packets that are sent without waiting for the end of the turn. */
const CHUNK_PACKETS = 1000

const NONE: ReadonlySet<Subscription> = new Set()

/** Callbacks of a subscriber. */
export interface SubscriberEvents {
  /** Called when chats fell behind: the log has to be read. */
  readonly catchUp: () => void
  /** Called when a cursor has moved and must be stored. */
  readonly cursorMoved: (subscription: Subscription) => void
}

/** A connection's subscription to one chat: its position in the log, and whether it gets live events. */
export class Subscription extends LogPosition {
  readonly subscriber: Subscriber
  /** The newest sequence that was announced while it was behind. */
  missed = 0
  /** Whether the catch-up is reading the log for it; live events wait until it has reached the head. */
  isBehind = false
  /** Whether nothing is delivered until it is known whether the user is still a member; see `Subscriber.suspend`. */
  isSuspended = false

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
  /** Whether the client has asked for transient events; see `TransientEvent`. */
  receivesTransient = false
  readonly #events: SubscriberEvents
  readonly #subscriptions = new Map<ChatId, Subscription>()
  /** Created on first use, like the set of unacknowledged ones: most connections never need either. */
  #lagging: Set<Subscription> | undefined
  #opened = false
  #closed = false
  /** See `knownUsers`. */
  #knownUsers = 0
  #pending: Array<EncodedEvent> = []
  #pendingSize = 0
  #pendingPackets = 0
  #isScheduled = false
  /** Subscriptions with deliveries since the client last acknowledged everything. */
  #unacknowledged: Set<Subscription> | undefined

  constructor(connection: Connection, serializer: Serializer, key: SubscriberKey, events: SubscriberEvents) {
    this.connection = connection
    this.serializer = serializer
    this.key = key
    this.#events = events
  }

  /** Whether delivery has ended. */
  get closed(): boolean {
    return this.#closed
  }

  subscription(chat: ChatId): Subscription | undefined {
    return this.#subscriptions.get(chat)
  }

  /** Number of subscribed chats. */
  get size(): number {
    return this.#subscriptions.size
  }

  subscriptions(): Iterable<Subscription> {
    return this.#subscriptions.values()
  }

  /** Subscriptions whose log has to be read before they are live. */
  lagging(): ReadonlySet<Subscription> {
    return this.#lagging ?? NONE
  }

  /**
   * Subscribes to a chat at a cursor. `head` is the newest sequence of its log. Returns undefined if it is subscribed
   * already.
   */
  subscribe(cursor: Pick<Cursor, "chat" | "pushed" | "delivered" | "acked">, head: number): Subscription | undefined {
    if (this.#closed || this.#subscriptions.has(cursor.chat)) return undefined
    const subscription = new Subscription(this, cursor)
    this.#subscriptions.set(cursor.chat, subscription)
    if (head > subscription.position) this.fallBehind(subscription, head)
    return subscription
  }

  /** Unsubscribes from a chat. */
  unsubscribe(chat: ChatId): Subscription | undefined {
    const subscription = this.#subscriptions.get(chat)
    if (subscription === undefined) return undefined
    this.#subscriptions.delete(chat)
    this.#lagging?.delete(subscription)
    this.#unacknowledged?.delete(subscription)
    return subscription
  }

  /**
   * Starts delivery: first these frames, which other connections may share; then the missed entries; then live events.
   * `knownUsers`: the number of users created so far, all of whom the frames contain.
   */
  open(initialFrames: ReadonlyArray<Frame>, knownUsers: number): void {
    if (this.#closed) return
    this.#knownUsers = knownUsers
    for (const frame of initialFrames) this.connection.send(frame, true)
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

  /** Pushes an ephemeral event. Ignored before `open`: the initial frames contain it. Returns the characters queued. */
  pushEphemeral(encoding: EventEncoding): number {
    if (!this.#opened) return 0
    const encoded = encoding.for(this.serializer)
    this.#push(encoded)
    return encoded.size
  }

  /** Number of users created so far that the client has; undefined before `open`. */
  get knownUsers(): number | undefined {
    return this.#opened ? this.#knownUsers : undefined
  }

  /** Pushes users whom the client does not have; `knownUsers`: their number, with those it has. */
  pushUsers(encoded: EncodedEvent, knownUsers: number): void {
    this.#knownUsers = knownUsers
    this.#push(encoded)
  }

  /** Delivers a durable entry. The requester already got it in the reply. */
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
   * Delivers consecutive durable entries `first` to `last`. Returns false, without effect, unless `first` is the next
   * entry of the subscription. Not for the requester of one of them.
   */
  deliverRange(subscription: Subscription, first: number, last: number, encoding: EventEncoding): boolean {
    if (subscription.isBehind || !this.#opened || first !== subscription.position + 1) return false
    subscription.advance(last)
    this.#awaitAcknowledgement(subscription)
    this.#push(encoding.for(this.serializer))
    return true
  }

  /** Delivers an ephemeral entry, which only online members get. */
  deliverEphemeral(subscription: Subscription, seq: number, encoding: EventEncoding, isRequester: boolean): void {
    if (this.#opened && !isRequester && !subscription.isSuspended) this.#push(encoding.for(this.serializer))
    if (seq === subscription.position + 1 && !subscription.isBehind) subscription.skip(seq)
    else if (seq > subscription.position) this.fallBehind(subscription, seq)
  }

  /** Delivers an entry of the catch-up. */
  deliverBacklog(subscription: Subscription, seq: number, encoding: EventEncoding): void {
    if (subscription.isSuspended) return
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

  /** Reads a chat's log up to `head`, if it is subscribed and has not got so far. */
  fallBehindIn(chat: ChatId, head: number): void {
    const subscription = this.#subscriptions.get(chat)
    if (subscription !== undefined && subscription.position < head) this.fallBehind(subscription, head)
  }

  /** Holds back what a chat announces, until `resume` or the end of the subscription. */
  suspend(chat: ChatId): void {
    const subscription = this.#subscriptions.get(chat)
    if (subscription === undefined) return
    subscription.isSuspended = true
    subscription.isBehind = true
    this.#lagging?.delete(subscription)
  }

  /** Goes on with a suspended chat: reads its log up to `head`, or further if more was announced. */
  resume(chat: ChatId, head: number): void {
    const subscription = this.#subscriptions.get(chat)
    if (subscription?.isSuspended !== true) return
    subscription.isSuspended = false
    subscription.isBehind = false
    const announced = Math.max(head, subscription.missed)
    if (subscription.position < announced) this.fallBehind(subscription, announced)
  }

  /** Marks a chat as live after the catch-up has reached its head. */
  caughtUp(subscription: Subscription): void {
    if (subscription.isSuspended) return
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
   * Acknowledges everything flushed before a client's frame, for a client that never acknowledges. Source: PROTOCOLS,
   * "Two wire profiles".
   */
  acknowledgeImplicitly(): void {
    if (this.#unacknowledged === undefined || this.#pending.length > 0 || this.connection.buffered() > 0) return
    for (const subscription of this.#unacknowledged) {
      subscription.acknowledgeThrough(subscription.position)
      this.#events.cursorMoved(subscription)
    }
    this.#unacknowledged = undefined
  }

  /** Approximate number of bytes delivered and not yet taken by the operating system. */
  get buffered(): number {
    return this.#pendingSize + this.connection.buffered()
  }

  /** Sends the pending packets. */
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
    if (this.serializer.acknowledgement !== "implicit") return
    this.#unacknowledged ??= new Set()
    this.#unacknowledged.add(subscription)
  }

  #push(encoded: EncodedEvent): void {
    if (encoded.packets.length === 0) return
    this.#pending.push(encoded)
    this.#pendingSize += encoded.size
    this.#pendingPackets += encoded.packets.length
    if (this.#pendingSize >= CHUNK_SIZE || this.#pendingPackets >= CHUNK_PACKETS) this.flush()
    else if (!this.#isScheduled) {
      this.#isScheduled = true
      atEndOfTurn(this)
    }
  }

  /** Flushes at the end of the turn. */
  endTurn(): void {
    this.#isScheduled = false
    if (!this.#closed) this.flush()
  }
}
