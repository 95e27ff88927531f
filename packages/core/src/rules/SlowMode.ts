/** Slow mode: the minimum time between two messages of a member who is not an admin. */
import { slowModeOf } from "../model/Chat.ts"
import { isAdmin } from "./Membership.ts"
import type { Facts, Rule } from "./Rule.ts"

/** Maximum interval in seconds: six hours. */
export const MAX_SLOW_MODE = 21_600

/** Returns whether the chat is in slow mode for the caller. The owner and the other admins are exempt. */
export const isSlowed = (facts: Facts): boolean => slowModeOf(facts.chat) > 0 && !isAdmin(facts)

/**
 * Refuses a message before the interval since the caller's previous one has passed. A time far in the future, by a
 * clock that was set back, does not count.
 */
export const slowMode: Rule = {
  name: "in slow mode, members who are not admins send one message per interval",
  check: (facts) => {
    const { sinceOwnMessage } = facts
    if (sinceOwnMessage === undefined || !isSlowed(facts)) return undefined
    const interval = slowModeOf(facts.chat) * 1000
    if (Math.abs(sinceOwnMessage) >= interval) return undefined
    const retryAfterSeconds = Math.ceil((interval - Math.max(0, sinceOwnMessage)) / 1000)
    return { _tag: "RateLimited", retryAfterSeconds, of: "slow mode" }
  }
}
