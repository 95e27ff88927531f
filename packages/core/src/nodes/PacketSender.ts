/** Gathers the notices of a millisecond into packets, numbers and publishes them. */
import type { Bus } from "../ports/Bus.ts"
import { exceeds } from "../model/Utf8.ts"
import { encodeNotice, encodePacket, type Notice, PACKET_OVERHEAD } from "./Packet.ts"

/** Milliseconds for which notices are gathered. */
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
    this.#after(GATHER_MS, () => {
      this.#isScheduled = false
      if (this.#notices.length > 0) this.#publish()
    })
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
