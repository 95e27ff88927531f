/** The two packets that every login gets first: all users (level 0) and one's own chats (level 1). */
import type { OwnChatView } from "@parley/core/Command"
import { nextUnkeptId } from "@parley/core/Ids"
import type { Presence } from "@parley/core/Presence"
import type { Session } from "@parley/core/Session"
import type { PresentUser } from "@parley/core/User"
import type { WarmChats } from "@parley/core/WarmChats"
import type { Profile } from "./Profiles.ts"
import { ownChatJson, packet, userJson } from "./Speech.ts"

interface Guest {
  readonly users: ReadonlyArray<PresentUser>
  readonly chats: ReadonlyArray<OwnChatView>
  readonly presence: Presence
  readonly warm: WarmChats
  readonly session: Session
  readonly profile: Profile
}

/**
 * Made in the turn in which the session begins to hear, from what is known then: users as they are here now, and the
 * chats that the session has begun, with one that was joined meanwhile and without one that was left.
 */
export const greetingOf = ({ users, chats, presence, warm, session, profile }: Guest): ReadonlyArray<string> => {
  const known = new Map(chats.map((view) => [view.chat.id, view]))
  const views: Array<OwnChatView> = []
  for (const { chat: id } of session.delivery?.subscriptions() ?? []) {
    const before = known.get(id)
    const now = warm.peek({ id })
    const user = session.user?.id
    if (now !== undefined && user !== undefined) {
      const preference = before?.preference ?? { chat: id, user, star: false, hide: false, mute: false }
      views.push({ chat: now.chat, head: now.head, preference })
    } else if (before !== undefined) views.push(before)
  }
  views.sort((a, b) => a.chat.id - b.chat.id)
  return [
    packet(
      nextUnkeptId(),
      "userGetList",
      users.map((user) => userJson(presence.of(user)))
    ),
    packet(
      nextUnkeptId(),
      "getlist",
      views.map((view) => ownChatJson(view, profile.vocabulary))
    )
  ]
}
