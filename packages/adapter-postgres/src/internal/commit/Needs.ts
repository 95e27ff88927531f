/** Facts that a transaction needs to decide on its batches, collected from their writes. They are loaded with few statements. */
import type { ChatId, EntryId, UserId } from "@parley/core/Ids"
import type { Write, WriteBatch } from "@parley/core/Store"

/** A key of several columns, as a text; equal keys are equal texts. */
export const keyOf = (...parts: ReadonlyArray<string | number>): string => JSON.stringify(parts)

export class Needs {
  /** Chats whose heads are locked. */
  readonly heads = new Set<ChatId>()
  /** Chats that must exist. */
  readonly chats = new Set<ChatId>()
  /** Chats whose facts change, with the members concerned. */
  readonly changed = new Map<ChatId, Set<UserId>>()
  /** Users that must exist. */
  readonly users = new Set<UserId>()
  /** Users whose rows are locked. */
  readonly lockedUsers = new Set<UserId>()
  readonly messages = new Set<EntryId>()
  readonly gids = new Set<string>()
  readonly chatGids = new Set<string>()
  readonly accounts = new Set<string>()
  readonly records = new Map<string, readonly [dialect: string, kind: string, key: string]>()
  readonly preferences = new Map<string, readonly [user: UserId, chat: ChatId]>()
  readonly cursors = new Map<string, readonly [chat: ChatId, user: UserId, device: string]>()
  readonly sessions = new Set<string>()
  /** Users whose sessions are all loaded. */
  readonly sessionsOf = new Set<UserId>()
  /** Numbers of ids to draw. */
  readonly newIds = { entries: 0, chats: 0, users: 0, files: 0 }

  constructor(batches: Iterable<WriteBatch>) {
    for (const { expectedVersions, writes } of batches) {
      for (const { chat } of expectedVersions) this.heads.add(chat)
      for (const write of writes) this.#add(write)
    }
  }

  #exists(...users: ReadonlyArray<UserId | null | undefined>): void {
    for (const user of users) if (user !== null && user !== undefined) this.users.add(user)
  }

  #add(write: Write): void {
    switch (write._tag) {
      case "CreateChat": {
        const { chat } = write
        this.chatGids.add(chat.gid)
        this.#exists(write.by, chat.createdBy, chat.owner, ...chat.members)
        this.newIds.chats++
        this.newIds.entries++
        return
      }
      case "Append": {
        const { body, by, chat } = write
        this.heads.add(chat)
        this.#exists(by)
        this.newIds.entries++
        if (body._tag === "Posted") {
          this.gids.add(body.gid)
          return
        }
        const concerned = this.changed.get(chat) ?? new Set()
        for (const user of [...(body.added ?? []), ...(body.removed ?? [])]) concerned.add(user)
        this.changed.set(chat, concerned)
        this.#exists(body.owner, ...(body.added ?? []))
        return
      }
      case "Amend":
        this.heads.add(write.chat)
        this.#exists(write.by)
        this.messages.add(write.body.message)
        this.newIds.entries++
        return
      case "SetPreference":
        this.chats.add(write.chat)
        this.#exists(write.user)
        this.preferences.set(keyOf(write.user, write.chat), [write.user, write.chat])
        return
      case "MoveCursor": {
        const { chat, device, user } = write.cursor
        this.chats.add(chat)
        this.#exists(user)
        this.cursors.set(keyOf(chat, user, device), [chat, user, device])
        return
      }
      case "HideMessage":
        this.#exists(write.user)
        this.messages.add(write.message)
        return
      case "CreateUser":
        this.accounts.add(write.user.account)
        this.newIds.users++
        return
      case "ChangeUser":
        this.lockedUsers.add(write.user)
        if (write.change.account !== undefined) this.accounts.add(write.change.account)
        return
      case "SaveSettings":
        this.lockedUsers.add(write.user)
        return
      case "SaveSession":
        this.lockedUsers.add(write.session.user)
        this.sessions.add(write.session.hash)
        if (write.keep !== undefined) this.sessionsOf.add(write.session.user)
        return
      case "TouchSession":
      case "EndSession":
        this.sessions.add(write.hash)
        return
      case "EndSessions":
        this.lockedUsers.add(write.user)
        this.sessionsOf.add(write.user)
        return
      case "AddFile":
        this.chats.add(write.file.chat)
        this.#exists(write.file.addedBy)
        this.newIds.files++
        return
      case "PutRecord": {
        const { dialect, key, kind } = write.record
        this.records.set(keyOf(dialect, kind, key), [dialect, kind, key])
        return
      }
      case "NoteChange":
        return
    }
  }
}
