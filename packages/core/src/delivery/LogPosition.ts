/**
 * A device's position in one chat's log: which entries it was sent, and which of them it has acknowledged. Positions only
 * move forward.
 */
import type { ChatId, UserId } from "../model/Ids.ts"
import { MAX_ACKED, type Cursor } from "../model/Cursor.ts"

/** The user and device that a position belongs to. */
export interface SubscriberKey {
  readonly user: UserId
  /** "" for a user with a single device. */
  readonly device: string
}

export class LogPosition {
  readonly chat: ChatId
  /** All entries up to this sequence were delivered or skipped. */
  position: number
  /** Entries up to this sequence had been pushed before this connection. */
  readonly pushedBefore: number
  #floor: number
  #acked: Set<number> | undefined
  #changed = false
  #isConfirmed = false

  constructor(cursor: Pick<Cursor, "chat" | "pushed" | "delivered" | "acked">) {
    this.chat = cursor.chat
    this.position = cursor.delivered
    this.pushedBefore = cursor.pushed
    this.#floor = cursor.delivered
    if (cursor.acked.length > 0) this.#acked = new Set(cursor.acked)
  }

  isAcknowledged(seq: number): boolean {
    return seq <= this.#floor || this.#acked?.has(seq) === true
  }

  /**
   * Whether entries were acknowledged, or `confirm` was called. Otherwise delivery began at the position, and earlier
   * entries may never have been received.
   */
  get isConfirmed(): boolean {
    return this.#isConfirmed
  }

  /** Records that the entries before the start of delivery were received by other means, so that the position is stored. */
  confirm(): void {
    if (this.#isConfirmed) return
    this.#isConfirmed = true
    this.#changed = true
  }

  /** Returns whether there are unsaved changes, and resets the flag. */
  takeChanged(): boolean {
    const changed = this.#changed
    this.#changed = false
    return changed
  }

  acknowledge(seq: number): void {
    if (this.isAcknowledged(seq)) return
    this.#changed = true
    this.#isConfirmed = true
    if (seq === this.#floor + 1) {
      this.#floor = seq
      if (this.#acked !== undefined) {
        while (this.#acked.delete(this.#floor + 1)) this.#floor++
        if (this.#acked.size === 0) this.#acked = undefined
      }
      return
    }
    this.#acked ??= new Set()
    // Dropping an acknowledgement costs a redelivery, nothing else.
    if (this.#acked.size < MAX_ACKED) this.#acked.add(seq)
  }

  /** Acknowledges everything up to `seq`. */
  acknowledgeThrough(seq: number): void {
    if (seq <= this.#floor) return
    this.#changed = true
    this.#isConfirmed = true
    this.#floor = seq
    if (this.#acked === undefined) return
    for (const one of this.#acked) if (one <= seq) this.#acked.delete(one)
    while (this.#acked.delete(this.#floor + 1)) this.#floor++
    if (this.#acked.size === 0) this.#acked = undefined
  }

  /** Skips an entry that the device does not need. */
  skip(seq: number): void {
    if (seq > this.position) this.position = seq
    this.acknowledge(seq)
  }

  /** Advances to a delivered entry, to be acknowledged. */
  advance(seq: number): void {
    this.position = seq
    this.#changed = true
  }

  cursorOf({ user, device }: SubscriberKey): Cursor {
    return {
      chat: this.chat,
      user,
      device,
      pushed: Math.max(this.position, this.pushedBefore),
      delivered: this.#floor,
      acked: this.#acked === undefined ? [] : [...this.#acked].sort((a, b) => a - b),
      read: 0
    }
  }
}
