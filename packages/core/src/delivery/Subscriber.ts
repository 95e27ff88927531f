/**
 * What one connection hears: its subscriptions to its user's chats, what it is behind with, and the packets that wait
 * for the end of this turn to leave in one frame.
 */
import type { Connection } from "../ports/Connection.ts"
import type { Frame } from "../ports/Frame.ts"
import type { ChatId, UserId } from "../model/Ids.ts"
import type { Place } from "../model/Cursor.ts"
import { Subscription } from "./Subscription.ts"
import type { Sayable, Tongue, Utterance } from "./Serializer.ts"

/** Characters that wait before a frame is sent at once, about. */
const BUNDLE = 256 * 1024
/** Packets that wait before a frame is sent at once. */
const BUNDLE_PACKETS = 1000

/** One microtask for all that got something in this turn: a group's message is pushed to many. */
let due: Array<Delivery> = []
const flushDue = (): void => {
  const deliveries = due
  due = []
  for (const delivery of deliveries) delivery.endTurn()
}
const flushAtEndOfTurn = (delivery: Delivery): void => {
  if (due.push(delivery) === 1) void Promise.resolve().then(flushDue)
}

const NONE: ReadonlySet<Subscription> = new Set()

/** Whose ears these are. */
export interface Listener {
  readonly user: UserId
  /** "" where a user has one device only. */
  readonly device: string
}

/** What a delivery asks of its surroundings. */
export interface Follow {
  /** Some of its chats fell behind: the log has to be read. */
  readonly catchUp: () => void
  /** A place has moved and is to be written. */
  readonly touch: (subscription: Subscription) => void
}

export class Delivery {
  readonly connection: Connection
  readonly tongue: Tongue
  readonly listener: Listener
  readonly #follow: Follow
  readonly #subscriptions = new Map<ChatId, Subscription>()
  /** Made when something is first put in, as the set of the untaken is: most connections never need either. */
  #behind: Set<Subscription> | undefined
  #opened = false
  #closed = false
  #pending: Array<Utterance> = []
  #pendingSize = 0
  #pendingPackets = 0
  #armed = false
  /** What was handed over since the client was last known to have taken everything. */
  #untaken: Set<Subscription> | undefined

  constructor(connection: Connection, tongue: Tongue, listener: Listener, follow: Follow) {
    this.connection = connection
    this.tongue = tongue
    this.listener = listener
    this.#follow = follow
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
  behind(): ReadonlySet<Subscription> {
    return this.#behind ?? NONE
  }

  /** Begins a chat at a place. `head` is the newest sequence of its log. Answers nothing where it has begun already. */
  begin(place: Pick<Place, "chat" | "pushed" | "delivered" | "acked">, head: number): Subscription | undefined {
    if (this.#closed || this.#subscriptions.has(place.chat)) return undefined
    const subscription = new Subscription(this, place)
    this.#subscriptions.set(place.chat, subscription)
    if (head > subscription.at) this.fallBehind(subscription, head)
    return subscription
  }

  /** Ends a chat: nothing more of it is owed. */
  end(chat: ChatId): Subscription | undefined {
    const subscription = this.#subscriptions.get(chat)
    if (subscription === undefined) return undefined
    this.#subscriptions.delete(chat)
    this.#behind?.delete(subscription)
    this.#untaken?.delete(subscription)
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
    if (this.behind().size > 0) this.#follow.catchUp()
  }

  close(): void {
    this.#closed = true
    this.#opened = false
    this.#behind = undefined
    this.#untaken = undefined
    this.#pending = []
    this.#pendingSize = 0
    this.#pendingPackets = 0
  }

  /**
   * Something that is in no log. Before `open` it is no news: the greeting says it. Answers how many characters are on their
   * way.
   */
  hear(utterances: Sayable): number {
    if (!this.#opened) return 0
    const utterance = utterances.in(this.tongue)
    this.#push(utterance)
    return utterance.size
  }

  /** A kept entry. Who asked has it with the answer. */
  take(subscription: Subscription, seq: number, utterances: Sayable, asked: boolean): void {
    if (seq <= subscription.at) return
    if (subscription.behind || !this.#opened || seq !== subscription.at + 1) {
      this.fallBehind(subscription, seq)
      return
    }
    if (asked) {
      subscription.pass(seq)
      return
    }
    subscription.hand(seq)
    this.#toBeTaken(subscription)
    this.#push(utterances.in(this.tongue))
  }

  /**
   * Kept entries one after the other, from `first` to `last`, where it has had all before them and none of them, and asked
   * for none of them; answers whether that was so, and else has done nothing.
   */
  takeAll(subscription: Subscription, first: number, last: number, utterances: Sayable): boolean {
    if (subscription.behind || !this.#opened || first !== subscription.at + 1) return false
    subscription.hand(last)
    this.#toBeTaken(subscription)
    this.#push(utterances.in(this.tongue))
    return true
  }

  /** An entry for who is online only. */
  notice(subscription: Subscription, seq: number, utterances: Sayable, asked: boolean): void {
    if (this.#opened && !asked) this.#push(utterances.in(this.tongue))
    if (seq === subscription.at + 1 && !subscription.behind) subscription.pass(seq)
    else if (seq > subscription.at) this.fallBehind(subscription, seq)
  }

  /** An entry that the catch-up hands over. */
  say(subscription: Subscription, seq: number, utterances: Sayable): void {
    subscription.hand(seq)
    this.#toBeTaken(subscription)
    this.#push(utterances.in(this.tongue))
  }

  fallBehind(subscription: Subscription, head: number): void {
    subscription.missed = Math.max(subscription.missed, head)
    if (subscription.behind) return
    subscription.behind = true
    this.#behind ??= new Set()
    this.#behind.add(subscription)
    if (this.#opened) this.#follow.catchUp()
  }

  /** The catch-up has met the head of this chat's log. */
  caughtUp(subscription: Subscription): void {
    subscription.behind = false
    this.#behind?.delete(subscription)
    if (this.#behind?.size === 0) this.#behind = undefined
  }

  acknowledge(chat: ChatId, seq: number): void {
    const subscription = this.#subscriptions.get(chat)
    if (subscription === undefined) return
    subscription.acknowledge(seq)
    this.#follow.touch(subscription)
  }

  /**
   * The client has sent a frame: whatever was flushed before it counts as taken, for a client that never acknowledges.
   * Source: PROTOCOLS, "Two wire profiles".
   */
  noteTaken(): void {
    if (this.#untaken === undefined || this.#pending.length > 0 || this.connection.buffered() > 0) return
    for (const subscription of this.#untaken) {
      subscription.acknowledgeThrough(subscription.at)
      this.#follow.touch(subscription)
    }
    this.#untaken = undefined
  }

  /** What was handed over and is not taken by the operating system, in bytes, about. */
  get waiting(): number {
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

  #toBeTaken(subscription: Subscription): void {
    if (this.tongue.acknowledgement !== "taken") return
    this.#untaken ??= new Set()
    this.#untaken.add(subscription)
  }

  #push(utterance: Utterance): void {
    if (utterance.packets.length === 0) return
    this.#pending.push(utterance)
    this.#pendingSize += utterance.size
    this.#pendingPackets += utterance.packets.length
    if (this.#pendingSize >= BUNDLE || this.#pendingPackets >= BUNDLE_PACKETS) this.flush()
    else if (!this.#armed) {
      this.#armed = true
      flushAtEndOfTurn(this)
    }
  }

  /** The end of the turn has come. */
  endTurn(): void {
    this.#armed = false
    if (!this.#closed) this.flush()
  }
}
