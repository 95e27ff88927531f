/** Limits how often a user's typing in a chat is passed on: two starts within three seconds, each with its end. */
import type { ChatId, UserId } from "../model/Ids.ts"
import { BoundedMap } from "./BoundedMap.ts"

/** Milliseconds of one interval. */
const INTERVAL_MS = 3000
/** Starts that are passed on in one interval: at first, and again after an end. */
const MAX_STARTS = 2
/** Maximum number of users and chats that are remembered. */
const MAX_KNOWN = 10_000

interface Times {
  /** Begin of the interval; milliseconds since 1970. */
  since: number
  starts: number
  typing: boolean
}

export class TypingTimes {
  readonly #times = new BoundedMap<string, Times>(MAX_KNOWN)

  /** Returns whether a start or an end is passed on, and records it. `now` in milliseconds since 1970. */
  accept(user: UserId, chat: ChatId, typing: boolean, now: number): boolean {
    const key = `${user}/${chat}`
    const last = this.#times.get(key)
    if (!typing) {
      if (last?.typing !== true) return false
      last.typing = false
      return true
    }
    if (last === undefined || now - last.since >= INTERVAL_MS || now < last.since) {
      this.#times.set(key, { since: now, starts: 1, typing })
      return true
    }
    if (last.typing || last.starts >= MAX_STARTS) return false
    last.starts++
    last.typing = true
    return true
  }
}
