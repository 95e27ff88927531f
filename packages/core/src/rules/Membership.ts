/** Membership, visibility and admins of a chat. */
import { type Chat, hasFlag, isMember, VIA } from "../model/Chat.ts"
import type { UserId } from "../model/Ids.ts"
import type { Reason } from "../model/Refused.ts"
import type { User } from "../model/User.ts"
import type { Facts, Rule } from "./Rule.ts"

/**
 * A declared difference between protocols: in a protocol without authentication, chats created through it can be seen
 * and changed through it, and no others. Source: PROTOCOLS, "hisihi".
 */
const createdByProtocol = ({ chat, via }: Facts): boolean => via !== undefined && chat.attributes[VIA] === via

/**
 * A group that was created without a user has no owner; system administrators count as its admins, as in system chats.
 */
const hasNoOwner = (chat: Chat): boolean => chat.type === "system" || (chat.createdBy === null && chat.owner === null)

/**
 * Anonymous protocol callers are members of no chat, not even a system chat, but may act on chats created through their
 * protocol.
 */
const isParticipant = (facts: Facts): boolean => {
  if (facts.app !== undefined) return facts.app.all || facts.app.members.size > 0
  return facts.via === undefined ? isMember(facts.chat, facts.user.id) : createdByProtocol(facts)
}

/** The owner counts as an admin; so does a system administrator in a chat without an owner. */
export const isAdmin = (facts: Facts): boolean => {
  const { chat, user, app } = facts
  if (app !== undefined) return app.all || adminsOf(chat).some((id) => app.members.has(id))
  if (createdByProtocol(facts)) return true
  if (!isMember(chat, user.id)) return false
  return chat.owner === user.id || chat.admins.includes(user.id) || (user.admin && hasNoOwner(chat))
}

/** Returns the owner first, then the other admins. */
export const adminsOf = (chat: Chat): ReadonlyArray<UserId> =>
  chat.owner === null ? chat.admins : [chat.owner, ...chat.admins.filter((user) => user !== chat.owner)]

/**
 * To a non-member, a private chat is indistinguishable from a missing one. So is a public one whose owner they may not
 * see, where users do not see everybody.
 */
export const visible: Rule = {
  name: "the chat exists for its members, and for everybody if it is public",
  check: (facts) => {
    const { chat, via, isOutside = false } = facts
    const isSeen = isParticipant(facts) || (chat.public && via === undefined && !isOutside)
    return isSeen && !chat.dissolved ? undefined : { _tag: "NoSuchChat" }
  }
}

/** Refuses non-members, with `NotMember`. */
export const member: Rule = {
  name: "only members",
  check: (facts) => (isParticipant(facts) ? undefined : { _tag: "NotMember" })
}

/** Refuses members who are not admins, with `Forbidden`. */
export const admin: Rule = {
  name: "only admins",
  check: (facts) => (isAdmin(facts) ? undefined : { _tag: "Forbidden", requires: "admins" })
}

/** In a chat without an owner, a member who is a system administrator counts as the owner. */
const isOwner = (facts: Facts): boolean => {
  const { chat, user, app } = facts
  if (app !== undefined) return app.all || (chat.owner !== null && app.members.has(chat.owner))
  if (createdByProtocol(facts) || chat.owner === user.id) return true
  return user.admin && hasNoOwner(chat) && isMember(chat, user.id)
}

/** Refuses members who are not the owner, with `Forbidden`. */
export const owner: Rule = {
  name: "only the owner",
  check: (facts) => (isOwner(facts) ? undefined : { _tag: "Forbidden", requires: "the owner" })
}

/** Refuses users who are not system administrators, with `Forbidden`. */
export const systemAdministrator: Rule = {
  name: "only system administrators",
  check: ({ user }) => (user.admin ? undefined : { _tag: "Forbidden", requires: "system administrators" })
}

/** Refuses to join a private chat, with `NotPublic`. */
export const joinable: Rule = {
  name: "only public chats can be joined",
  check: ({ chat, user }) => (chat.public || isMember(chat, user.id) ? undefined : { _tag: "NotPublic" })
}

/** Refuses users whom admins have blocked, with `Blocked`. */
export const notBlocked: Rule = {
  name: "blocked users cannot join",
  check: ({ chat, user }) => (hasFlag(chat, "blocked", user.id) ? { _tag: "Blocked" } : undefined)
}

/** Returns why these users cannot be added, or undefined: some are blocked. */
export const blockedReason = (chat: Chat, users: ReadonlyArray<Pick<User, "id" | "account">>): Reason | undefined => {
  const blocked = users.filter((user) => hasFlag(chat, "blocked", user.id))
  return blocked.length === 0 ? undefined : { _tag: "Blocked", users: blocked.map(({ account }) => account) }
}

/** Refuses chats that are not groups, with `WrongChatType`. */
export const group: Rule = {
  name: "only groups",
  check: ({ chat }) => (chat.type === "group" ? undefined : { _tag: "WrongChatType", needs: "a group" })
}

/** For protocols with direct chats only: other chats are reported as not found. */
export const direct: Rule = {
  name: "only direct chats",
  check: ({ chat }) => (chat.type === "one2one" ? undefined : { _tag: "NoSuchChat" })
}

/** Refuses chats that are not groups, or have a subject, with `WrongChatType`. */
export const groupWithoutSubject: Rule = {
  name: "only groups without a subject",
  check: ({ chat }) =>
    chat.type === "group" && chat.subject === 0
      ? undefined
      : { _tag: "WrongChatType", needs: "a group without a subject" }
}

/** Refuses chats that are not system chats, with `WrongChatType`. */
export const system: Rule = {
  name: "only system chats",
  check: ({ chat }) => (chat.type === "system" ? undefined : { _tag: "WrongChatType", needs: "a system chat" })
}

/** Refuses direct chats, with `WrongChatType`. */
export const groupOrSystem: Rule = {
  name: "only groups and system chats",
  check: ({ chat }) =>
    chat.type === "group" || chat.type === "system"
      ? undefined
      : { _tag: "WrongChatType", needs: "a group or a system chat" }
}

/**
 * Returns the owner after these members have left: the current owner if they stay, otherwise the longest-standing
 * member, or null if none remains. A chat without an owner stays without one.
 */
export const ownerWithout = (chat: Chat, leaving: ReadonlySet<UserId>): UserId | null => {
  if (chat.owner === null || !leaving.has(chat.owner)) return chat.owner
  for (const user of chat.members.keys()) if (!leaving.has(user)) return user
  return null
}
