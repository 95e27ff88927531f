/** Who is in a chat, who sees that it exists, and whom its admins are. */
import { type Chat, isMember, VIA } from "../model/Chat.ts"
import type { UserId } from "../model/Ids.ts"
import type { Facts, Rule } from "./Rule.ts"

/**
 * A declared difference between protocols: where nobody is asked who they are, whatever was made through that protocol
 * can be seen and changed through it, and nothing else. Source: PROTOCOLS, "hisihi".
 */
const createdByProtocol = ({ chat, via }: Facts): boolean => via !== undefined && chat.attributes[VIA] === via

/** A group that nobody in particular made has no owner; system administrators count as its admins, as in system chats. */
const hasNoOwner = (chat: Chat): boolean => chat.type === "system" || (chat.createdBy === null && chat.owner === null)

/** Members. Nobody in particular is a member of nothing, also not of a system chat, but may act on what was made here. */
const belongs = (facts: Facts): boolean =>
  facts.via === undefined ? isMember(facts.chat, facts.user.id) : createdByProtocol(facts)

/** The owner counts as an admin; so does a system administrator in a chat that is nobody's. */
export const isAdmin = (facts: Facts): boolean => {
  const { chat, user } = facts
  if (createdByProtocol(facts)) return true
  if (!isMember(chat, user.id)) return false
  return chat.owner === user.id || chat.admins.includes(user.id) || (user.admin && hasNoOwner(chat))
}

/** The owner first, then the other admins. */
export const adminsOf = (chat: Chat): ReadonlyArray<UserId> =>
  chat.owner === null ? chat.admins : [chat.owner, ...chat.admins.filter((user) => user !== chat.owner)]

/** A private chat answers who is not in it exactly as one that does not exist. */
export const visible: Rule = {
  name: "the chat exists for its members, and for everybody if it is public",
  check: (facts) => {
    const { chat, via } = facts
    const seen = belongs(facts) || (chat.public && via === undefined)
    return seen && !chat.dissolved ? undefined : { _tag: "NoSuchChat" }
  }
}

export const member: Rule = {
  name: "only members",
  check: (facts) => (belongs(facts) ? undefined : { _tag: "NotMember" })
}

export const admin: Rule = {
  name: "only admins",
  check: (facts) => (isAdmin(facts) ? undefined : { _tag: "Forbidden", requires: "admins" })
}

export const systemAdministrator: Rule = {
  name: "only system administrators",
  check: ({ user }) => (user.admin ? undefined : { _tag: "Forbidden", requires: "system administrators" })
}

export const joinable: Rule = {
  name: "only public chats can be joined",
  check: ({ chat, user }) => (chat.public || isMember(chat, user.id) ? undefined : { _tag: "NotPublic" })
}

export const group: Rule = {
  name: "only groups",
  check: ({ chat }) => (chat.type === "group" ? undefined : { _tag: "WrongChatType", needs: "a group" })
}

/** For who knows pairs only: another chat answers as one that does not exist. */
export const direct: Rule = {
  name: "only pairs",
  check: ({ chat }) => (chat.type === "one2one" ? undefined : { _tag: "NoSuchChat" })
}

export const groupWithoutSubject: Rule = {
  name: "only groups without a subject",
  check: ({ chat }) =>
    chat.type === "group" && chat.subject === 0
      ? undefined
      : { _tag: "WrongChatType", needs: "a group without a subject" }
}

export const system: Rule = {
  name: "only system chats",
  check: ({ chat }) => (chat.type === "system" ? undefined : { _tag: "WrongChatType", needs: "a system chat" })
}

export const groupOrSystem: Rule = {
  name: "only groups and system chats",
  check: ({ chat }) =>
    chat.type === "group" || chat.type === "system"
      ? undefined
      : { _tag: "WrongChatType", needs: "a group or a system chat" }
}

/**
 * Who owns the chat when these have left: the owner who stays, else the member who has been in it longest, else nobody.
 * A chat without an owner gets none this way.
 */
export const ownerWithout = (chat: Chat, leaving: ReadonlySet<UserId>): UserId | null => {
  if (chat.owner === null || !leaving.has(chat.owner)) return chat.owner
  for (const user of chat.members.keys()) if (!leaving.has(user)) return user
  return null
}
