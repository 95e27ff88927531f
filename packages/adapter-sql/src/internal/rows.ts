/** Conversion of table rows to the engine's models. */
import type { Chat, Senders, LogHead, Member, Preference } from "@parley/core/Chat"
import type { ChatId, FileId, UserId } from "@parley/core/Ids"
import type { Cursor } from "@parley/core/Cursor"
import type { DialectRecord, StoredFile, StoredSession } from "@parley/core/Store"
import type { User } from "@parley/core/User"

/** Converts a boolean to a column value. */
export const flag = (value: boolean): number => (value ? 1 : 0)

export type UserRow = {
  readonly id: UserId
  readonly account: string
  readonly realname: string
  readonly avatar: string
  readonly role: string
  readonly dept: number
  readonly admin: number
  readonly organisation: number | null
  readonly disabled: number
  readonly created_at: number
  readonly since: string
}

export const userColumns = "id, account, realname, avatar, role, dept, admin, organisation, disabled, created_at, since"

/** The last parsed value: most users have the same one as the user before them. */
let parsed: readonly [text: string, since: User["since"]] = ["{}", {}]

const since = (text: string): User["since"] => {
  if (text !== parsed[0]) parsed = [text, JSON.parse(text) as User["since"]]
  return parsed[1]
}

export const user = (row: UserRow): User => ({
  id: row.id,
  account: row.account,
  realname: row.realname,
  avatar: row.avatar,
  role: row.role,
  dept: row.dept,
  admin: row.admin === 1,
  organisation: row.organisation,
  disabled: row.disabled === 1,
  createdAt: row.created_at,
  since: since(row.since)
})

export type ChatRow = {
  readonly id: ChatId
  readonly gid: string
  readonly name: string
  readonly type: string
  readonly public: number
  readonly subject: number
  readonly created_by: UserId | null
  readonly owner: UserId | null
  readonly admins: string
  readonly senders: string
  readonly created_at: number
  readonly edited_by: UserId | null
  readonly edited_at: number
  readonly version: number
  readonly attributes: string
  readonly dissolved: number
}

export type MemberRow = { readonly user: UserId; readonly joined_at: number; readonly join_seq: number }

export const chat = (row: ChatRow, members: ReadonlyArray<MemberRow>): Chat => ({
  id: row.id,
  gid: row.gid,
  name: row.name,
  type: row.type,
  public: row.public === 1,
  subject: row.subject,
  createdBy: row.created_by,
  owner: row.owner,
  admins: JSON.parse(row.admins) as ReadonlyArray<UserId>,
  senders: JSON.parse(row.senders) as Senders,
  createdAt: row.created_at,
  editedBy: row.edited_by,
  editedAt: row.edited_at,
  version: row.version,
  attributes: JSON.parse(row.attributes) as Readonly<Record<string, unknown>>,
  dissolved: row.dissolved === 1,
  members: new Map<UserId, Member>(
    members.map((one) => [one.user, { user: one.user, joinedAt: one.joined_at, joinSeq: one.join_seq }])
  )
})

export const emptyHead: LogHead = { seq: 0, posted: 0, activeAt: 0 }

export type CursorRow = {
  readonly chat: ChatId
  readonly user: UserId
  readonly device: string
  readonly pushed: number
  readonly delivered: number
  readonly acked: string
  readonly read: number
}

export const cursor = (row: CursorRow): Cursor => ({
  ...row,
  acked: row.acked === "[]" ? [] : (JSON.parse(row.acked) as ReadonlyArray<number>)
})

export type PreferenceRow = {
  readonly chat: ChatId
  readonly user: UserId
  readonly star: number
  readonly hide: number
  readonly mute: number
}

export const preference = (row: PreferenceRow): Preference => ({
  chat: row.chat,
  user: row.user,
  star: row.star === 1,
  hide: row.hide === 1,
  mute: row.mute === 1
})

export type SessionRow = {
  readonly hash: string
  readonly user: UserId
  readonly kind: "chat" | "device" | "token"
  readonly device: string
  readonly created_at: number
  readonly used_at: number
}

export const session = (row: SessionRow): StoredSession => ({
  hash: row.hash,
  user: row.user,
  kind: row.kind,
  device: row.device,
  createdAt: row.created_at,
  usedAt: row.used_at
})

export type FileRow = {
  readonly id: FileId
  readonly chat: ChatId
  readonly title: string
  readonly size: number
  readonly added_by: UserId
  readonly at: number
  readonly blob: string
}

export const file = (row: FileRow): StoredFile => ({
  id: row.id,
  chat: row.chat,
  title: row.title,
  size: row.size,
  addedBy: row.added_by,
  at: row.at,
  blob: row.blob
})

export type RecordRow = {
  readonly dialect: string
  readonly kind: string
  readonly key: string
  readonly value: string
}

export const record = (row: RecordRow): DialectRecord => ({ ...row, value: JSON.parse(row.value) as unknown })
