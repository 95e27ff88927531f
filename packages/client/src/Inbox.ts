/**
 * Messages on their way to the application: each once and in the order of its chat, whatever comes twice from the server;
 * acknowledged when the application has taken it, and not before.
 *
 * The server delivers again, from the oldest on, what it has no acknowledgement for. The ids of a chat's packets rise, so
 * one number for each chat tells what is old. What is kept of the newest packets beside that tells whether an old one
 * comes with a new content.
 */
import { BoundedMap } from "./BoundedMap.ts"
import { messagesOf, type Report } from "./validate.ts"
import { md5 } from "./Md5.ts"
import { type Backoff, type Clock, delayOf } from "./backoff.ts"
import type { Chat, Incoming, Message, Packet } from "./protocol.ts"

/** Takes a message; it counts as taken once the promise is there. */
export type Consumer = (message: Incoming) => unknown

/** A consumer that is leaving gives a message back by rejecting with this. */
export const RELEASED = Symbol("given back")

export interface InboxSettings {
  /** Messages that wait for the application, at most. What comes beyond stays with the server. */
  readonly limit: number
  readonly clock: Clock
  readonly random: () => number
  /** Between two attempts to hand over a message that a consumer fails to take. */
  readonly backoff: Backoff
  readonly acknowledge: (packets: ReadonlyArray<number>) => void
  /** The waiting messages are taken, and the server has more that were not kept: it has to deliver again. */
  readonly renew: () => void
  /** Whether this gid is one of a message that was sent by this very client. */
  readonly isOwn: (gid: string) => boolean
  readonly onError: (error: unknown) => void
  /** Takes an error for each message that is not as documented. It is left out, and never acknowledged by itself. */
  readonly malformed: Report
}

interface Entry {
  message: Incoming
  /** The packet to acknowledge once it is taken; absent where a later entry does that. */
  packet: number | undefined
  /** Who has taken it already, of several. */
  readonly taken: Set<Consumer>
}

/** What is known of a packet. */
interface Known {
  readonly gid: string
  state: string
  /** As long as it is not taken. */
  entry: Entry | undefined
}

interface ChatPosition {
  /** The newest packet that came. */
  newest: number
  /** Tells a chat from another one of the same gid, in a store that was made anew. */
  identity: string | undefined
}

/** Packets whose content is known, beside those whose messages wait. */
const RECENT = 4096

export class Inbox {
  readonly #settings: InboxSettings
  readonly #entries: Array<Entry> = []
  readonly #consumers = new Set<Consumer>()
  readonly #places = new Map<string, ChatPosition>()
  readonly #recent: BoundedMap<number, Known>
  #old: Array<number> = []
  #behind = false
  #running = false
  #ended = false
  /** Ends the wait for another attempt to hand a message over. */
  #endPause = (): void => {}

  constructor(settings: InboxSettings) {
    this.#settings = settings
    this.#recent = new BoundedMap(RECENT + settings.limit)
  }

  /** Hands messages over from now on, in turn; with several consumers every message to each of them. */
  consume(consumer: Consumer): () => void {
    this.#consumers.add(consumer)
    void this.#run()
    return () => void this.#consumers.delete(consumer)
  }

  /** A new connection: the server delivers from the oldest message on that is not acknowledged. */
  begin(): void {
    this.#behind = false
  }

  /** The chats there are, as every login tells. Of others nothing can come again. */
  markKnown(chats: Iterable<Chat>): void {
    const identities = new Map<string, string>()
    for (const { gid, id, createdDate } of chats) identities.set(gid, `${id} ${createdDate}`)
    for (const [gid, place] of this.#places) {
      const identity = identities.get(gid)
      if (identity === undefined || (place.identity !== undefined && place.identity !== identity)) {
        this.#places.delete(gid)
      } else place.identity = identity
    }
    for (const [gid, identity] of identities) {
      if (!this.#places.has(gid)) this.#places.set(gid, { newest: 0, identity })
    }
  }

  /** Takes in the message packets of one frame. */
  accept(packets: ReadonlyArray<Packet>): void {
    for (const { id, method, data } of packets) this.#take(id, messagesOf(method, data, this.#settings.malformed))
    const old = this.#old
    this.#old = []
    if (old.length > 0) this.#settings.acknowledge(old)
    void this.#run()
  }

  /** Hands nothing over any more. What was not taken is not acknowledged, and comes to who logs in next. */
  end(): void {
    this.#ended = true
    this.#entries.length = 0
    this.#endPause()
  }

  #take(packet: number | undefined, messages: ReadonlyArray<Message>): void {
    const [first] = messages
    if (first === undefined || this.#behind || this.#ended) return
    const known = packet === undefined ? undefined : this.#recent.get(packet)
    const place = this.#places.get(first.cgid) ?? { newest: 0, identity: undefined }
    // The same packet for another message: the store is one that was put back to an earlier time.
    const other = known !== undefined && known.gid !== first.gid
    const state = `${first.contentType} ${first.recalled === true} ${md5(first.content)}`
    if (packet !== undefined && !other && (known !== undefined || packet <= place.newest)) {
      if (known === undefined || known.state === state) {
        // What still waits is acknowledged once it is taken.
        if (known?.entry === undefined) this.#old.push(packet)
        return
      }
    }
    const own = this.#settings.isOwn(first.gid) && packet === first.id
    if (!own && this.#entries.length + messages.length > this.#settings.limit) {
      // Not one more, so that nothing overtakes what is left out.
      this.#behind = this.#entries.length > 0
      if (this.#behind) return
    }
    let entry: Entry | undefined
    if (own) {
      if (packet !== undefined) this.#old.push(packet)
    } else {
      if (known?.entry !== undefined && !other) known.entry.packet = undefined
      for (const message of messages) {
        const changed = packet !== undefined && (packet !== message.id || (known !== undefined && !other))
        const change = message.recalled === true ? "recalled" : changed ? "replaced" : "new"
        entry = { message: { ...message, change }, packet: undefined, taken: new Set() }
        this.#entries.push(entry)
      }
      if (entry !== undefined) entry.packet = packet
    }
    if (packet === undefined) return
    place.newest = other ? packet : Math.max(packet, place.newest)
    this.#places.set(first.cgid, place)
    // Packets whose messages wait are newer than those that are dropped.
    this.#recent.set(packet, { gid: first.gid, state, entry })
  }

  async #run(): Promise<void> {
    if (this.#running) return
    this.#running = true
    // Whoever has just begun to listen is not called before they know.
    await Promise.resolve()
    for (let failures = 0; ;) {
      const entry = this.#entries[0]
      if (entry === undefined || this.#consumers.size === 0) break
      try {
        // Who comes meanwhile begins with the next one.
        const consumers = Array.from(this.#consumers)
        for (const consumer of consumers) {
          if (entry.taken.has(consumer) || !this.#consumers.has(consumer)) continue
          await consumer(entry.message)
          entry.taken.add(consumer)
        }
      } catch (error) {
        if (error === RELEASED || this.#ended) continue
        this.#settings.onError(error)
        await this.#pause(failures++)
        continue
      }
      failures = 0
      if (this.#ended) continue
      this.#entries.shift()
      if (entry.packet !== undefined) this.#settle(entry.packet, entry)
    }
    this.#running = false
    if (this.#behind && this.#entries.length === 0 && !this.#ended) {
      this.#behind = false
      this.#settings.renew()
    }
  }

  #settle(packet: number, entry: Entry): void {
    const known = this.#recent.get(packet)
    if (known?.entry === entry) known.entry = undefined
    this.#settings.acknowledge([packet])
  }

  #pause(failures: number): Promise<void> {
    const { clock, backoff, random } = this.#settings
    return new Promise((resolve) => {
      const timer = clock.setTimeout(resolve, delayOf(backoff, failures, random()))
      this.#endPause = () => {
        clock.clearTimeout(timer)
        resolve()
      }
    })
  }
}
