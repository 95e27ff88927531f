/** Encodes the first two packets of every login: all users (level 0) and the user's own chats (level 1). */
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

/** Members that are encoded before other work runs. */
const MEMBERS_PER_SLICE = 10_000

/** Encoded members by chat, prepared in advance since the login pushes are encoded within one turn. */
export type MemberTexts = ReadonlyMap<Chat, EncodedChunk>

/** Encodes the members of these chats in slices. A system chat's members are the list of all users. */
export const encodeMembers = Effect.fnUntraced(function* (
  chats: ReadonlyArray<OwnChatView>,
  profile: Profile
): Effect.fn.Return<MemberTexts> {
  const memberTexts = new Map<Chat, EncodedChunk>()
  let members = 0
  for (const { chat } of chats) {
    if (chat.type === "system") continue
    memberTexts.set(chat, new EncodedChunk(membersText(chat.members.keys(), profile.wireFormat.members)))
    members += chat.members.size + 1
    if (members >= MEMBERS_PER_SLICE) {
      members = 0
      yield* Effect.yieldNow
    }
  }
  return memberTexts
})

/** Returns the encoded members of a chat, without brackets; all users for a system chat. */
const membersOf = (chat: Chat, { users, userList, memberTexts, profile }: LoginLists): ReadonlyArray<EncodedChunk> => {
  const { members } = profile.wireFormat
  if (chat.type === "system") return userList.members(users, members)
  return [memberTexts.get(chat) ?? new EncodedChunk(membersText(chat.members.keys(), members))]
}

interface LoginLists {
  readonly users: ReadonlyArray<User>
  readonly userList: UserListCache
  readonly memberTexts: MemberTexts
  readonly profile: Profile
}

/** Encodes the list of chats as JSON text. */
export const chatListText = (chats: ReadonlyArray<OwnChatView>, lists: LoginLists): ReadonlyArray<EncodedChunk> => {
  const chunks: Array<EncodedChunk> = []
  let text = "["
  for (const [index, view] of chats.entries()) {
    text += `${index === 0 ? "" : ","}${ownFacts(view, lists.profile.wireFormat)}`
    const members = membersOf(view.chat, lists)
    // Most chats have few members, which are not worth a chunk.
    if (members.length === 1) text += members[0]?.text ?? ""
    else {
      chunks.push(new EncodedChunk(text), ...members)
      text = ""
    }
    text += "]}"
  }
  chunks.push(new EncodedChunk(`${text}]`))
  return chunks
}

/** Encodes the list of users as JSON text; connections share its bytes until a user changes. */
export const userListText = (users: ReadonlyArray<User>, userList: UserListCache): ReadonlyArray<EncodedChunk> => [
  ARRAY_START,
  ...userList.chunks(users),
  ARRAY_END
]

const ARRAY_START = new EncodedChunk("[")
const ARRAY_END = new EncodedChunk("]")

interface LoginContext extends LoginLists {
  readonly chats: ReadonlyArray<OwnChatView>
  readonly chatCache: ChatCache
  readonly session: ClientSession
}

/**
 * Encodes the login pushes in the turn in which the session subscribes, from the state at that time: current users and the
 * session's subscriptions, including chats that were joined meanwhile and without those that were left.
 */
export const loginPushesOf = (context: LoginContext): ReadonlyArray<Frame> => {
  const { users, userList, chats, chatCache, session } = context
  const known = new Map(chats.map((view) => [view.chat.id, view]))
  const views: Array<OwnChatView> = []
  for (const { chat: id } of session.subscriber?.subscriptions() ?? []) {
    const before = known.get(id)
    const now = chatCache.getCached({ id })
    const user = session.user?.id
    if (now !== undefined && user !== undefined) {
      const preference = before?.preference ?? { chat: id, user, star: false, hide: false, mute: false }
      views.push({ chat: now.chat, head: now.head, preference })
    } else if (before !== undefined) views.push(before)
  }
  views.sort((a, b) => a.chat.id - b.chat.id)
  return [frameOf("userGetList", userListText(users, userList)), frameOf("getlist", chatListText(views, context))]
}

const FRAME_END = new EncodedChunk("}]")

/** Encodes a frame of one packet. */
const frameOf = (method: string, data: ReadonlyArray<EncodedChunk>): Frame =>
  new Frame([new EncodedChunk(`[${packetStart(nextEphemeralId(), method)}`), ...data, FRAME_END], true)
