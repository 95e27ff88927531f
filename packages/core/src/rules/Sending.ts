/** Permission to send. */
import { hasFlag } from "../model/Chat.ts"
import { isAdmin } from "./Membership.ts"
import type { Facts, Rule } from "./Rule.ts"

/**
 * Returns whether the user may send. Admins always may. Otherwise the senders decide: `admins` excludes everybody
 * else, a list allows its users, and `all` allows all members, except in a system chat with admins. Source: PROTOCOLS,
 * "May speak". Where users do not see everybody, a system chat has broadcasts only: its messages would name senders to
 * users who may not see them.
 */
export const canSend = (facts: Facts): boolean => {
  const { chat, user, app } = facts
  if (chat.type === "system" && facts.isLimited === true) return false
  if (isAdmin(facts)) return true
  if (chat.senders === "admins") return false
  if (chat.senders === "all" || chat.senders.length === 0) {
    return chat.type !== "system" || chat.admins.length === 0
  }
  if (app !== undefined) return chat.senders.some((id) => app.members.has(id))
  return chat.senders.includes(user.id)
}

export const sender: Rule = {
  name: "only members who may send",
  check: (facts) => (canSend(facts) ? undefined : { _tag: "SendForbidden" })
}

/** Refuses members whom an admin has silenced, with `SendForbidden`. */
export const notSilenced: Rule = {
  name: "silenced members may not send",
  check: (facts) =>
    hasFlag(facts.chat, "silenced", facts.user.id) && !isAdmin(facts) ? { _tag: "SendForbidden" } : undefined
}
