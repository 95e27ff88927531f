/** Decides which entries of a log a member's device needs, by its position in the log. */
import type { EntryId } from "../model/Ids.ts"
import type { NextEntry } from "./LogReader.ts"
import type { LogPosition, SubscriberKey } from "./LogPosition.ts"
import type { Message } from "../model/Message.ts"

export class DeliveryFilter {
  /** Messages that were skipped because they were recalled before the device saw them: it needs no recall either. */
  readonly #recalledUnseen = new Set<EntryId>()
  readonly #key: SubscriberKey
  readonly #position: LogPosition

  constructor(key: SubscriberKey, position: LogPosition) {
    this.#key = key
    this.#position = position
  }

  /** Returns the message to deliver, or undefined if the device does not need this entry. */
  messageOf(next: NextEntry): Message | undefined {
    const { entry, message } = next
    const { user, device } = this.#key
    const isOwn = entry.by === user && entry.device === device
    if (message === undefined || isOwn || this.#position.isAcknowledged(entry.seq)) return undefined
    return this.#shouldDeliver(next, message) ? message : undefined
  }

  /**
   * A message is delivered as it stands now, and never after its recall. A later entry about it is skipped for a device
   * that gets the message from this very page, which already includes the change, or that never saw the recalled
   * message; all others get it. Source: PROTOCOLS, "Recall".
   */
  #shouldDeliver({ entry, reading }: NextEntry, message: Message): boolean {
    const position = this.#position
    if (entry.body._tag === "Posted") {
      if (!message.recalled) return true
      if (entry.seq > position.pushedBefore) this.#recalledUnseen.add(message.id)
      return false
    }
    if (this.#recalledUnseen.has(message.id)) return false
    if (message.seq > reading.pageAfter && !position.isAcknowledged(message.seq)) return false
    return entry.body._tag === "Recalled" || !message.recalled
  }
}
