/** Writes of chats, members and cursors. */
import type { Chat, NewChat } from "@parley/core/Chat"
import type { UserId } from "@parley/core/Ids"
import { evolve, type Changed, type Entry } from "@parley/core/Log"
import { mergeCursors, type Cursor } from "@parley/core/Cursor"
import type { Write } from "@parley/core/Store"
import { chat as chatOf, flag, cursor as cursorOf, type ChatRow, type MemberRow, type CursorRow } from "../rows.ts"
import type { Statements } from "../Statements.ts"

/** An entry other than a message. */
export const INSERT_ENTRY = `INSERT INTO log (chat, seq, posted, at, author, origin, kind, target, content_type, content)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const INSERT_MEMBER = "INSERT INTO members (chat, user, joined_at, join_seq, nth) VALUES (?, ?, ?, ?, ?)"

/** The numbers of the chat and of its first entry. */
export const createChat = (db: Statements, chat: NewChat, by: UserId | null): readonly [id: number, entry: number] => {
  const id = db.insert(
    `INSERT INTO chats (gid, name, type, public, subject, created_by, owner, admins, senders, created_at, edited_by,
       edited_at, version, attributes, dissolved)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, 0, 1, ?, 0)`,
    chat.gid,
    chat.name,
    chat.type,
    flag(chat.public),
    chat.subject,
    chat.createdBy,
    chat.owner,
    JSON.stringify(chat.admins),
    JSON.stringify(chat.senders),
    chat.createdAt,
    JSON.stringify(chat.attributes)
  )
  let nth = 0
  for (const user of new Set(chat.members)) db.run(INSERT_MEMBER, id, user, chat.createdAt, 1, nth++)
  const entry = db.insert(INSERT_ENTRY, id, 1, 0, chat.createdAt, by, null, "Created", null, null, null)
  return [id, entry]
}

const saveChat = (db: Statements, chat: Chat): void => {
  db.run(
    `UPDATE chats SET name = ?, public = ?, owner = ?, admins = ?, senders = ?, edited_by = ?, edited_at = ?,
       version = ?, attributes = ?, dissolved = ? WHERE id = ?`,
    chat.name,
    flag(chat.public),
    chat.owner,
    JSON.stringify(chat.admins),
    JSON.stringify(chat.senders),
    chat.editedBy,
    chat.editedAt,
    chat.version,
    JSON.stringify(chat.attributes),
    flag(chat.dissolved),
    chat.id
  )
}

/** Applies `evolve` to the chat's rows. Only the affected members are loaded, since it treats members independently. */
export const changeChat = (db: Statements, entry: Entry<Changed>): void => {
  const row = db.one<ChatRow>("SELECT * FROM chats WHERE id = ?", entry.chat)
  if (row === undefined) throw new Error(`there is no chat ${entry.chat}`)
  const concerned = new Set([...(entry.body.removed ?? []), ...(entry.body.added ?? [])])
  const members = [...concerned].flatMap((user) =>
    db.all<MemberRow>("SELECT user, joined_at, join_seq FROM members WHERE chat = ? AND user = ?", entry.chat, user)
  )
  const before = chatOf(row, members)
  const after = evolve(before, entry)
  saveChat(db, after)
  for (const [user, member] of before.members) {
    if (after.members.get(user) !== member) {
      db.run("DELETE FROM members WHERE chat = ? AND user = ?", entry.chat, user)
    }
  }
  let nth = 0
  for (const [user, member] of after.members) {
    if (before.members.get(user) !== member) {
      db.run(INSERT_MEMBER, entry.chat, user, member.joinedAt, member.joinSeq, nth++)
    }
  }
}

/** Merges the cursor; writes nothing if it is unchanged. */
export const moveCursor = (db: Statements, cursor: Cursor): void => {
  const row = db.one<CursorRow>(
    "SELECT * FROM places WHERE chat = ? AND user = ? AND device = ?",
    cursor.chat,
    cursor.user,
    cursor.device
  )
  const far = mergeCursors(row === undefined ? cursor : cursorOf(row), cursor)
  const acked = JSON.stringify(far.acked)
  if (
    row !== undefined &&
    row.pushed === far.pushed &&
    row.delivered === far.delivered &&
    row.read === far.read &&
    row.acked === acked
  ) {
    return
  }
  db.run(
    `INSERT INTO places (chat, user, device, pushed, delivered, acked, read) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET pushed = excluded.pushed, delivered = excluded.delivered, acked = excluded.acked,
       read = excluded.read`,
    far.chat,
    far.user,
    far.device,
    far.pushed,
    far.delivered,
    acked,
    far.read
  )
}

type SetPreference = Extract<Write, { readonly _tag: "SetPreference" }>

const SET_PREFERENCE = `INSERT INTO preferences (user, chat, star, hide, mute)
  VALUES (:user, :chat, coalesce(:star, 0), coalesce(:hide, 0), coalesce(:mute, 0))
  ON CONFLICT DO UPDATE SET star = coalesce(:star, star), hide = coalesce(:hide, hide), mute = coalesce(:mute, mute)
  RETURNING star, hide, mute`

/** Merges the given flags. Returns the resulting star, hide and mute as 0 or 1. */
export const setPreference = (db: Statements, { chat, hide, mute, star, user }: SetPreference): Array<number> => {
  const optional = (value: boolean | undefined) => (value === undefined ? null : flag(value))
  const flags = { star: optional(star), hide: optional(hide), mute: optional(mute) }
  const row = db.prepare(SET_PREFERENCE).get({ user, chat, ...flags })
  return [Number(row?.["star"]), Number(row?.["hide"]), Number(row?.["mute"])]
}
