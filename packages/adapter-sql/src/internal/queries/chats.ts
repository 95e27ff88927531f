/** Queries of chats, members and cursors. */
import type { Preference, StoredChat } from "@parley/core/Chat"
import type { ChatId, UserId } from "@parley/core/Ids"
import type { Cursor } from "@parley/core/Cursor"
import { head } from "./messages.ts"
import { chat, cursor, preference, type ChatRow, type MemberRow, type CursorRow, type PreferenceRow } from "../rows.ts"
import type { Statements } from "../Statements.ts"
import type { UnindexedTail } from "../log-index/UnindexedTail.ts"

type Id = { readonly id: ChatId }

const storedChat = (db: Statements, tail: UnindexedTail, row: ChatRow): StoredChat => ({
  chat: chat(
    row,
    db.all<MemberRow>("SELECT user, joined_at, join_seq FROM members WHERE chat = ? ORDER BY join_seq, nth", row.id)
  ),
  head: head(db, tail, row.id)
})

export const chats = (db: Statements, tail: UnindexedTail, ids: ReadonlyArray<ChatId>): ReadonlyArray<StoredChat> =>
  [...new Set(ids)].flatMap((id) => {
    const row = db.one<ChatRow>("SELECT * FROM chats WHERE id = ?", id)
    return row === undefined ? [] : [storedChat(db, tail, row)]
  })

export const chatByGid = (db: Statements, tail: UnindexedTail, gid: string): StoredChat | undefined => {
  const row = db.one<ChatRow>("SELECT * FROM chats WHERE gid = ?", gid)
  return row === undefined ? undefined : storedChat(db, tail, row)
}

export const chatsOf = (db: Statements, user: UserId): ReadonlyArray<ChatId> =>
  db
    .all<Id>(
      `SELECT chats.id FROM members CROSS JOIN chats ON chats.id = members.chat
       WHERE members.user = ? AND chats.dissolved = 0
       UNION SELECT id FROM chats WHERE type = 'system' AND dissolved = 0
       ORDER BY 1`,
      user
    )
    .map((row) => row.id)

export const publicChats = (db: Statements): ReadonlyArray<ChatId> =>
  db.all<Id>("SELECT id FROM chats WHERE public = 1 AND dissolved = 0 ORDER BY id").map((row) => row.id)

export const systemChats = (db: Statements): ReadonlyArray<ChatId> =>
  db.all<Id>("SELECT id FROM chats WHERE type = 'system' AND dissolved = 0 ORDER BY id").map((row) => row.id)

export const preferences = (db: Statements, user: UserId): ReadonlyArray<Preference> =>
  db
    .all<PreferenceRow>("SELECT chat, user, star, hide, mute FROM preferences WHERE user = ? ORDER BY chat", user)
    .map(preference)

export const cursorsOf = (db: Statements, user: UserId, device: string): ReadonlyArray<Cursor> =>
  db.all<CursorRow>("SELECT * FROM places WHERE user = ? AND device = ? ORDER BY chat", user, device).map(cursor)

export const cursorsIn = (db: Statements, chat: ChatId, users: ReadonlyArray<UserId>): ReadonlyArray<Cursor> =>
  [...new Set(users)].flatMap((user) =>
    db.all<CursorRow>("SELECT * FROM places WHERE chat = ? AND user = ? ORDER BY device", chat, user).map(cursor)
  )
