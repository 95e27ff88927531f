/** The two packets that every login gets first: all users (level 0) and one's own chats (level 1). */
import type { OwnChatView } from "@parley/core/Command"
import { Piece } from "@parley/core/Frame"
import type { Switchboard } from "@parley/core/Hub"
import { nextUnkeptId } from "@parley/core/Ids"
import type { Session } from "@parley/core/Session"
import { Utterance } from "@parley/core/Tongue"
import type { User } from "@parley/core/User"
import type { WarmChats } from "@parley/core/WarmChats"
import type { Profile } from "./Profiles.ts"
import { membersJson, ownChatJson, ownFactsJson, packet, packetAround, userJson } from "./Speech.ts"

/**
 * The list of all users as every login gets it, encoded once for each change of what it says: the same bytes for all who
 * come meanwhile. What was not told to everybody yet is told to them too, after it.
 */
export class Roster {
  readonly #hub: Switchboard
  readonly #lists = new Map<
    Profile,
    { readonly of: ReadonlyArray<User>; readonly version: string; readonly list: Utterance }
  >()

  readonly #everybody = new Map<Profile, { readonly of: ReadonlyArray<User>; readonly text: string }>()

  constructor(hub: Switchboard) {
    this.#hub = hub
  }

  /** `users` is the same array as long as nobody has changed. */
  list(users: ReadonlyArray<User>, profile: Profile): Utterance {
    const { presence, rosterVersion: version } = this.#hub
    const last = this.#lists.get(profile)
    if (last !== undefined && last.of === users && last.version === version) return last.list
    const data = users.map((user) => userJson(presence.of(user)))
    const list = new Utterance(profile, [new Piece(packet(nextUnkeptId(), "userGetList", data))])
    this.#lists.set(profile, { of: users, version, list })
    return list
  }

  /** A chat as its member gets it, as text. A system chat has everybody in it, which is written once for all. */
  chat(view: OwnChatView, users: ReadonlyArray<User>, profile: Profile): string {
    if (view.chat.type !== "system") return JSON.stringify(ownChatJson(view, profile.vocabulary))
    let everybody = this.#everybody.get(profile)
    if (everybody?.of !== users) {
      const ids = users.map(({ id }) => id)
      everybody = { of: users, text: JSON.stringify(membersJson(ids, profile.vocabulary.members)) }
      this.#everybody.set(profile, everybody)
    }
    const facts = JSON.stringify(ownFactsJson(view, profile.vocabulary))
    return `${facts.slice(0, -1)},"members":${everybody.text}}`
  }
}

interface Guest {
  readonly users: ReadonlyArray<User>
  readonly roster: Roster
  readonly chats: ReadonlyArray<OwnChatView>
  readonly warm: WarmChats
  readonly session: Session
  readonly profile: Profile
}

/**
 * Made in the turn in which the session begins to hear, from what is known then: users as they are here now, and the
 * chats that the session has begun, with one that was joined meanwhile and without one that was left.
 */
export const greetingOf = ({ users, roster, chats, warm, session, profile }: Guest): ReadonlyArray<Utterance> => {
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
  const data = views.map((view) => roster.chat(view, users, profile)).join(",")
  const list = new Piece(packetAround(nextUnkeptId(), "getlist", `[${data}]`))
  return [roster.list(users, profile), new Utterance(profile, [list])]
}
