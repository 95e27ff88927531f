/** The two packets that every login gets first: all users (level 0) and one's own chats (level 1). */
import type { Chat } from "@parley/core/Chat"
import type { OwnChatView } from "@parley/core/Command"
import { Frame, Piece } from "@parley/core/Frame"
import { nextUnkeptId } from "@parley/core/Ids"
import type { Session } from "@parley/core/ClientSession"
import type { User } from "@parley/core/User"
import type { WarmChats } from "@parley/core/ChatCache"
import * as Effect from "effect/Effect"
import type { Profile } from "./profiles.ts"
import { membersText, ownFacts, packetStart } from "./encode.ts"
import type { UserList } from "./UserListCache.ts"

/** Members written before other work is let through. */
const SLICE = 10_000

/** The members of chats as text, written before the greeting is made: that happens within one turn. */
export type WrittenMembers = ReadonlyMap<Chat, Piece>

/** Writes the members of these chats, in slices. Those of a system chat are the list of all users. */
export const writeMembers = Effect.fnUntraced(function* (
  chats: ReadonlyArray<OwnChatView>,
  profile: Profile
): Effect.fn.Return<WrittenMembers> {
  const written = new Map<Chat, Piece>()
  let members = 0
  for (const { chat } of chats) {
    if (chat.type === "system") continue
    written.set(chat, new Piece(membersText(chat.members.keys(), profile.vocabulary.members)))
    members += chat.members.size + 1
    if (members >= SLICE) {
      members = 0
      yield* Effect.yieldNow
    }
  }
  return written
})

/** Members of a chat, without brackets; a system chat has everybody in it. */
const membersOf = (chat: Chat, { users, userList, written, profile }: Lists): ReadonlyArray<Piece> => {
  const { members } = profile.vocabulary
  if (chat.type === "system") return userList.members(users, members)
  return [written.get(chat) ?? new Piece(membersText(chat.members.keys(), members))]
}

interface Lists {
  readonly users: ReadonlyArray<User>
  readonly userList: UserList
  readonly written: WrittenMembers
  readonly profile: Profile
}

/** The list of chats as JSON text. */
export const chatListText = (chats: ReadonlyArray<OwnChatView>, lists: Lists): ReadonlyArray<Piece> => {
  const pieces: Array<Piece> = []
  let text = "["
  for (const [index, view] of chats.entries()) {
    text += `${index === 0 ? "" : ","}${ownFacts(view, lists.profile.vocabulary)}`
    const members = membersOf(view.chat, lists)
    // Those of most chats are few: they are no pieces of their own.
    if (members.length === 1) text += members[0]?.text ?? ""
    else {
      pieces.push(new Piece(text), ...members)
      text = ""
    }
    text += "]}"
  }
  pieces.push(new Piece(`${text}]`))
  return pieces
}

/** The list of users as JSON text; its bytes are the same for all who get it meanwhile. */
export const userListText = (users: ReadonlyArray<User>, userList: UserList): ReadonlyArray<Piece> => [
  OPEN,
  ...userList.pieces(users),
  CLOSE
]

const OPEN = new Piece("[")
const CLOSE = new Piece("]")

interface Guest extends Lists {
  readonly chats: ReadonlyArray<OwnChatView>
  readonly warm: WarmChats
  readonly session: Session
}

/**
 * Made in the turn in which the session begins to hear, from what is known then: users as they are here now, and the
 * chats that the session has begun, with one that was joined meanwhile and without one that was left.
 */
export const greetingOf = (guest: Guest): ReadonlyArray<Frame> => {
  const { users, userList, chats, warm, session } = guest
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
  return [frameOf("userGetList", userListText(users, userList)), frameOf("getlist", chatListText(views, guest))]
}

const END = new Piece("}]")

/** A packet by itself in a frame. */
const frameOf = (method: string, data: ReadonlyArray<Piece>): Frame =>
  new Frame([new Piece(`[${packetStart(nextUnkeptId(), method)}`), ...data, END], true)
