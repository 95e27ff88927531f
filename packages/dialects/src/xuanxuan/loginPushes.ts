/** The two packets that every login gets first: all users (level 0) and one's own chats (level 1). */
import type { Chat } from "@parley/core/Chat"
import type { OwnChatView } from "@parley/core/Command"
import { Frame, EncodedChunk } from "@parley/core/Frame"
import { nextEphemeralId } from "@parley/core/Ids"
import type { ClientSession } from "@parley/core/ClientSession"
import type { User } from "@parley/core/User"
import type { ChatCache } from "@parley/core/ChatCache"
import * as Effect from "effect/Effect"
import type { Profile } from "./profiles.ts"
import { membersText, ownFacts, packetStart } from "./encode.ts"
import type { UserListCache } from "./UserListCache.ts"

/** Members written before other work is let through. */
const SLICE = 10_000

/** The members of chats as text, written before the greeting is made: that happens within one turn. */
export type MemberTexts = ReadonlyMap<Chat, EncodedChunk>

/** Writes the members of these chats, in slices. Those of a system chat are the list of all users. */
export const encodeMembers = Effect.fnUntraced(function* (
  chats: ReadonlyArray<OwnChatView>,
  profile: Profile
): Effect.fn.Return<MemberTexts> {
  const written = new Map<Chat, EncodedChunk>()
  let members = 0
  for (const { chat } of chats) {
    if (chat.type === "system") continue
    written.set(chat, new EncodedChunk(membersText(chat.members.keys(), profile.vocabulary.members)))
    members += chat.members.size + 1
    if (members >= SLICE) {
      members = 0
      yield* Effect.yieldNow
    }
  }
  return written
})

/** Members of a chat, without brackets; a system chat has everybody in it. */
const membersOf = (chat: Chat, { users, userList, written, profile }: LoginLists): ReadonlyArray<EncodedChunk> => {
  const { members } = profile.vocabulary
  if (chat.type === "system") return userList.members(users, members)
  return [written.get(chat) ?? new EncodedChunk(membersText(chat.members.keys(), members))]
}

interface LoginLists {
  readonly users: ReadonlyArray<User>
  readonly userList: UserListCache
  readonly written: MemberTexts
  readonly profile: Profile
}

/** The list of chats as JSON text. */
export const chatListText = (chats: ReadonlyArray<OwnChatView>, lists: LoginLists): ReadonlyArray<EncodedChunk> => {
  const pieces: Array<EncodedChunk> = []
  let text = "["
  for (const [index, view] of chats.entries()) {
    text += `${index === 0 ? "" : ","}${ownFacts(view, lists.profile.vocabulary)}`
    const members = membersOf(view.chat, lists)
    // Those of most chats are few: they are no pieces of their own.
    if (members.length === 1) text += members[0]?.text ?? ""
    else {
      pieces.push(new EncodedChunk(text), ...members)
      text = ""
    }
    text += "]}"
  }
  pieces.push(new EncodedChunk(`${text}]`))
  return pieces
}

/** The list of users as JSON text; its bytes are the same for all who get it meanwhile. */
export const userListText = (users: ReadonlyArray<User>, userList: UserListCache): ReadonlyArray<EncodedChunk> => [
  OPEN,
  ...userList.pieces(users),
  CLOSE
]

const OPEN = new EncodedChunk("[")
const CLOSE = new EncodedChunk("]")

interface LoginContext extends LoginLists {
  readonly chats: ReadonlyArray<OwnChatView>
  readonly cached: ChatCache
  readonly session: ClientSession
}

/**
 * Made in the turn in which the session begins to hear, from what is known then: users as they are here now, and the
 * chats that the session has begun, with one that was joined meanwhile and without one that was left.
 */
export const loginPushesOf = (guest: LoginContext): ReadonlyArray<Frame> => {
  const { users, userList, chats, cached, session } = guest
  const known = new Map(chats.map((view) => [view.chat.id, view]))
  const views: Array<OwnChatView> = []
  for (const { chat: id } of session.subscriber?.subscriptions() ?? []) {
    const before = known.get(id)
    const now = cached.getCached({ id })
    const user = session.user?.id
    if (now !== undefined && user !== undefined) {
      const preference = before?.preference ?? { chat: id, user, star: false, hide: false, mute: false }
      views.push({ chat: now.chat, head: now.head, preference })
    } else if (before !== undefined) views.push(before)
  }
  views.sort((a, b) => a.chat.id - b.chat.id)
  return [frameOf("userGetList", userListText(users, userList)), frameOf("getlist", chatListText(views, guest))]
}

const END = new EncodedChunk("}]")

/** A packet by itself in a frame. */
const frameOf = (method: string, data: ReadonlyArray<EncodedChunk>): Frame =>
  new Frame([new EncodedChunk(`[${packetStart(nextEphemeralId(), method)}`), ...data, END], true)
