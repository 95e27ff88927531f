/**
 * What can be asked of the server: every operation of the protocol's document. Each takes as its last argument a `signal`
 * and a `timeout`, waits over reconnects, and fails with a `ParleyError`.
 */
import { type ByteRange, download, type FileRequest, type Upload, upload } from "./Files.ts"
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

/** A chat, or its gid. */
export type ChatRef = string | { readonly gid: string }
/** A user, or their id. */
export type UserRef = number | { readonly id: number }

export interface SendOptions extends RequestOptions {
  /** Of one's own choice, at most 255 characters. Sending the same again with the same gid is sending it once. */
  readonly gid?: string
  /** `broadcast` is for admins, and shown without a sender. */
  readonly type?: "normal" | "broadcast"
  /** `text` for a text if absent, `file` for an object. */
  readonly contentType?: ContentType
}

export interface NewMessage extends Omit<SendOptions, keyof RequestOptions> {
  readonly chat: ChatRef
  /** An object is sent as JSON. */
  readonly content: string | object
}

export interface NewChat {
  readonly gid?: string
  readonly name?: string
  /** `group` if absent. */
  readonly type?: string
  /** Oneself is a member anyway. */
  readonly members?: ReadonlyArray<UserRef>
  readonly subject?: number
  readonly public?: boolean
}

export interface HistoryOptions extends RequestOptions {
  /** From 1, the newest. */
  readonly page?: number
  /** Messages of a page, 50 if absent. */
  readonly size?: number
}

const fail = (error: ParleyError): never => {
  throw error
}

const gidOf = (chat: ChatRef): string => (typeof chat === "string" ? chat : chat.gid)
const idOf = (user: UserRef): { readonly id: number } => ({ id: typeof user === "number" ? user : user.id })

/** Where files go, and how. */
export interface FileServer {
  /** Without a slash at the end. */
  readonly http: string
  readonly fetch: typeof fetch
}

export class Operations {
  readonly #session: Session
  readonly #clientState: ClientState
  readonly #sent: SentIds
  readonly #server: FileServer

  constructor(link: Session, clientState: ClientState, sent: SentIds, server: FileServer) {
    this.#session = link
    this.#clientState = clientState
    this.#sent = sent
    this.#server = server
  }

  /** Oneself. */
  get me(): User {
    const me = this.#clientState.users.get(this.#clientState.me)
    if (me === undefined) throw new ParleyError("closed", "the client was never online")
    return me
  }

  /** Sends a message, an object as JSON; answers it as it is stored. */
  async send(chat: ChatRef, content: string | object, options: SendOptions = {}): Promise<Message> {
    const [message] = await this.sendAll([{ ...options, chat, content }], options)
    if (message === undefined) throw new ParleyError("connection", "the server answered with nothing")
    return message
  }

  /** Sends several messages: all are stored, or none; then the error's `refused` tells why. */
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
      return await this.#ask<ReadonlyArray<Message>>("message", drafts, options)
    } catch (error) {
      // Nobody knows of it. Should it be stored all the same and come in as a message, that is news.
      this.#sent.delete(gids)
      throw error
    }
  }

  /** A page of a chat's messages, the newest first. */
  async history(
    chat: ChatRef,
    { page = 1, size = 50, ...options }: HistoryOptions = {}
  ): Promise<{ readonly messages: ReadonlyArray<Message>; readonly pager: Pager }> {
    const params = { gid: gidOf(chat), recPerPage: size, pageID: page, recTotal: 0, continued: false }
    const { data, pager } = await this.#session.request("history", params, options)
    return { messages: data as ReadonlyArray<Message>, pager: pager as Pager }
  }

  /** Makes a chat, or answers the one of this gid. */
  async create(chat: NewChat, options?: RequestOptions): Promise<Chat> {
    const { gid = newGid(), name = "", type = "group", members = [], subject = 0 } = chat
    const params = { gid, name, type, members: members.map(idOf), subject, public: chat.public ?? false }
    return this.#applied(await this.#ask("create", params, options))
  }

  /** The chat with this user, which is made if there is none. */
  openDirectChat(user: UserRef, options?: RequestOptions): Promise<Chat> {
    const members = [this.me, idOf(user)]
    const gid = members
      .map(({ id }) => String(id))
      .toSorted()
      .join("&")
    return this.create({ gid, type: "one2one", members }, options)
  }

  /** Joins a public group. */
  async join(chat: ChatRef, options?: RequestOptions): Promise<Chat> {
    const gid = gidOf(chat)
    await this.#ask("joinchat", { gid, join: true }, options)
    const joined = (await this.listChats(options)).find((one) => one.gid === gid)
    if (joined === undefined) throw new ParleyError("refused", "The chat was left meanwhile.", { method: "joinchat" })
    return joined
  }

  async leave(chat: ChatRef, options?: RequestOptions): Promise<void> {
    const gid = gidOf(chat)
    try {
      await this.#ask("joinchat", { gid, join: false }, options)
    } catch (error) {
      // Done already, on a connection that broke before the answer?
      const done = error instanceof ParleyError && error.code === "refused" && error.repeated
      if (!done || (await this.listChats(options)).some((one) => one.gid === gid)) throw error
    }
    this.#clientState.chats.delete(gid)
  }

  async rename(chat: ChatRef, name: string, options?: RequestOptions): Promise<void> {
    const gid = gidOf(chat)
    const changed = await this.#ask<{ readonly name: string }>("changename", { gid, name }, options)
    this.#clientState.change(gid, { name: changed.name })
  }

  /** Marks a chat with a star, for oneself. */
  star(chat: ChatRef, star = true, options?: RequestOptions): Promise<void> {
    return this.#prefer("star", chat, star, options)
  }

  /** Hides a chat from one's own list. */
  hide(chat: ChatRef, hide = true, options?: RequestOptions): Promise<void> {
    return this.#prefer("hide", chat, hide, options)
  }

  /** Wants no notice of a chat's messages. They are delivered all the same. */
  mute(chat: ChatRef, mute = true, options?: RequestOptions): Promise<void> {
    return this.#prefer("mute", chat, mute, options)
  }

  async addMembers(chat: ChatRef, users: ReadonlyArray<UserRef>, options?: RequestOptions): Promise<Chat> {
    const params = { gid: gidOf(chat), members: users.map(idOf), join: true }
    return this.#applied(await this.#ask("addmember", params, options))
  }

  async removeMembers(chat: ChatRef, users: ReadonlyArray<UserRef>, options?: RequestOptions): Promise<Chat> {
    const params = { gid: gidOf(chat), members: users.map(idOf), join: false }
    return this.#applied(await this.#ask("addmember", params, options))
  }

  async members(chat: ChatRef, options?: RequestOptions): Promise<ReadonlyArray<User>> {
    type Listed = ReadonlyArray<{ readonly members: ReadonlyArray<User> }>
    const listed = await this.#ask<Listed>("members", { gid: gidOf(chat) }, options)
    return listed.flatMap(({ members }) => members)
  }

  /** Makes a group one that everybody may join, or no more. */
  async setPublic(chat: ChatRef, open = true, options?: RequestOptions): Promise<void> {
    const gid = gidOf(chat)
    await this.#ask("changepublic", { gid, public: open }, options)
    this.#clientState.change(gid, { public: open })
  }

  publicChats(options?: RequestOptions): Promise<ReadonlyArray<Chat>> {
    return this.#ask("getPublicList", undefined, options)
  }

  /** Makes users admins of a system chat, or takes that from them. */
  async setAdmins(
    chat: ChatRef,
    users: ReadonlyArray<UserRef>,
    isAdmin = true,
    options?: RequestOptions
  ): Promise<Chat> {
    const params = { gid: gidOf(chat), admins: users.map(idOf), isAdmin }
    return this.#applied(await this.#ask("setAdmin", params, options))
  }

  /** Who may speak: these users, all, or admins only. */
  async setCommitters(
    chat: ChatRef,
    committers: ReadonlyArray<UserRef> | "$ALL" | "$ADMINS",
    options?: RequestOptions
  ): Promise<Chat> {
    const said = typeof committers === "string" ? committers : committers.map(idOf)
    return this.#applied(await this.#ask("setCommitters", { gid: gidOf(chat), committers: said }, options))
  }

  async listUsers(options?: RequestOptions): Promise<ReadonlyArray<User>> {
    const data = usersOf("userGetList", await this.#ask<unknown>("userGetList", undefined, options), fail)
    this.#clientState.applyEvent({ type: "users", data })
    return data
  }

  async listChats(options?: RequestOptions): Promise<ReadonlyArray<Chat>> {
    const data = chatsOf("getList", await this.#ask<unknown>("getList", undefined, options), fail)
    this.#clientState.applyEvent({ type: "chats", data })
    return data
  }

  /** One's own name. */
  async changeName(name: string, options?: RequestOptions): Promise<void> {
    const changed = await this.#ask<{ readonly name: string }>("userChangeName", { name }, options)
    this.#clientState.changeUser(this.#clientState.me, { realname: changed.name })
  }

  /** One's own status, also after reconnects. */
  async changeStatus(status: Exclude<Status, "offline">, options?: RequestOptions): Promise<void> {
    await this.#ask("userChangeStatus", { status }, options)
    this.#session.status = status
    this.#clientState.changeUser(this.#clientState.me, { status })
  }

  /** What a client has kept for its user on the server: any JSON, null if there is none. Others' are for administrators. */
  settings(account = "", options?: RequestOptions): Promise<unknown> {
    return this.#ask("settings", { account }, options)
  }

  /** Keeps this; answers what is kept. */
  saveSettings(settings: unknown, account = "", options?: RequestOptions): Promise<unknown> {
    return this.#ask("settings", { account, settings }, options)
  }

  async files(chat: ChatRef, options?: RequestOptions): Promise<ReadonlyArray<ChatFile>> {
    const { data } = await this.#session.request("getList", { gid: gidOf(chat) }, options, "attach")
    return data as ReadonlyArray<ChatFile>
  }

  /** Uploads files to a chat. Its members see them in its list of files; a message about them is a matter of its own. */
  async upload(
    chat: ChatRef,
    files: ReadonlyArray<Upload | File>,
    options: { readonly signal?: AbortSignal } = {}
  ): Promise<ReadonlyArray<{ readonly id: number; readonly title: string }>> {
    return upload(await this.#fileRequest(options.signal), gidOf(chat), files)
  }

  /** A file's content, whole or a part, as the response whose body it is. */
  async download(
    file: number | { readonly id: number },
    options: { readonly range?: ByteRange; readonly signal?: AbortSignal } = {}
  ): Promise<Response> {
    return download(await this.#fileRequest(options.signal), idOf(file).id, options.range)
  }

  async #ask<A = unknown>(method: string, params: unknown, options: RequestOptions | undefined): Promise<A> {
    const { data } = await this.#session.request(method, params, options)
    return data as A
  }

  async #prefer(
    what: "star" | "hide" | "mute",
    chat: ChatRef,
    value: boolean,
    options: RequestOptions | undefined
  ): Promise<void> {
    const gid = gidOf(chat)
    await this.#ask(what, { gid, [what]: value }, options)
    this.#clientState.change(gid, { [what]: value })
  }

  #applied(data: unknown): Chat {
    const [chat] = chatsOf("the answer", data, fail)
    if (chat === undefined) throw new ParleyError("malformed", "the server answered without a chat")
    this.#clientState.applyReply(chat)
    return chat
  }

  async #fileRequest(signal: AbortSignal | undefined): Promise<FileRequest> {
    // Waits until there is a session.
    if (this.#session.sid === undefined) await this.#session.request("ping", undefined, { signal })
    return { ...this.#server, sid: this.#session.sid ?? "", signal }
  }
}
