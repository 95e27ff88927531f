/**
 * Slots for what is under way at one time: requests, transfers. They are bounded in total, and each holder, an address or a user,
 * may have a share of them, so that nobody can keep all others out.
 */
import * as Context from "effect/Context"
import type { UserId } from "../model/Ids.ts"

export class Slots {
  readonly #total: number
  readonly #share: number
  #taken = 0
  readonly #holders = new Map<string, number>()

  /** `percent` of the total for each holder, and at least one. */
  constructor(total: number, percent: number) {
    this.#total = total
    this.#share = Math.ceil((total * percent) / 100)
  }

  get taken(): number {
    return this.#taken
  }

  get isFull(): boolean {
    return this.#taken >= this.#total
  }

  /** Takes one; undefined where there is none, or where the holder has its share. The holder "" has no bound of its own. */
  take(holder: string): Slot | undefined {
    if (this.isFull) return undefined
    const slot = new Slot(this.#holders, this.#share, () => this.#taken--)
    if (!slot.claim(holder)) return undefined
    this.#taken++
    return slot
  }
}

export class Slot {
  readonly #holders: Map<string, number>
  readonly #share: number
  readonly #release: () => void
  readonly #mine: Array<string> = []
  #released = false

  constructor(holders: Map<string, number>, share: number, release: () => void) {
    this.#holders = holders
    this.#share = share
    this.#release = release
  }

  /** Counts it for a further holder, too; false where that one has its share. Claiming it again changes nothing. */
  claim(holder: string): boolean {
    if (holder === "" || this.#released || this.#mine.includes(holder)) return true
    const held = this.#holders.get(holder) ?? 0
    if (held >= this.#share) return false
    this.#holders.set(holder, held + 1)
    this.#mine.push(holder)
    return true
  }

  /** More than one call is no harm. */
  release(): void {
    if (this.#released) return
    this.#released = true
    for (const holder of this.#mine) {
      const held = this.#holders.get(holder) ?? 0
      if (held > 1) this.#holders.set(holder, held - 1)
      else this.#holders.delete(holder)
    }
    this.#release()
  }
}

/** The holder that a user is. */
export const userHolder = (user: UserId): string => `user ${user}`

/**
 * Counts the HTTP request in hand for the user who sends it; false where they have their share of requests. Whoever finds out the
 * user calls it. Without a host that bounds requests it is always true.
 */
export const ClaimRequest: Context.Reference<(user: UserId) => boolean> = Context.Reference<(user: UserId) => boolean>(
  "@parley/core/ClaimRequest",
  {
    defaultValue: () => () => true
  }
)
