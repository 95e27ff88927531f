/** Queries of chats, preferences and cursors. */
import type { Preference } from "@parley/core/Chat"
import type { Cursor } from "@parley/core/Cursor"
import { ChatId, type UserId } from "@parley/core/Ids"
import * as Effect from "effect/Effect"
import type { Reader } from "../Reader.ts"
import { cursor, cursorColumns, preference, preferenceColumns, storedChat, storedChatColumns } from "../rows.ts"
import { int, ints, text, type Row } from "../values.ts"

/** One statement, and so one snapshot: the facts, the head and the members are of the same moment. */
export const STORED_CHATS = `SELECT ${storedChatColumns} FROM chats JOIN heads ON heads.chat = chats.id
  CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(member ORDER BY join_seq, nth), '{}') AS ids,
      coalesce(array_agg(joined_at ORDER BY join_seq, nth), '{}') AS joined,
      coalesce(array_agg(join_seq ORDER BY join_seq, nth), '{}') AS seqs
    FROM members WHERE members.chat = chats.id
  ) AS present`

const CHATS = `${STORED_CHATS} WHERE chats.id = ANY ($1)`
const CHAT_BY_GID = `${STORED_CHATS} WHERE chats.gid = $1`
const CHATS_OF = `SELECT chats.id FROM members JOIN chats ON chats.id = members.chat
  WHERE members.member = $1 AND NOT dissolved
  UNION SELECT id FROM chats WHERE type = 'system' AND NOT dissolved
  ORDER BY 1`

const idOf = ([id]: Row): ChatId => ChatId(id as number)

export const chatQueries = (read: Reader) => ({
  chats: (ids: ReadonlyArray<ChatId>) => read.all("chats", storedChat, CHATS, ids, [ints(ids)]),
  chatByGid: (gid: string) => read.first("chatByGid", storedChat, CHAT_BY_GID, [text(gid)]),
  chatsOf: (user: UserId) =>
    Effect.map(read.rows("chatsOf", CHATS_OF, [int(user)]), (rows): ReadonlyArray<ChatId> => rows.map(idOf)),
  publicChats: Effect.map(
    read.rows("publicChats", "SELECT id FROM chats WHERE public AND NOT dissolved ORDER BY id", []),
    (rows): ReadonlyArray<ChatId> => rows.map(idOf)
  ),
  systemChats: Effect.map(
    read.rows("systemChats", "SELECT id FROM chats WHERE type = 'system' AND NOT dissolved ORDER BY id", []),
    (rows): ReadonlyArray<ChatId> => rows.map(idOf)
  ),
  preferences: (user: UserId) =>
    Effect.map(
      read.rows("preferences", `SELECT ${preferenceColumns} FROM preferences WHERE member = $1 ORDER BY chat`, [
        int(user)
      ]),
      (rows): ReadonlyArray<Preference> => rows.map(preference)
    ),
  cursorsOf: (user: UserId, device: string) =>
    Effect.map(
      read.rows("cursorsOf", `SELECT ${cursorColumns} FROM cursors WHERE member = $1 AND device = $2 ORDER BY chat`, [
        int(user),
        text(device)
      ]),
      (rows): ReadonlyArray<Cursor> => rows.map(cursor)
    ),
  cursorsIn: (chat: ChatId, users: ReadonlyArray<UserId>) =>
    read.all(
      "cursorsIn",
      cursor,
      `SELECT ${cursorColumns} FROM cursors WHERE chat = $1 AND member = ANY ($2) ORDER BY member, device`,
      users,
      [int(chat), ints(users)]
    )
})
