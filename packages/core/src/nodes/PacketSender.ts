/**
 * Gathers notices into packets, numbers and publishes them: those of one turn of the event loop at its end, and those of the
 * next millisecond together, so that a busy node publishes at most one packet in a millisecond.
 */
import { atEndOfTurn } from "../delivery/EndOfTurn.ts"
import type { Bus } from "../ports/Bus.ts"
import { exceeds } from "../model/Utf8.ts"
import { encodeNotice, encodePacket, type Notice, PACKET_OVERHEAD } from "./Packet.ts"

/** Milliseconds after a packet for which notices are gathered. */
const GATHER_MS = 1

export class PacketSender {
  readonly #bus: Bus["Service"]
  readonly #node: string
  /** Calls back once, after this delay in milliseconds. */
  readonly #after: (milliseconds: number, callback: () => void) => void
  #number = 0
  #notices: Array<string> = []
  /** Characters of the gathered notices. */
  #size = 0
  /** Whether a packet is due at the end of this turn, or of the present millisecond. */
  #isScheduled = false

  constructor(bus: Bus["Service"], node: string, after: (milliseconds: number, callback: () => void) => void) {
    this.#bus = bus
    this.#node = node
    this.#after = after
  }

  /** Adds a notice; one that is too large is replaced by `small`, or left out. */
  add(notice: Notice, small?: Notice): void {
    const text = encodeNotice(notice)
    const limit = this.#bus.maxBytes - PACKET_OVERHEAD
    if (exceeds(text, limit)) {
      if (small !== undefined) this.add(small)
      return
    }
    // Counted as if each character had three bytes, unless the notice is alone.
    if (this.#notices.length > 0 && (this.#size + text.length + 1) * 3 > limit) this.#publish()
    this.#notices.push(text)
    this.#size += text.length + 1
    if (this.#isScheduled) return
    this.#isScheduled = true
    atEndOfTurn(this)
  }

  /** See `EndOfTurn`. */
  endTurn(): void {
    this.#isScheduled = this.#notices.length > 0
    if (!this.#isScheduled) return
    this.#publish()
    this.#after(GATHER_MS, () => this.endTurn())
  }

  /** Publishes a packet, even an empty one: its receivers notice by its number that earlier ones were lost. */
  beat(): void {
    this.#publish()
  }

  #publish(): void {
    const notices = this.#notices
    this.#notices = []
    this.#size = 0
    this.#bus.publish(encodePacket(this.#node, ++this.#number, notices))
  }
}
