/** How often a login failed lately, by account and by address, in a fixed window. Bounded: the oldest are forgotten. */

/** Keys remembered, at most. */
const LIMIT = 100_000

interface Failures {
  count: number
  /** When the window of these failures began; milliseconds since 1970. */
  readonly since: number
}

export class FailedLogins {
  readonly #failures = new Map<string, Failures>()
  /** Milliseconds. */
  readonly #window: number

  constructor(windowSeconds: number) {
    this.#window = windowSeconds * 1000
  }

  /** Seconds until another attempt is allowed, or nothing while it is. */
  wait(key: string, limit: number, now: number): number | undefined {
    const failures = this.#failures.get(key)
    if (failures === undefined || failures.count < limit) return undefined
    const left = failures.since + this.#window - now
    return left > 0 ? Math.ceil(left / 1000) : undefined
  }

  add(key: string, now: number): void {
    const failures = this.#failures.get(key)
    if (failures !== undefined && failures.since + this.#window > now) {
      failures.count++
      return
    }
    this.#failures.delete(key)
    if (this.#failures.size >= LIMIT) {
      for (const oldest of this.#failures.keys()) {
        this.#failures.delete(oldest)
        break
      }
    }
    this.#failures.set(key, { count: 1, since: now })
  }

  /** One attempt that was counted beforehand did not fail. */
  takeBack(key: string): void {
    const failures = this.#failures.get(key)
    if (failures !== undefined && failures.count > 0) failures.count--
  }
}
