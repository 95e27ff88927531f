/**
 * Delivers messages to the application exactly once and in the order of each chat; acknowledges a message only after the
 * application has processed it.
 *
 * The server redelivers unacknowledged packets, oldest first. Packet ids rise within a chat, so one number per chat detects
 * duplicates. The content digests of the newest packets show whether a redelivered packet has new content.
 */
import { BoundedMap } from "./BoundedMap.ts"
import { messagesOf, type Report } from "./validate.ts"
import { md5 } from "./Md5.ts"
import { type Backoff, type Clock, delayOf } from "./backoff.ts"
import type { Chat, Incoming, Message, Packet } from "./protocol.ts"

/** Processes a message; it counts as processed once a returned promise has resolved. */
export type Consumer = (message: Incoming) => unknown

/** Rejection by which a consumer that is being removed releases its message. */
export const RELEASED = Symbol("released")

export interface InboxSettings {
  /** Maximum messages that wait for the application. Further ones stay on the server. */
  readonly limit: number
  readonly clock: Clock
  readonly random: () => number
  /** Wait before a message is passed again to a consumer that failed. */
  readonly backoff: Backoff
  readonly acknowledge: (packets: ReadonlyArray<number>) => void
  /** Called when the inbox is empty after messages were left out: the server has to redeliver those. */
  readonly renew: () => void
  /** Whether this client sent the message of this gid. */
  readonly isOwn: (gid: string) => boolean
  readonly onError: (error: unknown) => void
  /** Called when a replaced or recalled message arrives, before the application processes it. */
  readonly onChange: (message: Incoming) => void
  /** Receives an error for each message that is not as documented. It is skipped, and its packet is not acknowledged. */
  readonly malformed: Report
}

interface Entry {
  message: Incoming
  /** The packet to acknowledge after it; undefined if a later entry acknowledges it. */
  packet: number | undefined
  /** Consumers that have processed it. */
  readonly processedBy: Set<Consumer>
}

interface RecentPacket {
  readonly gid: string
  /** Content type, whether recalled, and digest of the content. */
  readonly state: string
  /** Undefined once it is processed. */
  entry: Entry | undefined
}

interface ChatPosition {
  /** Id of the newest packet received. */
  newest: number
  /** Differs for another chat of the same gid, which exists after the store was recreated. */
  identity: string | undefined
}

/** Packets whose content digest is kept, in addition to those of waiting messages. */
const RECENT_PACKETS = 4096

export class Inbox {
  readonly #settings: InboxSettings
  readonly #entries: Array<Entry> = []
  readonly #consumers = new Set<Consumer>()
  readonly #positions = new Map<string, ChatPosition>()
  readonly #recent: BoundedMap<number, RecentPacket>
  /** Packets of the current frame that need no processing: duplicates, and messages of this client. */
  #acknowledgeable: Array<number> = []
  /** Whether messages were left out because the inbox was full. */
  #overflowed = false
  #running = false
  #ended = false
  /** Ends the wait before the next attempt. */
  #endBackOff = (): void => {}

  constructor(settings: InboxSettings) {
    this.#settings = settings
    this.#recent = new BoundedMap(RECENT_PACKETS + settings.limit)
  }

  /** Adds a consumer; each consumer gets every further message, one at a time. Returns a function that removes it. */
  consume(consumer: Consumer): () => void {
    this.#consumers.add(consumer)
    void this.#run()
    return () => void this.#consumers.delete(consumer)
  }

  /** Called after each login: the server redelivers from the oldest unacknowledged message on. */
  onLogin(): void {
    this.#overflowed = false
  }

  /** Takes the chats listed at a login, and drops the positions of all others: their packets cannot be redelivered. */
  markKnown(chats: Iterable<Chat>): void {
    const identities = new Map<string, string>()
    for (const { gid, id, createdDate } of chats) identities.set(gid, `${id} ${createdDate}`)
    for (const [gid, position] of this.#positions) {
      const identity = identities.get(gid)
      if (identity === undefined || (position.identity !== undefined && position.identity !== identity)) {
        this.#positions.delete(gid)
      } else position.identity = identity
    }
    for (const [gid, identity] of identities) {
      if (!this.#positions.has(gid)) this.#positions.set(gid, { newest: 0, identity })
    }
  }

  /** Takes in the message packets of one frame. */
  accept(packets: ReadonlyArray<Packet>): void {
    for (const { id, method, data } of packets) this.#accept(id, messagesOf(method, data, this.#settings.malformed))
    const ids = this.#acknowledgeable
    this.#acknowledgeable = []
    if (ids.length > 0) this.#settings.acknowledge(ids)
    void this.#run()
  }

  /** Stops delivering. Unprocessed messages are not acknowledged; the next login gets them. */
  end(): void {
    this.#ended = true
    this.#entries.length = 0
    this.#endBackOff()
  }

  #accept(packet: number | undefined, messages: ReadonlyArray<Message>): void {
    const [first] = messages
    if (first === undefined || this.#overflowed || this.#ended) return
    const recent = packet === undefined ? undefined : this.#recent.get(packet)
    const position = this.#positions.get(first.cgid) ?? { newest: 0, identity: undefined }
    // The same packet id for another message: the store was restored from a backup.
    const isOther = recent !== undefined && recent.gid !== first.gid
    const state = `${first.contentType} ${first.recalled === true} ${md5(first.content)}`
    if (packet !== undefined && !isOther && (recent !== undefined || packet <= position.newest)) {
      if (recent === undefined || recent.state === state) {
        // A waiting message is acknowledged once it is processed.
        if (recent?.entry === undefined) this.#acknowledgeable.push(packet)
        return
      }
    }
    const own = this.#settings.isOwn(first.gid) && packet === first.id
    if (!own && this.#entries.length + messages.length > this.#settings.limit) {
      // Leaves out all further ones too, so that none overtakes the first.
      this.#overflowed = this.#entries.length > 0
      if (this.#overflowed) return
    }
    let entry: Entry | undefined
    if (own) {
      if (packet !== undefined) this.#acknowledgeable.push(packet)
    } else {
      if (recent?.entry !== undefined && !isOther) recent.entry.packet = undefined
      for (const message of messages) {
        const changed = packet !== undefined && (packet !== message.id || (recent !== undefined && !isOther))
        const change = message.recalled === true ? "recalled" : changed ? "replaced" : "new"
        entry = { message: { ...message, change }, packet: undefined, processedBy: new Set() }
        this.#entries.push(entry)
        if (change !== "new") this.#settings.onChange(entry.message)
      }
      if (entry !== undefined) entry.packet = packet
    }
    if (packet === undefined) return
    position.newest = isOther ? packet : Math.max(packet, position.newest)
    this.#positions.set(first.cgid, position)
    // Never drops a waiting message's packet: at most `limit` messages wait, and this map has room for more.
    this.#recent.set(packet, { gid: first.gid, state, entry })
  }

  async #run(): Promise<void> {
    if (this.#running) return
    this.#running = true
    // A new consumer is not called before `consume` has returned.
    await Promise.resolve()
    for (let failures = 0; ;) {
      const entry = this.#entries[0]
      if (entry === undefined || this.#consumers.size === 0) break
      try {
        // A consumer added meanwhile starts with the next message.
        const consumers = Array.from(this.#consumers)
        for (const consumer of consumers) {
          if (entry.processedBy.has(consumer) || !this.#consumers.has(consumer)) continue
          await consumer(entry.message)
          entry.processedBy.add(consumer)
        }
      } catch (error) {
        if (error === RELEASED || this.#ended) continue
        this.#settings.onError(error)
        await this.#backOff(failures++)
        continue
      }
      failures = 0
      if (this.#ended) continue
      this.#entries.shift()
      if (entry.packet !== undefined) this.#acknowledge(entry.packet, entry)
    }
    this.#running = false
    if (this.#overflowed && this.#entries.length === 0 && !this.#ended) {
      this.#overflowed = false
      this.#settings.renew()
    }
  }

  #acknowledge(packet: number, entry: Entry): void {
    const recent = this.#recent.get(packet)
    if (recent?.entry === entry) recent.entry = undefined
    this.#settings.acknowledge([packet])
  }

  #backOff(failures: number): Promise<void> {
    const { clock, backoff, random } = this.#settings
    return new Promise((resolve) => {
      const timer = clock.setTimeout(resolve, delayOf(backoff, failures, random()))
      this.#endBackOff = () => {
        clock.clearTimeout(timer)
        resolve()
      }
    })
  }
}
