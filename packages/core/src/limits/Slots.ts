/**
 * Slots for concurrent work: requests, transfers. They are limited in total, and each holder, an address or a user, may
 * have a share of them, so that no holder can exclude the others.
 */
import * as Context from "effect/Context"
import type { UserId } from "../model/Ids.ts"

/** Limits concurrent holders: in total, and for each holder a percentage of the total. */
export class Slots {
  readonly #total: number
  readonly #share: number
  #taken = 0
  readonly #holders = new Map<string, number>()

  /** `percent` of the total for each holder, at least one slot. */
  constructor(total: number, percent: number) {
    this.#total = total
    this.#share = Math.ceil((total * percent) / 100)
  }

  /** Number of taken slots. */
  get taken(): number {
    return this.#taken
  }

  /** Whether all slots are taken. */
  get isFull(): boolean {
    return this.#taken >= this.#total
  }

  /**
   * Takes a slot; undefined if all are taken, or if the holder has its share. The holder "" has no limit of its own.
   */
  take(holder: string): Slot | undefined {
    if (this.isFull) return undefined
    const slot = new Slot(this.#holders, this.#share, () => this.#taken--)
    if (!slot.claim(holder)) return undefined
    this.#taken++
    return slot
  }
}

/** One taken slot. */
export class Slot {
  readonly #holders: Map<string, number>
  readonly #share: number
  readonly #release: () => void
  readonly #claimed: Array<string> = []
  #released = false

  constructor(holders: Map<string, number>, share: number, release: () => void) {
    this.#holders = holders
    this.#share = share
    this.#release = release
  }

  /** Counts the slot for a further holder too; false if that one has its share. A repeated claim changes nothing. */
  claim(holder: string): boolean {
    if (holder === "" || this.#released || this.#claimed.includes(holder)) return true
    const held = this.#holders.get(holder) ?? 0
    if (held >= this.#share) return false
    this.#holders.set(holder, held + 1)
    this.#claimed.push(holder)
    return true
  }

  /** Releases the slot; repeated calls do nothing. */
  release(): void {
    if (this.#released) return
    this.#released = true
    for (const holder of this.#claimed) {
      const held = this.#holders.get(holder) ?? 0
      if (held > 1) this.#holders.set(holder, held - 1)
      else this.#holders.delete(holder)
    }
    this.#release()
  }
}

/** Returns the holder of a user. */
export const userHolder = (user: UserId): string => `user ${user}`

/**
 * Counts the current HTTP request for its user; false if they have their share of requests. Called once the user is
 * known. Always true without a host that limits requests.
 */
export const ClaimRequest: Context.Reference<(user: UserId) => boolean> = Context.Reference<(user: UserId) => boolean>(
  "@parley/core/ClaimRequest",
  {
    defaultValue: () => () => true
  }
)
