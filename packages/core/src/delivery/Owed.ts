/** Which entries of a log a member's device is owed, by where it is in the log. */
import type { SubscriberKey } from "./LogPosition.ts"
import type { EntryId } from "../model/Ids.ts"
import type { NextEntry } from "./LogReader.ts"
import type { LogPosition } from "./LogPosition.ts"
import type { Message } from "../model/Message.ts"

export class Owed {
  /** Recalled messages that were skipped and never delivered here: their recall is skipped, too. */
  readonly #unseen = new Set<EntryId>()
  readonly #listener: SubscriberKey
  readonly #position: LogPosition

  constructor(listener: SubscriberKey, position: LogPosition) {
    this.#listener = listener
    this.#position = position
  }

  /** The message to deliver, or undefined if the device does not need this entry. */
  messageOf(next: NextEntry): Message | undefined {
    const { entry, message } = next
    const { user, device } = this.#listener
    const sentItself = entry.by === user && entry.device === device
    if (message === undefined || sentItself || this.#position.isAcknowledged(entry.seq)) return undefined
    return this.#isNews(next, message) ? message : undefined
  }

  /**
   * A message is delivered as it stands now: never one that was recalled. A later entry about it is skipped for a device
   * that gets the message from this very page, which was read after the change, and for a device that never got the
   * recalled message. Source: PROTOCOLS, "Recall".
   */
  #isNews({ entry, reading }: NextEntry, message: Message): boolean {
    const position = this.#position
    if (entry.body._tag === "Posted") {
      if (!message.recalled) return true
      if (entry.seq > position.pushedBefore) this.#unseen.add(message.id)
      return false
    }
    if (this.#unseen.has(message.id)) return false
    if (message.seq > reading.pageAfter && !position.isAcknowledged(message.seq)) return false
    return entry.body._tag === "Recalled" || !message.recalled
  }
}
