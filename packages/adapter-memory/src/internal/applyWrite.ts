/** Applies one write of a checked batch; cannot fail. */
import { createdChat, type NewChat, type Preference, type StoredChat } from "@parley/core/Chat"
import { ChatId, EntryId, FileId, UserId } from "@parley/core/Ids"
import { evolve, type Entry } from "@parley/core/Log"
import { amend, fromPosted } from "@parley/core/Message"
import { mergeCursors, type Cursor } from "@parley/core/Cursor"
import type { StoredSession, Write, WriteResult } from "@parley/core/Store"
import type { NewUser, UserChange } from "@parley/core/User"
import { recordKey, getOrMake, type ChatState, type Tables } from "./Tables.ts"

const DONE: WriteResult = { _tag: "Done" }

const chatOf = (tables: Tables, id: ChatId): ChatState => {
  const state = tables.chats.get(id)
  if (state === undefined) throw new Error(`there is no chat ${id}`)
  return state
}

/** Appends an entry to the chat's log and applies it to the chat's facts and messages. */
const append = (tables: Tables, state: ChatState, fields: Pick<Entry, "at" | "by" | "device" | "body">): Entry => {
  const { body } = fields
  const entry: Entry = {
    ...fields,
    id: EntryId(tables.entries.length + 1),
    chat: state.chat.id,
    seq: state.log.length + 1,
    posted: state.messages.length + (body._tag === "Posted" ? 1 : 0)
  }
  tables.entries.push(entry)
  state.log.push(entry)
  if (body._tag === "Posted") {
    state.messages.push(entry.id)
    state.activeAt = entry.at
    tables.messagesByGid.set(body.gid, entry.id)
    tables.messages.set(entry.id, fromPosted({ ...entry, body }))
  } else if (body._tag === "Replaced" || body._tag === "Recalled") {
    const message = tables.messages.get(body.message)
    if (message !== undefined) tables.messages.set(message.id, amend(message, { id: entry.id, body }))
  } else {
    state.chat = evolve(state.chat, entry)
    tables.changes.add({ _tag: "ChatChanged", chat: entry.chat, entry: entry.id, seq: entry.seq })
  }
  return entry
}

const createChat = (
  tables: Tables,
  made: NewChat,
  by: UserId | null,
  stored: (state: ChatState) => StoredChat
): WriteResult => {
  const id = ChatId(tables.chats.size + 1)
  const chat = createdChat(made, id)
  const state: ChatState = { chat, log: [], messages: [], activeAt: 0 }
  tables.chats.set(id, state)
  tables.chatsByGid.set(chat.gid, id)
  if (chat.type === "system") tables.systemChats.add(id)
  const entry = append(tables, state, { at: chat.createdAt, by, device: null, body: { _tag: "Created" } })
  return { _tag: "Chat", stored: stored(state), entry }
}

const createUser = (tables: Tables, made: NewUser): WriteResult => {
  const { password, ...rest } = made
  const since: Record<number, number> = {}
  for (const id of tables.systemChats) {
    const state = tables.chats.get(id)
    if (state?.chat.dissolved === false) since[id] = state.log.length
  }
  const user = { ...rest, id: UserId(tables.users.size + 1), since }
  tables.users.set(user.id, { user, password, settings: null, sessionEpoch: 0 })
  tables.usersByAccount.set(user.account, user.id)
  tables.changes.add({ _tag: "UserChanged", user: user.id, renamed: false })
  return { _tag: "User", user }
}

const changeUser = (tables: Tables, id: UserId, change: UserChange): WriteResult => {
  const state = tables.users.get(id)
  if (state === undefined) return DONE
  const { password, ...rest } = change
  if (change.account !== undefined) {
    tables.usersByAccount.delete(state.user.account)
    tables.usersByAccount.set(change.account, id)
  }
  state.user = { ...state.user, ...rest }
  if (password !== undefined) state.password = password
  tables.changes.add({ _tag: "UserChanged", user: id, renamed: change.realname !== undefined })
  return DONE
}

const moveCursor = (tables: Tables, cursor: Cursor): WriteResult => {
  const devices = getOrMake(tables.cursors, cursor.user, () => new Map<string, Map<ChatId, Cursor>>())
  const chats = getOrMake(devices, cursor.device, () => new Map<ChatId, Cursor>())
  chats.set(cursor.chat, mergeCursors(chats.get(cursor.chat) ?? cursor, cursor))
  return DONE
}

const sessionsOf = (tables: Tables, user: UserId): ReadonlyArray<StoredSession> =>
  [...tables.sessions.values()]
    .filter((session) => session.user === user)
    .sort((a, b) => b.usedAt - a.usedAt || b.createdAt - a.createdAt || (a.hash < b.hash ? -1 : 1))

/** Returns the sessions that `session` ends, so that at most `keep` of its user and kind are left. */
const surplusSessions = (tables: Tables, session: StoredSession, keep: number): ReadonlyArray<StoredSession> =>
  sessionsOf(tables, session.user)
    .filter((one) => one.kind === session.kind && one.hash !== session.hash)
    .slice(Math.max(keep - 1, 0))

const endSessions = (tables: Tables, sessions: ReadonlyArray<StoredSession>, replaced: boolean): WriteResult => {
  for (const { hash, user } of sessions) {
    tables.sessions.delete(hash)
    tables.changes.add({ _tag: "SessionEnded", user, hash, replaced })
  }
  return { _tag: "Sessions", ended: sessions.map(({ hash }) => hash) }
}

export const applyWrite = (tables: Tables, write: Write, stored: (state: ChatState) => StoredChat): WriteResult => {
  switch (write._tag) {
    case "CreateChat":
      return createChat(tables, write.chat, write.by, stored)
    case "Append":
    case "Amend": {
      const { at, body, by, chat, device } = write
      return { _tag: "Entry", entry: append(tables, chatOf(tables, chat), { at, by, device, body }) }
    }
    case "SetPreference": {
      const { chat, user } = write
      const chats = getOrMake(tables.preferences, user, () => new Map<ChatId, Preference>())
      const before = chats.get(chat)
      const preference: Preference = {
        chat,
        user,
        star: write.star ?? before?.star ?? false,
        hide: write.hide ?? before?.hide ?? false,
        mute: write.mute ?? before?.mute ?? false
      }
      chats.set(chat, preference)
      return { _tag: "Preference", preference }
    }
    case "MoveCursor":
      return moveCursor(tables, write.cursor)
    case "HideMessage":
      getOrMake(tables.hidden, write.user, () => new Set<EntryId>()).add(write.message)
      return DONE
    case "CreateUser":
      return createUser(tables, write.user)
    case "ChangeUser":
      return changeUser(tables, write.user, write.change)
    case "SaveSettings": {
      const state = tables.users.get(write.user)
      if (state !== undefined) state.settings = write.settings
      return DONE
    }
    case "SaveSession": {
      tables.sessions.set(write.session.hash, write.session)
      const surplus = write.keep === undefined ? [] : surplusSessions(tables, write.session, write.keep)
      return endSessions(tables, surplus, true)
    }
    case "TouchSession": {
      const session = tables.sessions.get(write.hash)
      if (session !== undefined) tables.sessions.set(write.hash, { ...session, usedAt: write.usedAt })
      return DONE
    }
    case "EndSession": {
      const session = tables.sessions.get(write.hash)
      if (session !== undefined) endSessions(tables, [session], write.replaced === true)
      return DONE
    }
    case "EndSessions": {
      const state = tables.users.get(write.user)
      if (state !== undefined) state.sessionEpoch += 1
      return endSessions(tables, sessionsOf(tables, write.user), false)
    }
    case "AddFile": {
      const file = { ...write.file, id: FileId(tables.files.length + 1) }
      tables.files.push(file)
      return { _tag: "File", file }
    }
    case "PutRecord": {
      const { record } = write
      const records = getOrMake(tables.records, recordKey(record.dialect, record.kind), () => new Map())
      if (record.value === null) records.delete(record.key)
      else records.set(record.key, record)
      return DONE
    }
    case "NoteChange":
      tables.changes.add(write.change)
      return DONE
  }
}
