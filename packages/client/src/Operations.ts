/**
 * Every operation of the protocol's document. Each takes `signal` and `timeout` in its last argument, waits across
 * reconnects, and rejects with a `ParleyError`.
 */
import { type ByteRange, download, type FileRequest, type Upload, upload } from "./Files.ts"
import { MessageChanges } from "./MessageChanges.ts"
import { type ChatRef, gidOf, idOf, type UserRef } from "./References.ts"
import { chatsOf, usersOf } from "./validate.ts"
import type { Session } from "./Session.ts"
import { ParleyError } from "./ParleyError.ts"
import type { RequestOptions } from "./RequestQueue.ts"
import type { ClientState } from "./ClientState.ts"
import type { SentIds } from "./SentIds.ts"
import {
  type Chat,
  type ChatFile,
  type ContentType,
  type Message,
  newGid,
  type Pager,
  type Status,
  type User
} from "./protocol.ts"

/** Options of a message. */
export interface SendOptions extends RequestOptions {
  /** At most 255 characters; random if absent. Makes retries idempotent: the same gid is stored once. */
  readonly gid?: string
  /** `broadcast` is for admins only, and has no visible sender; `normal` if absent. */
  readonly type?: "normal" | "broadcast"
  /** If absent, `text` for a string and `file` for an object. */
  readonly contentType?: ContentType
}

/** One message of several. */
export interface NewMessage extends Omit<SendOptions, keyof RequestOptions> {
  /** A chat of this user, or its gid. */
  readonly chat: ChatRef
  /** An object is sent as JSON. */
  readonly content: string | object
}

/** A chat to create. */
export interface NewChat {
  /** Random if absent. */
  readonly gid?: string
  /** Name of the chat; empty if absent. */
  readonly name?: string
  /** `group` if absent. */
  readonly type?: string
  /** This user is always a member. */
  readonly members?: ReadonlyArray<UserRef>
  /** Id of the product, project, … that it is about; 0 if absent. */
  readonly subject?: number
  /** Whether all users may find and join it. Default: false. */
  readonly public?: boolean
}

/** Options of `history`. */
export interface HistoryOptions extends RequestOptions {
  /** From 1, the page of the newest messages. */
  readonly page?: number
  /** Messages per page; 50 if absent. */
  readonly size?: number
}

const fail = (error: ParleyError): never => {
  throw error
}

/** Server of files, and the `fetch` to reach it. */
export interface FileServer {
  /** Without a slash at the end. */
  readonly http: string
  /** Implementation of requests. */
  readonly fetch: typeof fetch
}

export class Operations extends MessageChanges {
  readonly #session: Session
  readonly #clientState: ClientState
  readonly #sent: SentIds
  readonly #server: FileServer

  constructor(session: Session, clientState: ClientState, sent: SentIds, server: FileServer) {
    super(session, clientState)
    this.#session = session
    this.#clientState = clientState
    this.#sent = sent
    this.#server = server
  }

  /** This user; throws `closed` before the first login. */
  get me(): User {
    const me = this.#clientState.users.get(this.#clientState.me)
    if (me === undefined) throw new ParleyError("closed", "the client was never online")
    return me
  }

  /** Sends a message, an object as JSON. Returns the stored message, after it is durable. */
  async send(chat: ChatRef, content: string | object, options: SendOptions = {}): Promise<Message> {
    const { signal, timeout, ...rest } = options
    const [message] = await this.sendAll([{ ...rest, chat, content }], { signal, timeout })
    if (message === undefined) throw new ParleyError("connection", "the server's reply has no message")
    return message
  }

  /** Sends several messages, all or none. If it rejects, `refused` of the error names the refused messages. */
  async sendAll(messages: ReadonlyArray<NewMessage>, options?: RequestOptions): Promise<ReadonlyArray<Message>> {
    const drafts = messages.map(({ chat, content, gid = newGid(), type, contentType }) => ({
      gid,
      cgid: gidOf(chat),
      type: type ?? "normal",
      contentType: contentType ?? (typeof content === "string" ? "text" : "file"),
      content: typeof content === "string" ? content : JSON.stringify(content)
    }))
    const gids = drafts.map(({ gid }) => gid)
    this.#sent.add(gids)
    try {
      const stored = await this.#request<ReadonlyArray<Message>>("message", drafts, options)
      for (const { cgid } of drafts) this.#clientState.touched(cgid)
      for (const { cgid, date } of stored) this.#clientState.applyDate(cgid, date)
      return stored
    } catch (error) {
      // Not known to be stored. If it is, it arrives as a message, and is new to the application.
      this.#sent.delete(gids)
      throw error
    }
  }

  /** Returns a page of a chat's messages, newest first. */
  async history(
    chat: ChatRef,
    { page = 1, size = 50, ...options }: HistoryOptions = {}
  ): Promise<{ readonly messages: ReadonlyArray<Message>; readonly pager: Pager }> {
    const params = { gid: gidOf(chat), recPerPage: size, pageID: page, recTotal: 0, continued: false }
    const { data, pager } = await this.#session.request("history", params, options)
    return { messages: data as ReadonlyArray<Message>, pager: pager as Pager }
  }

  /** Creates a chat, or returns the existing one of this gid. */
  async create(chat: NewChat, options?: RequestOptions): Promise<Chat> {
    const { gid = newGid(), name = "", type = "group", members = [], subject = 0 } = chat
    const params = { gid, name, type, members: members.map(idOf), subject, public: chat.public ?? false }
    return this.#applyReply(await this.#request("create", params, options))
  }

  /** Returns the direct chat with this user, for direct messages; creates it if it does not exist. */
  openDirectChat(user: UserRef, options?: RequestOptions): Promise<Chat> {
    const members = [this.me, idOf(user)]
    const gid = members
      .map(({ id }) => String(id))
      .toSorted()
      .join("&")
    return this.create({ gid, type: "one2one", members }, options)
  }

  /** Joins a public group; rejects with `refused` if this user was removed again meanwhile. */
  async join(chat: ChatRef, options?: RequestOptions): Promise<Chat> {
    const gid = gidOf(chat)
    await this.#request("joinchat", { gid, join: true }, options)
    const joined = (await this.listChats(options)).find((one) => one.gid === gid)
    if (joined === undefined) throw new ParleyError("refused", "The chat was left meanwhile.", { method: "joinchat" })
    return joined
  }

  /** Leaves a chat. */
  async leave(chat: ChatRef, options?: RequestOptions): Promise<void> {
    const gid = gidOf(chat)
    try {
      await this.#request("joinchat", { gid, join: false }, options)
    } catch (error) {
      // May have been done already, on a connection that was lost before the reply.
      const done = error instanceof ParleyError && error.code === "refused" && error.repeated
      if (!done || (await this.listChats(options)).some((one) => one.gid === gid)) throw error
    }
    this.#clientState.chats.delete(gid)
  }

  /** Renames a chat, as an admin. */
  async rename(chat: ChatRef, name: string, options?: RequestOptions): Promise<void> {
    const gid = gidOf(chat)
    const changed = await this.#request<{ readonly name: string }>("changename", { gid, name }, options)
    this.#clientState.change(gid, { name: changed.name })
  }

  /** Stars a chat for this user. */
  star(chat: ChatRef, star = true, options?: RequestOptions): Promise<void> {
    return this.#setPreference("star", chat, star, options)
  }

  /** Hides a chat in this user's list. */
  hide(chat: ChatRef, hide = true, options?: RequestOptions): Promise<void> {
    return this.#setPreference("hide", chat, hide, options)
  }

  /** Mutes notifications of a chat for this user. Its messages are still delivered. */
  mute(chat: ChatRef, mute = true, options?: RequestOptions): Promise<void> {
    return this.#setPreference("mute", chat, mute, options)
  }

  /** Adds members to a chat. */
  async addMembers(chat: ChatRef, users: ReadonlyArray<UserRef>, options?: RequestOptions): Promise<Chat> {
    const params = { gid: gidOf(chat), members: users.map(idOf), join: true }
    return this.#applyReply(await this.#request("addmember", params, options))
  }

  /** Removes members from a chat, as an admin. */
  async removeMembers(chat: ChatRef, users: ReadonlyArray<UserRef>, options?: RequestOptions): Promise<Chat> {
    const params = { gid: gidOf(chat), members: users.map(idOf), join: false }
    return this.#applyReply(await this.#request("addmember", params, options))
  }

  /** Returns the members of a chat. */
  async members(chat: ChatRef, options?: RequestOptions): Promise<ReadonlyArray<User>> {
    type Listed = ReadonlyArray<{ readonly members: ReadonlyArray<User> }>
    const listed = await this.#request<Listed>("members", { gid: gidOf(chat) }, options)
    return listed.flatMap(({ members }) => members)
  }

  /** Makes a group public, so that every user may join it, or private again. */
  async setPublic(chat: ChatRef, open = true, options?: RequestOptions): Promise<void> {
    const gid = gidOf(chat)
    await this.#request("changepublic", { gid, public: open }, options)
    this.#clientState.change(gid, { public: open })
  }

  /** Returns the public chats. */
  publicChats(options?: RequestOptions): Promise<ReadonlyArray<Chat>> {
    return this.#request("getPublicList", undefined, options)
  }

  /** Makes users admins of a system chat, or revokes that. */
  async setAdmins(
    chat: ChatRef,
    users: ReadonlyArray<UserRef>,
    isAdmin = true,
    options?: RequestOptions
  ): Promise<Chat> {
    const params = { gid: gidOf(chat), admins: users.map(idOf), isAdmin }
    return this.#applyReply(await this.#request("setAdmin", params, options))
  }

  /** Sets the users who may send to the chat: these, all, or admins only. */
  async setSenders(
    chat: ChatRef,
    senders: ReadonlyArray<UserRef> | "$ALL" | "$ADMINS",
    options?: RequestOptions
  ): Promise<Chat> {
    const committers = typeof senders === "string" ? senders : senders.map(idOf)
    return this.#applyReply(await this.#request("setCommitters", { gid: gidOf(chat), committers }, options))
  }

  /**
   * Returns the seconds that a member of a group must wait between two messages; 0 without slow mode. Admins are exempt.
   * A method of the server's module `parley`, as `setSlowMode`.
   */
  async slowMode(chat: ChatRef, options?: RequestOptions): Promise<number> {
    return this.#slowMode({ gid: gidOf(chat) }, options)
  }

  /**
   * Sets slow mode of a group, as an admin: a member who is not an admin sends one message in `seconds`, from 1 to
   * 21,600; 0 turns it off. Earlier messages are refused, and the reason has the seconds until the next one. Returns
   * the seconds.
   */
  async setSlowMode(chat: ChatRef, seconds: number, options?: RequestOptions): Promise<number> {
    return this.#slowMode({ gid: gidOf(chat), seconds }, options)
  }

  /** Requests the list of users again. */
  async listUsers(options?: RequestOptions): Promise<ReadonlyArray<User>> {
    const data = usersOf("userGetList", await this.#request<unknown>("userGetList", undefined, options), fail)
    this.#clientState.applyEvent({ type: "users", data })
    return data
  }

  /** Requests the list of this user's chats again. */
  async listChats(options?: RequestOptions): Promise<ReadonlyArray<Chat>> {
    const data = chatsOf("getList", await this.#request<unknown>("getList", undefined, options), fail)
    this.#clientState.applyEvent({ type: "chats", data })
    return data
  }

  /** Changes the name of this user. */
  async changeName(name: string, options?: RequestOptions): Promise<void> {
    const changed = await this.#request<{ readonly name: string }>("userChangeName", { name }, options)
    this.#clientState.changeUser(this.#clientState.me, { realname: changed.name })
  }

  /** Sets the status of this user, which is kept across reconnects. */
  async changeStatus(status: Exclude<Status, "offline">, options?: RequestOptions): Promise<void> {
    await this.#request("userChangeStatus", { status }, options)
    this.#session.status = status
    this.#clientState.changeUser(this.#clientState.me, { status })
  }

  /**
   * Returns the client settings stored on the server: any JSON, or null if there are none. `account` is for
   * administrators; "" for this user.
   */
  settings(account = "", options?: RequestOptions): Promise<unknown> {
    return this.#request("settings", { account }, options)
  }

  /** Stores client settings; returns the stored ones. */
  saveSettings(settings: unknown, account = "", options?: RequestOptions): Promise<unknown> {
    return this.#request("settings", { account, settings }, options)
  }

  /** Returns the files of a chat. */
  async files(chat: ChatRef, options?: RequestOptions): Promise<ReadonlyArray<ChatFile>> {
    const { data } = await this.#session.request("getList", { gid: gidOf(chat) }, options, "attach")
    return data as ReadonlyArray<ChatFile>
  }

  /** Uploads files to a chat. Its members find them with `files`; no message is sent. */
  async upload(
    chat: ChatRef,
    files: ReadonlyArray<Upload | File>,
    options: { readonly signal?: AbortSignal } = {}
  ): Promise<ReadonlyArray<{ readonly id: number; readonly title: string }>> {
    return upload(await this.#fileRequest(options.signal), gidOf(chat), files)
  }

  /** Returns the response with a file's content, or a range of it, as its body. */
  async download(
    file: number | { readonly id: number },
    options: { readonly range?: ByteRange; readonly signal?: AbortSignal } = {}
  ): Promise<Response> {
    return download(await this.#fileRequest(options.signal), idOf(file).id, options.range)
  }

  async #request<A = unknown>(method: string, params: unknown, options: RequestOptions | undefined): Promise<A> {
    const { data } = await this.#session.request(method, params, options)
    return data as A
  }

  async #slowMode(params: object, options: RequestOptions | undefined): Promise<number> {
    const { data } = await this.#session.request("slowMode", params, options, "parley")
    const seconds: unknown = typeof data === "object" && data !== null ? Reflect.get(data, "seconds") : undefined
    return typeof seconds === "number"
      ? seconds
      : fail(new ParleyError("malformed", "the server's reply has no seconds"))
  }

  async #setPreference(
    preference: "star" | "hide" | "mute",
    chat: ChatRef,
    value: boolean,
    options: RequestOptions | undefined
  ): Promise<void> {
    const gid = gidOf(chat)
    await this.#request(preference, { gid, [preference]: value }, options)
    this.#clientState.change(gid, { [preference]: value })
  }

  #applyReply(data: unknown): Chat {
    const [chat] = chatsOf("the reply", data, fail)
    if (chat === undefined) throw new ParleyError("malformed", "the server's reply has no chat")
    this.#clientState.applyReply(chat)
    return chat
  }

  async #fileRequest(signal: AbortSignal | undefined): Promise<FileRequest> {
    // Waits for the login.
    if (this.#session.sid === undefined) await this.#session.request("ping", undefined, { signal })
    return { ...this.#server, sid: this.#session.sid ?? "", signal }
  }
}
