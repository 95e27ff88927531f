/** Conversion of rows to the engine's models. */
import type { Chat, Senders, Member, Preference, StoredChat } from "@parley/core/Chat"
import type { Cursor } from "@parley/core/Cursor"
import { ChatId, FileId, UserId } from "@parley/core/Ids"
import type { DialectRecord, StoredFile, StoredSession } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import { Columns, type Row } from "./values.ts"

const userOrNull = (id: number | null): UserId | null => (id === null ? null : UserId(id))

export const userColumns = "id, account, realname, avatar, role, dept, admin, organisation, disabled, created_at, since"

/** The last parsed value: most users have the same one as the user before them. */
let parsed: readonly [text: string, since: User["since"]] = ["{}", {}]

const since = (text: string): User["since"] => {
  if (text !== parsed[0]) parsed = [text, JSON.parse(text) as User["since"]]
  return parsed[1]
}

export const user = (row: Row): User => {
  const columns = new Columns(row)
  return {
    id: UserId(columns.int()),
    account: columns.text(),
    realname: columns.text(),
    avatar: columns.text(),
    role: columns.text(),
    dept: columns.int(),
    admin: columns.bool(),
    organisation: columns.intOrNull(),
    disabled: columns.bool(),
    createdAt: columns.int(),
    since: since(columns.text())
  }
}

/** The facts of a chat, of `chats` joined with `heads`. */
export const chatColumns =
  "chats.id, chats.gid, name, type, public, subject, created_by, owner, admins, senders, created_at, edited_by, edited_at, attributes, dissolved, heads.version"

const CHAT_COLUMNS = 16

export const chat = (row: Row, members: ReadonlyMap<UserId, Member>): Chat => {
  const columns = new Columns(row)
  return {
    id: ChatId(columns.int()),
    gid: columns.text(),
    name: columns.text(),
    type: columns.text(),
    public: columns.bool(),
    subject: columns.int(),
    createdBy: userOrNull(columns.intOrNull()),
    owner: userOrNull(columns.intOrNull()),
    admins: columns.json() as ReadonlyArray<UserId>,
    senders: columns.json() as Senders,
    createdAt: columns.int(),
    editedBy: userOrNull(columns.intOrNull()),
    editedAt: columns.int(),
    attributes: columns.json() as Readonly<Record<string, unknown>>,
    dissolved: columns.bool(),
    version: columns.int(),
    members
  }
}

/** After `chatColumns`: the head, and the members as three lists of the same length, in the order of joining. */
export const storedChatColumns = `${chatColumns}, heads.seq, heads.posted, heads.active_at, present.ids, present.joined, present.seqs`

export const storedChat = (row: Row): StoredChat => {
  const columns = new Columns(row, CHAT_COLUMNS)
  const head = { seq: columns.int(), posted: columns.int(), activeAt: columns.int() }
  const [ids, joined, seqs] = [columns.ints(), columns.ints(), columns.ints()]
  const members = new Map<UserId, Member>()
  for (const [index, id] of ids.entries()) {
    members.set(UserId(id), { user: UserId(id), joinedAt: joined[index] ?? 0, joinSeq: seqs[index] ?? 0 })
  }
  return { chat: chat(row, members), head }
}

export const preferenceColumns = "chat, member, star, hide, mute"

export const preference = (row: Row): Preference => {
  const columns = new Columns(row)
  return {
    chat: ChatId(columns.int()),
    user: UserId(columns.int()),
    star: columns.bool(),
    hide: columns.bool(),
    mute: columns.bool()
  }
}

export const cursorColumns = "chat, member, device, pushed, delivered, acked, read"

export const cursor = (row: Row): Cursor => {
  const columns = new Columns(row)
  return {
    chat: ChatId(columns.int()),
    user: UserId(columns.int()),
    device: columns.text(),
    pushed: columns.int(),
    delivered: columns.int(),
    acked: columns.json() as ReadonlyArray<number>,
    read: columns.int()
  }
}

export const sessionColumns = "hash, member, kind, device, created_at, used_at"

export const session = (row: Row): StoredSession => {
  const columns = new Columns(row)
  return {
    hash: columns.text(),
    user: UserId(columns.int()),
    kind: columns.text() as StoredSession["kind"],
    device: columns.text(),
    createdAt: columns.int(),
    usedAt: columns.int()
  }
}

export const fileColumns = "id, chat, title, size, added_by, at, blob"

export const file = (row: Row): StoredFile => {
  const columns = new Columns(row)
  return {
    id: FileId(columns.int()),
    chat: ChatId(columns.int()),
    title: columns.text(),
    size: columns.int(),
    addedBy: UserId(columns.int()),
    at: columns.int(),
    blob: columns.text()
  }
}

export const recordColumns = "dialect, kind, key, value"

export const record = (row: Row): DialectRecord => {
  const columns = new Columns(row)
  return { dialect: columns.text(), kind: columns.text(), key: columns.text(), value: columns.json() }
}
