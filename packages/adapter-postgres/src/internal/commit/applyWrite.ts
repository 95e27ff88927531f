/** Applies the writes of a checked batch to the facts in memory, and returns their results. */
import { createdChat, type Preference } from "@parley/core/Chat"
import { mergeCursors } from "@parley/core/Cursor"
import { ChatId, EntryId, FileId, UserId } from "@parley/core/Ids"
import { evolve, type Changed, type Entry, type EntryBody } from "@parley/core/Log"
import type { StoredSession, Write, WriteResult } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import type { DrawnIds, Facts, TrackedHead, TrackedUser } from "./Facts.ts"
import { keyOf } from "./Needs.ts"

type WriteOf<Tag extends Write["_tag"]> = Extract<Write, { readonly _tag: Tag }>

const DONE: WriteResult = { _tag: "Done" }

const nextId = (facts: Facts, kind: keyof DrawnIds): number => {
  const id = facts.ids[kind].shift()
  if (id === undefined) throw new Error(`no id of ${kind} is left`)
  return id
}

const nextEntryId = (facts: Facts): EntryId => EntryId(nextId(facts, "entries"))

const noteChat = (facts: Facts, { chat, id, seq }: Entry): void => {
  facts.changes.push({ _tag: "ChatChanged", chat, entry: id, seq })
}

const append = (
  facts: Facts,
  { at, by, chat, device }: Pick<WriteOf<"Append">, "chat" | "by" | "device" | "at">,
  body: EntryBody
): Entry => {
  const head = facts.heads.get(chat) as TrackedHead
  head.seq += 1
  head.isMoved = true
  if (body._tag === "Posted") {
    head.posted += 1
    head.activeAt = at
    facts.takenGids.add(body.gid)
  }
  const entry = { id: nextEntryId(facts), chat, seq: head.seq, posted: head.posted, at, by, device, body }
  facts.entries.push(entry)
  return entry
}

const isChanged = (entry: Entry): entry is Entry<Changed> => entry.body._tag === "Changed"

const createChat = (facts: Facts, { by, chat }: WriteOf<"CreateChat">): WriteResult => {
  const id = ChatId(nextId(facts, "chats"))
  const entry: Entry = {
    id: nextEntryId(facts),
    chat: id,
    seq: 1,
    posted: 0,
    at: chat.createdAt,
    by,
    device: null,
    body: { _tag: "Created" }
  }
  facts.newChats.push({ id, chat })
  facts.entries.push(entry)
  facts.takenChatGids.add(chat.gid)
  noteChat(facts, entry)
  return { _tag: "Chat", stored: { chat: createdChat(chat, id), head: { seq: 1, posted: 0, activeAt: 0 } }, entry }
}

const appendEntry = (facts: Facts, write: WriteOf<"Append">): WriteResult => {
  const entry = append(facts, write, write.body)
  const changed = isChanged(entry) ? facts.chats.get(write.chat) : undefined
  if (changed !== undefined) {
    changed.now = evolve(changed.now, entry)
    noteChat(facts, entry)
    const head = facts.heads.get(write.chat) as TrackedHead
    head.version = changed.now.version
  }
  return { _tag: "Entry", entry }
}

const setPreference = (facts: Facts, { chat, hide, mute, star, user }: WriteOf<"SetPreference">): WriteResult => {
  const key = keyOf(user, chat)
  const tracked = facts.preferences.get(key)
  const before = tracked?.now
  const now: Preference = {
    chat,
    user,
    star: star ?? before?.star ?? false,
    hide: hide ?? before?.hide ?? false,
    mute: mute ?? before?.mute ?? false
  }
  facts.preferences.set(key, { stored: tracked?.stored, now })
  return { _tag: "Preference", preference: now }
}

/** Ends sessions, and returns their hashes: the most recently used first. */
const end = (facts: Facts, ended: ReadonlyArray<StoredSession>, replaced: boolean): ReadonlyArray<string> => {
  for (const { hash, user } of ended) facts.changes.push({ _tag: "SessionEnded", user, hash, replaced })
  for (const { hash } of ended)
    facts.sessions.set(hash, { stored: facts.sessions.get(hash)?.stored, now: undefined, isTouched: false })
  return ended.map(({ hash }) => hash)
}

const mostRecentFirst = (a: StoredSession, b: StoredSession): number =>
  b.usedAt - a.usedAt || b.createdAt - a.createdAt || (a.hash < b.hash ? -1 : 1)

const saveSession = (facts: Facts, { keep, session }: WriteOf<"SaveSession">): WriteResult => {
  facts.sessions.set(session.hash, { stored: facts.sessions.get(session.hash)?.stored, now: session, isTouched: false })
  if (keep === undefined) return { _tag: "Sessions", ended: [] }
  const others = facts
    .sessionsOf(session.user)
    .filter(({ hash, kind }) => hash !== session.hash && kind === session.kind)
    .sort(mostRecentFirst)
  return { _tag: "Sessions", ended: end(facts, others.slice(Math.max(keep - 1, 0)), true) }
}

const touchSession = (facts: Facts, { hash, usedAt }: WriteOf<"TouchSession">): WriteResult => {
  const tracked = facts.sessions.get(hash)
  if (tracked?.now !== undefined) {
    const isTouched = tracked.now === tracked.stored || tracked.isTouched
    facts.sessions.set(hash, { stored: tracked.stored, now: { ...tracked.now, usedAt }, isTouched })
  }
  return DONE
}

const endSessions = (facts: Facts, user: UserId): WriteResult => {
  const state = facts.users.get(user) as TrackedUser
  state.epoch += 1
  state.isEpochMoved = true
  return { _tag: "Sessions", ended: end(facts, [...facts.sessionsOf(user)].sort(mostRecentFirst), false) }
}

const changeUser = (facts: Facts, { change, user }: WriteOf<"ChangeUser">): WriteResult => {
  const state = facts.users.get(user) as TrackedUser
  if (change.account !== undefined) {
    facts.accounts.delete(state.change.account ?? state.stored.account)
    facts.accounts.set(change.account, user)
  }
  state.change = { ...state.change, ...change }
  facts.changes.push({ _tag: "UserChanged", user, renamed: change.realname !== undefined })
  if (change.disabled !== undefined) state.disabled = change.disabled
  return DONE
}

/** The newest sequence of each system chat that is not dissolved. */
const sinceNow = ({ chats, heads, newChats, systemChats }: Facts): User["since"] => {
  const since: Record<number, number> = {}
  for (const [id, seq] of systemChats) {
    if (chats.get(id)?.now.dissolved !== true) since[id] = heads.get(id)?.seq ?? seq
  }
  for (const { chat, id } of newChats) if (chat.type === "system") since[id] = 1
  return since
}

const createUser = (facts: Facts, { user }: WriteOf<"CreateUser">): WriteResult => {
  const created = { id: UserId(nextId(facts, "users")), since: sinceNow(facts), user }
  facts.newUsers.push(created)
  facts.accounts.set(user.account, created.id)
  facts.changes.push({ _tag: "UserChanged", user: created.id, renamed: false })
  const { password: _, ...shown } = user
  return { _tag: "User", user: { ...shown, id: created.id, since: created.since } }
}

const putRecord = (facts: Facts, { expected, once, record }: WriteOf<"PutRecord">): WriteResult => {
  const key = keyOf(record.dialect, record.kind, record.key)
  const tracked = facts.records.get(key)
  facts.records.set(key, {
    stored: tracked?.stored,
    now: record.value ?? undefined,
    isGuarded: tracked?.isGuarded === true || once === true || expected !== undefined,
    isWritten: true
  })
  return DONE
}

/** Applies one write. */
export const applyWrite = (facts: Facts, write: Write): WriteResult => {
  switch (write._tag) {
    case "CreateChat":
      return createChat(facts, write)
    case "Append":
      return appendEntry(facts, write)
    case "Amend": {
      const entry = append(facts, write, write.body)
      const message = facts.messages.get(write.body.message)
      if (message !== undefined) message.revision = entry.id
      return { _tag: "Entry", entry }
    }
    case "SetPreference":
      return setPreference(facts, write)
    case "MoveCursor": {
      const { cursor } = write
      const key = keyOf(cursor.chat, cursor.user, cursor.device)
      const tracked = facts.cursors.get(key)
      facts.cursors.set(key, { stored: tracked?.stored, now: mergeCursors(tracked?.now ?? cursor, cursor) })
      return DONE
    }
    case "HideMessage":
      facts.hidden.set(keyOf(write.user, write.message), [write.user, write.message])
      return DONE
    case "CreateUser":
      return createUser(facts, write)
    case "ChangeUser":
      return changeUser(facts, write)
    case "SaveSettings": {
      const state = facts.users.get(write.user) as TrackedUser
      state.settings = write.settings
      return DONE
    }
    case "SaveSession":
      return saveSession(facts, write)
    case "TouchSession":
      return touchSession(facts, write)
    case "EndSession": {
      const session = facts.sessions.get(write.hash)?.now
      if (session !== undefined) end(facts, [session], write.replaced === true)
      return DONE
    }
    case "NoteChange":
      facts.changes.push(write.change)
      return DONE
    case "EndSessions":
      return endSessions(facts, write.user)
    case "AddFile": {
      const file = { ...write.file, id: FileId(nextId(facts, "files")) }
      facts.newFiles.push(file)
      return { _tag: "File", file }
    }
    case "PutRecord":
      return putRecord(facts, write)
  }
}
