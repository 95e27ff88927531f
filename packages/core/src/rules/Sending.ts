/** Who may speak. */
import { isAdmin } from "./Membership.ts"
import type { Facts, Rule } from "./Rule.ts"

/**
 * Admins always. Else by the committers: `admins` nobody; a list those on it; all everybody, but in a system chat
 * that has admins only they. Source: PROTOCOLS, "May speak".
 */
export const canSend = (facts: Facts): boolean => {
  if (isAdmin(facts)) return true
  const { chat, user } = facts
  if (chat.committers === "admins") return false
  if (chat.committers === "all" || chat.committers.length === 0) {
    return chat.type !== "system" || chat.admins.length === 0
  }
  return chat.committers.includes(user.id)
}

export const sender: Rule = {
  name: "only who may speak",
  check: (facts) => (canSend(facts) ? undefined : { _tag: "SendForbidden" })
}
