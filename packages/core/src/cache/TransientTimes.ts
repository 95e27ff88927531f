/** Members' newest transient messages in chats in slow mode. They are in no log, and count on the node that sent them. */
import type { ChatId, UserId } from "../model/Ids.ts"
import { BoundedMap } from "./BoundedMap.ts"

/** Maximum number of users and chats that are remembered. */
const MAX_KNOWN = 10_000

export class TransientTimes {
  /** Times in milliseconds since 1970. */
  readonly #times = new BoundedMap<string, number>(MAX_KNOWN)

  /**
   * Returns the milliseconds since the member's newest transient message, if they are fewer than `interval`. Otherwise
   * returns undefined, and records one at `now`, in milliseconds since 1970.
   */
  accept(user: UserId, chat: ChatId, interval: number, now: number): number | undefined {
    const key = `${user}/${chat}`
    const newest = this.#times.get(key)
    if (newest !== undefined && Math.abs(now - newest) < interval) return now - newest
    this.#times.set(key, now)
    return undefined
  }
}
