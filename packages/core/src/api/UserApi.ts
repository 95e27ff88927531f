/** Commands of one user: everything that a protocol can do, in the engine's terms. */
import * as Effect from "effect/Effect"
import type { AttributePart, Senders } from "../model/Chat.ts"
import type { Draft, ReadHistory } from "../model/Command.ts"
import { EntryId, FileId } from "../model/Ids.ts"
import type { Message } from "../model/Message.ts"
import type { Decision } from "../services/Permissions.ts"
import type { Operation } from "../rules/Operations.ts"
import type { StoredFile } from "../model/StoredFile.ts"
import type { PresentUser, Status, User } from "../model/User.ts"
import { userApiParameters } from "./ArgumentChecks.ts"
import { checkArguments } from "./Check.ts"
import { asIs, UserApiBase, callerFor } from "./UserApiBase.ts"
import { type ByteRange, type Download, download, type Upload, upload } from "./Files.ts"
import { type ChatInfo, chatInfo, type OwnChatInfo, ownChatInfo } from "./ChatInfo.ts"
import { type LogEntry, type LogOptions, readLog } from "./ReadLog.ts"
import { type ChatRef, chatRef, userIds, type UserRef } from "./References.ts"
import { ParleyError } from "./ParleyError.ts"
import { type OfflineQueueRow, offlineQueueRow } from "./OfflineQueueRow.ts"
import { type ChatProgress, type Unread, unread } from "./Unread.ts"
import { memberProgress } from "../delivery/MemberProgress.ts"
import { newGid } from "./EngineServices.ts"
import type { HistoryPage, NewGroup, SearchOptions, SearchResult, SendOptions } from "./UserInputs.ts"

/** Every method rejects with a `ParleyError`. */
export class UserApi extends UserApiBase {
  // Chats

  /**
   * Creates a group with this user and `members`; the user is its admin. `NoSuchUsers` for unknown members,
   * `GidTaken` for a gid of another chat.
   */
  createGroup({ name, members = [], gid, ...rest }: NewGroup): Promise<ChatInfo> {
    return this.with((services, user) =>
      Effect.gen(function* () {
        const ids = yield* userIds(services.engine.context, members, { by: user })
        const created = yield* services.engine.perform(callerFor(user), {
          _tag: "CreateChat",
          type: "group",
          public: false,
          subject: 0,
          ...rest,
          name,
          gid: gid ?? (yield* newGid(services)),
          members: ids
        })
        return chatInfo(created)
      })
    )
  }
  /** Returns the one direct chat of the two users, for direct messages; created by the first call. */
  openDirectChat(other: UserRef): Promise<ChatInfo> {
    return this.with((services, user) =>
      Effect.flatMap(userIds(services.engine.context, [other], { by: user }), (members) =>
        Effect.map(
          services.engine.perform(callerFor(user), {
            _tag: "CreateChat",
            gid: "",
            name: "",
            type: "one2one",
            members,
            subject: 0,
            public: false
          }),
          chatInfo
        )
      )
    )
  }
  /** Returns a chat of the user, or a public one. */
  chat(chat: ChatRef): Promise<ChatInfo> {
    return this.change({ _tag: "ReadChat", chat: chatRef(chat) })
  }
  /** Returns the user's own chats, by id. */
  chats(): Promise<ReadonlyArray<OwnChatInfo>> {
    return this.do({ _tag: "ListChats" }, (views) => views.map(ownChatInfo))
  }
  /** Returns the public chats that the user may see. */
  publicChats(): Promise<ReadonlyArray<ChatInfo>> {
    return this.do({ _tag: "ListPublicChats" }, (views) => views.map(chatInfo))
  }
  /** Renames a chat, as an admin. */
  rename(chat: ChatRef, name: string): Promise<ChatInfo> {
    return this.change({ _tag: "RenameChat", chat: chatRef(chat), name })
  }
  /** Makes a chat public, or private again with `open` false, as an admin. */
  publish(chat: ChatRef, open = true): Promise<ChatInfo> {
    return this.change({ _tag: "PublishChat", chat: chatRef(chat), public: open })
  }
  /**
   * Changes name, public flag and attributes in one step, as an admin; a null attribute is removed. `parts` replaces parts of
   * attributes in the values that the chat has then, so that two changes at the same time both last.
   */
  edit(
    chat: ChatRef,
    facts: {
      readonly name?: string
      readonly public?: boolean
      readonly attributes?: Readonly<Record<string, unknown>>
      readonly parts?: ReadonlyArray<AttributePart>
    }
  ): Promise<ChatInfo> {
    return this.change({ _tag: "EditChat", chat: chatRef(chat), ...facts })
  }
  /** Ends a group for all members, as an admin. */
  dissolve(chat: ChatRef): Promise<ChatInfo> {
    return this.change({ _tag: "DissolveChat", chat: chatRef(chat) })
  }
  /** Sets the admins of a system chat, as a system administrator. */
  setAdmins(chat: ChatRef, users: ReadonlyArray<UserRef>, grant = true): Promise<ChatInfo> {
    return this.changeWith(chat, users, (ids) => ({ _tag: "SetAdmins", chat: chatRef(chat), users: ids, grant }))
  }
  /**
   * Makes members admins of a group, as its owner, or takes that from them with `on` false. Rejects with `TargetsNotMembers`
   * for others, and with `Invalid` for the owner with `on` false. A member who leaves is no longer an admin.
   */
  promote(chat: ChatRef, users: ReadonlyArray<UserRef>, on = true): Promise<ChatInfo> {
    return this.changeWith(chat, users, (members) => ({
      _tag: "PromoteMembers",
      chat: chatRef(chat),
      members,
      promoted: on
    }))
  }
  /** Sets the members who may send beside the admins; an empty list allows all members. */
  setSenders(chat: ChatRef, senders: "all" | "admins" | ReadonlyArray<UserRef>): Promise<ChatInfo> {
    const listed = typeof senders === "string" ? [] : senders
    return this.changeWith(chat, listed, (ids) => {
      const wanted: Senders = typeof senders === "string" ? senders : ids
      return { _tag: "SetSenders", chat: chatRef(chat), senders: wanted }
    })
  }
  /**
   * Sets slow mode of a group, as an admin: a member who is not an admin sends one message in `seconds`, from 1 to
   * 21,600; 0 turns it off. Earlier messages are refused with `RateLimited`, with the seconds until the next one.
   */
  setSlowMode(chat: ChatRef, seconds: number): Promise<ChatInfo> {
    return this.change({ _tag: "SetSlowMode", chat: chatRef(chat), seconds })
  }
  /**
   * Forbids members of a group to send, as an admin, or lets them send again with `on` false. Their messages, edits and
   * new names of the group are refused with `SendForbidden`, including after they have left and joined again. Rejects with
   * `TargetsNotMembers` for others, and with `Invalid` for admins.
   */
  silence(chat: ChatRef, users: ReadonlyArray<UserRef>, on = true): Promise<ChatInfo> {
    return this.changeWith(chat, users, (members) => ({
      _tag: "SilenceMembers",
      chat: chatRef(chat),
      members,
      silenced: on
    }))
  }
  /**
   * Removes users from a group and keeps them out, as an admin, or lets them join again with `on` false. Until then,
   * joining and adding them is refused with `Blocked`. Rejects with `CannotRemoveOwner` for the owner.
   */
  block(chat: ChatRef, users: ReadonlyArray<UserRef>, on = true): Promise<ChatInfo> {
    return this.changeWith(chat, users, (ids) => ({ _tag: "BlockUsers", chat: chatRef(chat), users: ids, blocked: on }))
  }
  /** Sets the user's own star on a chat, or removes it with `on` false. */
  star(chat: ChatRef, on = true): Promise<OwnChatInfo> {
    return this.do({ _tag: "SetPreference", chat: chatRef(chat), star: on }, ownChatInfo)
  }
  /** Hides a chat in the user's own list, or shows it again with `on` false. */
  hide(chat: ChatRef, on = true): Promise<OwnChatInfo> {
    return this.do({ _tag: "SetPreference", chat: chatRef(chat), hide: on }, ownChatInfo)
  }
  /** Mutes a chat for the user, or unmutes it with `on` false. */
  mute(chat: ChatRef, on = true): Promise<OwnChatInfo> {
    return this.do({ _tag: "SetPreference", chat: chatRef(chat), mute: on }, ownChatInfo)
  }

  // Members

  /** Returns members in the order of joining; for a system chat all users, by id. */
  members(chat: ChatRef): Promise<ReadonlyArray<PresentUser>> {
    return this.do({ _tag: "ListMembers", chat: chatRef(chat) }, ({ members }) => members)
  }
  /** Joins a public chat; `NotPublic` for another one. */
  join(chat: ChatRef): Promise<ChatInfo> {
    return this.change({ _tag: "JoinChat", chat: chatRef(chat) })
  }
  /** Leaves a chat. */
  leave(chat: ChatRef): Promise<ChatInfo> {
    return this.change({ _tag: "LeaveChat", chat: chatRef(chat) })
  }
  /** Adds members to a chat; those who are members already stay. `NoSuchUsers` for unknown ones. */
  addMembers(chat: ChatRef, users: ReadonlyArray<UserRef>): Promise<ChatInfo> {
    return this.changeWith(chat, users, (members) => ({ _tag: "AddMembers", chat: chatRef(chat), members }))
  }
  /** Removes members, as an admin; the owner cannot be removed. */
  kick(chat: ChatRef, users: ReadonlyArray<UserRef>): Promise<ChatInfo> {
    return this.changeWith(chat, users, (members) => ({ _tag: "RemoveMembers", chat: chatRef(chat), members }))
  }
  /** Changes name and members in one step, each part by its own rule. At least `atLeast` members must remain. */
  revise(
    chat: ChatRef,
    step: {
      readonly name?: string
      readonly add?: ReadonlyArray<UserRef>
      readonly remove?: ReadonlyArray<UserRef>
      readonly atLeast?: number
    }
  ): Promise<ChatInfo> {
    const { add = [], remove = [], ...rest } = step
    return this.changeWith(chat, [...add, ...remove], (ids) => ({
      _tag: "ReviseGroup",
      chat: chatRef(chat),
      ...rest,
      add: ids.slice(0, add.length),
      remove: ids.slice(add.length)
    }))
  }

  // Messages

  /**
   * Sends a message and resolves once it is stored. `NotMember` or `NoSuchChat` for a chat of others,
   * `SendForbidden` without the permission to send, `Invalid` for an empty or too long content, `RateLimited` in slow
   * mode, with `retryAfterSeconds` in the error's `reason`. Other limits of rates do not apply to calls of this API.
   */
  send(chat: ChatRef, content: string, options: SendOptions = {}): Promise<Message> {
    return this.#send({ chat, content, type: "normal", ...options })
  }
  /** Sends a message without a sender, as an admin. */
  broadcast(chat: ChatRef, content: string, options: SendOptions = {}): Promise<Message> {
    return this.#send({ chat, content, type: "broadcast", ...options })
  }
  /** Sends messages to any chats: stores all of them, or none. */
  sendAll(
    messages: ReadonlyArray<
      SendOptions & { readonly chat: ChatRef; readonly content: string; readonly type?: "normal" | "broadcast" }
    >
  ): Promise<ReadonlyArray<Message>> {
    return this.with((services, user) =>
      Effect.gen(function* () {
        const drafts: Array<Draft> = []
        for (const { chat, gid, ...rest } of messages) {
          const newId = gid ?? (yield* newGid(services))
          drafts.push({ type: "normal", contentType: "text", ...rest, gid: newId, chat: chatRef(chat) })
        }
        const sent = yield* services.engine.perform(callerFor(user), { _tag: "SendMessages", messages: drafts })
        return sent.map(({ message }) => message)
      })
    )
  }
  /**
   * Returns messages, newest first. Without a page, the whole history up to the configured cap. `total` includes
   * recalled messages, and `more` is true if there are older ones.
   */
  history(
    chat: ChatRef,
    page?: HistoryPage
  ): Promise<{ readonly messages: ReadonlyArray<Message>; readonly total: number; readonly more: boolean }> {
    const command = { _tag: "ReadHistory", chat: chatRef(chat) } as const
    return this.do(page === undefined ? command : { ...command, page: pageOf(page) }, ({ messages, total, more }) => ({
      messages,
      total,
      more
    }))
  }
  /**
   * Searches texts that contain `text`, from 1 to 255 characters, regardless of case: chat by chat from the newest chat
   * on, and in each from the newest message on. Recalled messages and those deleted by the user are not found. One call
   * looks at up to 2,000 messages; call again with `next` until it is undefined.
   */
  search(text: string, { chat, limit = 50, from }: SearchOptions = {}): Promise<SearchResult> {
    return this.do(
      {
        _tag: "SearchMessages",
        text,
        limit,
        ...(chat !== undefined && { chat: chatRef(chat) }),
        ...(from !== undefined && { from })
      },
      ({ found, next }) => ({ messages: found.map(({ message }) => message), next })
    )
  }
  /** Empties a message for all members, as its sender or an admin. */
  recall(message: string | Message): Promise<Message> {
    return this.do({ _tag: "RecallMessage", gid: gidOf(message) }, asIs)
  }
  /**
   * Replaces the content of a message, as its sender or an admin; members get a `replaced` event. A text replaces a text;
   * other messages are replaced by a content with a `contentType`. Rejects with `Recalled` after a recall.
   */
  editMessage(
    message: string | Message,
    content: string,
    options: { readonly contentType?: string } = {}
  ): Promise<Message> {
    const edit = { _tag: "EditMessage", gid: gidOf(message), content, ...options } as const
    return this.do(edit, (edited) => edited.message)
  }
  /** Removes a message from the user's own history. */
  deleteForMe(message: string | Message): Promise<Message> {
    return this.do({ _tag: "HideMessage", gid: gidOf(message) }, asIs)
  }
  /**
   * Moves the user's last read position forward, to a message, to a sequence of the log or to its newest entry, and returns its
   * position as a sequence. It never moves back.
   */
  read(chat: ChatRef, upTo?: number | Message): Promise<number> {
    const command = { _tag: "MarkRead", chat: chatRef(chat) } as const
    const seq = typeof upTo === "object" ? { message: upTo.id } : upTo
    return this.do(seq === undefined ? command : { ...command, upTo: seq }, ({ read }) => read)
  }
  /**
   * Notifies online members that the user has received the chat up to a message or a sequence of the log, for a host that
   * delivers messages itself. Returns the sequence, at most the newest one.
   */
  confirmDelivery(chat: ChatRef, upTo: number | Message): Promise<number> {
    const seq = typeof upTo === "object" ? upTo.seq : upTo
    return this.do({ _tag: "ConfirmDelivery", chat: chatRef(chat), upTo: seq }, ({ delivered }) => delivered)
  }
  /**
   * Notifies online members that the user types a message, or has stopped. Returns whether they were notified:
   * repetitions within 3 seconds are not passed on.
   */
  typing(chat: ChatRef, on = true): Promise<boolean> {
    return this.do({ _tag: "NotifyTyping", chat: chatRef(chat), typing: on }, ({ passed }) => passed)
  }
  /**
   * Sends a message to the members who are online with a client that shows such messages. Nothing is stored. Refused as
   * `send` is; in slow mode one is sent per interval, whatever else the member sends.
   */
  sendTransient(chat: ChatRef, content: string, options: { readonly contentType?: string } = {}): Promise<void> {
    const { contentType = "text" } = options
    return this.do({ _tag: "SendTransient", chat: chatRef(chat), contentType, content }, () => undefined)
  }
  /** Returns the counts of unread messages, for each chat with any, or for one chat. Posting counts as reading. */
  unread(chat?: ChatRef): Promise<ReadonlyArray<Unread>> {
    const command = { _tag: "CountUnread" } as const
    return this.do(chat === undefined ? command : { ...command, chat: chatRef(chat) }, (counts) => counts.map(unread))
  }
  /**
   * Returns how far each member of a chat is: pushed, delivered and read, as sequences. Of a chat with more than
   * `limits.membersPerRequest` members, those in `users`.
   */
  progress(chat: ChatRef, users?: ReadonlyArray<UserRef>): Promise<ReadonlyArray<ChatProgress>> {
    return this.with((services, caller) =>
      Effect.gen(function* () {
        const { engine, cursors, hub, store } = services
        const named = users === undefined ? {} : { users: yield* userIds(engine.context, users, { by: caller, chat }) }
        const command = { _tag: "ListReadMarks", chat: chatRef(chat), ...named } as const
        const { chat: facts, marks } = yield* engine.perform(callerFor(caller), command)
        const members = marks.map(({ user }) => user)
        // The command has read the positions of reading, by the log.
        const progress = yield* memberProgress({ cursors, hub, store }, { chat: facts.id, posted: 0 }, members)
        return marks.map(({ user, read }) => ({ user, pushed: 0, delivered: 0, ...progress.get(user), read }))
      })
    )
  }
  /**
   * Iterates over a chat's log from a sequence on, including new entries, until the signal aborts or the engine closes.
   * Throws a `ParleyError` once the reader has no permission.
   */
  log(chat: ChatRef, options: LogOptions = {}): AsyncIterableIterator<LogEntry> {
    return readLog(this.services, () => this.id(), chat, options)
  }

  // The offline queue

  /** Returns the user's undelivered packets, by id; at most `limit` rows (default: 1,000). `device` as for a login. */
  queue(options: { readonly device?: string; readonly limit?: number } = {}): Promise<ReadonlyArray<OfflineQueueRow>> {
    return this.with(({ offlineQueue: queue }, user) =>
      Effect.map(queue.list(user, options), (rows) => rows.map(offlineQueueRow))
    )
  }
  /** Acknowledges rows of the queue, which are then not delivered again. Unknown ids are ignored. */
  acknowledge(ids: number | ReadonlyArray<number>, options: { readonly device?: string } = {}): Promise<void> {
    return this.with(({ offlineQueue: queue }, user) => queue.acknowledge(user, [ids].flat().map(EntryId), options))
  }

  // Files

  /** Stores files in a chat: all, or none. `Invalid` for a title or for a file over `limits.file` bytes. */
  upload(chat: ChatRef, files: Upload | ReadonlyArray<Upload>): Promise<ReadonlyArray<StoredFile>> {
    return this.with((services, user) => upload(services, callerFor(user), chat, [files].flat()))
  }
  /** Returns a file and its bytes, or a range of them. `NoSuchFile` for a file of a chat that the user may not see. */
  download(file: number, range?: ByteRange): Promise<Download> {
    return this.with((services, user) => download(services, callerFor(user), FileId(file), range))
  }
  /** Returns a file without its bytes; `NoSuchFile` as `download`. */
  file(file: number): Promise<StoredFile> {
    return this.do({ _tag: "ReadFile", file: FileId(file) }, asIs)
  }
  /** Returns the files of a chat. */
  files(chat: ChatRef): Promise<ReadonlyArray<StoredFile>> {
    return this.do({ _tag: "ListFiles", chat: chatRef(chat) }, asIs)
  }

  // The user themself

  /** Returns all users, by id, with their status. */
  users(): Promise<ReadonlyArray<PresentUser>> {
    return this.do({ _tag: "ListUsers" }, asIs)
  }
  /** Changes the user's display name (`realname`). */
  changeName(name: string): Promise<User> {
    return this.do({ _tag: "RenameUser", name }, asIs)
  }
  /** Requires a connected user. */
  changeStatus(status: Exclude<Status, "offline">): Promise<PresentUser> {
    return this.do({ _tag: "ChangeStatus", status }, asIs)
  }
  /** Returns the settings stored by the user's clients, or null. Another account's, for a system administrator. */
  settings(account?: string): Promise<string | null> {
    return this.do(account === undefined ? { _tag: "ReadUserSettings" } : { _tag: "ReadUserSettings", account }, asIs)
  }
  /** Stores settings of the user's clients, a text of their own. `account`: another user, for system administrators. */
  saveSettings(settings: string, account?: string): Promise<string> {
    const command = { _tag: "SaveUserSettings", settings } as const
    return this.do(account === undefined ? command : { ...command, account }, asIs)
  }

  /** Returns whether the user is allowed an operation, and otherwise the refusing rule. */
  may(operation: Operation, chat: ChatRef): Promise<Decision> {
    return this.with(({ permissions }, user) => permissions.explain(user, chatRef(chat), operation))
  }

  async #send(draft: SendOptions & { readonly chat: ChatRef; readonly content: string; readonly type: Draft["type"] }) {
    const [message] = await this.sendAll([draft])
    if (message === undefined) throw new ParleyError("Failed", "The reply to a sent message is empty.")
    return message
  }
}

checkArguments(UserApi, userApiParameters)

const pageOf = (page: HistoryPage): NonNullable<ReadHistory["page"]> =>
  "before" in page
    ? { before: EntryId(typeof page.before === "number" ? page.before : page.before.id), limit: page.limit }
    : page

const gidOf = (message: string | Message): string => (typeof message === "string" ? message : message.gid)
