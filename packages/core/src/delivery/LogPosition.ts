/**
 * A device's position in one chat's log: which entries it was sent, and which of them it has acknowledged. Positions only
 * move forward.
 */
import type { ChatId, UserId } from "../model/Ids.ts"
import { MAX_ACKED, type Cursor } from "../model/Cursor.ts"

/** The user and device that a position belongs to. */
export interface SubscriberKey {
  readonly user: UserId
  /** "" where a user has one device only. */
  readonly device: string
}

export class LogPosition {
  readonly chat: ChatId
  /** Everything up to this sequence was handed over or passed by. */
  position: number
  /** Up to here it had been handed over before this connection came. */
  readonly pushedBefore: number
  #floor: number
  #acked: Set<number> | undefined
  #changed = false

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

  /** Whether there is something to save that was not saved before; asking resets it. */
  takeChanged(): boolean {
    const changed = this.#changed
    this.#changed = false
    return changed
  }

  acknowledge(seq: number): void {
    if (this.isAcknowledged(seq)) return
    this.#changed = true
    if (seq === this.#floor + 1) {
      this.#floor = seq
      if (this.#acked !== undefined) {
        while (this.#acked.delete(this.#floor + 1)) this.#floor++
        if (this.#acked.size === 0) this.#acked = undefined
      }
      return
    }
    this.#acked ??= new Set()
    // Forgetting an acknowledgement costs a redelivery, nothing else.
    if (this.#acked.size < MAX_ACKED) this.#acked.add(seq)
  }

  /** Everything up to `seq` was taken. */
  acknowledgeThrough(seq: number): void {
    if (seq <= this.#floor) return
    this.#changed = true
    this.#floor = seq
    if (this.#acked === undefined) return
    for (const one of this.#acked) if (one <= seq) this.#acked.delete(one)
    while (this.#acked.delete(this.#floor + 1)) this.#floor++
    if (this.#acked.size === 0) this.#acked = undefined
  }

  /** Goes over an entry that this session is not owed. */
  skip(seq: number): void {
    if (seq > this.position) this.position = seq
    this.acknowledge(seq)
  }

  /** Hands an entry over, to be acknowledged. */
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
