/**
 * Follows the packets of other nodes by their numbers. Each packet is passed on at most once, in any order; one that is
 * missing, or has an unknown format, is a gap: its contents must be read from the store.
 */
import type { Notice, Packet } from "./Packet.ts"

/** Maximum number of missing packets of one node that are still passed on when they arrive late. */
const MAX_MISSING = 1000

interface Sender {
  /** The next expected number. */
  next: number
  readonly missing: Set<number>
  /** Milliseconds of a monotonic clock. */
  heardAt: number
}

/** Result of a packet. */
export interface Received {
  /** Empty for a duplicate. */
  readonly notices: ReadonlyArray<Notice>
  /** Whether earlier packets, or this one's notices, are missing. */
  readonly gap: boolean
}

const NOTHING: Received = { notices: [], gap: false }

export class PacketReceiver {
  readonly #self: string
  readonly #senders = new Map<string, Sender>()

  /** `self`: the receiving node, whose own packets are ignored. */
  constructor(self: string) {
    this.#self = self
  }

  /** `now`: milliseconds of a monotonic clock. Undefined is a text that is not a packet: somebody's packet is missing. */
  receive(packet: Packet | undefined, now: number): Received {
    if (packet === undefined) return { notices: [], gap: true }
    const { node, notices, number } = packet
    if (node === this.#self) return NOTHING
    const sender = this.#senders.get(node)
    if (sender === undefined) {
      this.#senders.set(node, { next: number + 1, missing: new Set(), heardAt: now })
      return { notices: notices ?? [], gap: number > 1 || notices === undefined }
    }
    sender.heardAt = now
    if (number < sender.next && !sender.missing.delete(number)) return NOTHING
    let gap = notices === undefined
    if (number >= sender.next) {
      gap ||= number > sender.next
      for (let lost = Math.max(sender.next, number - MAX_MISSING); lost < number; lost++) sender.missing.add(lost)
      for (const lost of sender.missing) {
        if (sender.missing.size <= MAX_MISSING) break
        sender.missing.delete(lost)
      }
      sender.next = number + 1
    }
    return { notices: notices ?? [], gap }
  }

  /** Whether one of these nodes has sent no packet for this time, in milliseconds. */
  isSilent(nodes: Iterable<string>, now: number, time: number): boolean {
    for (const node of nodes) {
      if (node === this.#self) continue
      const sender = this.#senders.get(node)
      if (sender === undefined || now - sender.heardAt >= time) return true
    }
    return false
  }

  /** Drops nodes that are not among these and have sent no packet for this time, in milliseconds. */
  retain(nodes: ReadonlySet<string>, now: number, time: number): void {
    for (const [node, { heardAt }] of this.#senders) {
      if (!nodes.has(node) && now - heardAt >= time) this.#senders.delete(node)
    }
  }
}
