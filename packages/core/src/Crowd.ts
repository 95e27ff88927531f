/**
 * The connections that there are, and which of them have no user. Both are bounded: whoever comes when all places are
 * taken is turned away, and so is, when there are too many without a user, the one of those that has been idle for longest.
 */

/** A connection's engine end, as far as it can be turned away. */
export interface Visitor {
  /** Whether something is under way for it: a login, say, which must not be cut off when its turn has come. */
  readonly isBusy: boolean
  /** Tells the client that there is no room, and closes. */
  readonly turnAway: () => void
}

export class Crowd {
  /** Connections at one time, and those of them without a user. */
  readonly #limits: { readonly connections: number; readonly strangers: number }
  readonly #all = new Set<Visitor>()
  /** In the order in which they came to be without a user. */
  readonly #strangers = new Set<Visitor>()

  constructor(limits: { readonly connections: number; readonly strangers: number }) {
    this.#limits = limits
  }

  arrive(visitor: Visitor): void {
    if (this.#all.size >= this.#limits.connections) return visitor.turnAway()
    this.#all.add(visitor)
    this.#await(visitor)
  }

  /** It has a user now. */
  welcome(visitor: Visitor): void {
    this.#strangers.delete(visitor)
  }

  /** It has no user any more. */
  estrange(visitor: Visitor): void {
    if (this.#all.has(visitor)) this.#await(visitor)
  }

  leave(visitor: Visitor): void {
    this.#all.delete(visitor)
    this.#strangers.delete(visitor)
  }

  #await(visitor: Visitor): void {
    this.#strangers.add(visitor)
    if (this.#strangers.size <= this.#limits.strangers) return
    for (const longest of this.#strangers) {
      if (longest.isBusy) continue
      this.#strangers.delete(longest)
      return longest.turnAway()
    }
  }
}
