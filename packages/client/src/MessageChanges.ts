/**
 * Later changes of messages, search, and pages of a history that do not shift. These are methods of the server's module `parley`, which other servers of the protocol do not
 * have: they refuse it.
 */
import type { ClientState } from "./ClientState.ts"
import { ParleyError } from "./ParleyError.ts"
import type { Message } from "./protocol.ts"
import { ReadState } from "./ReadState.ts"
import { type ChatRef, gidOf, idOf, type MessageRef } from "./References.ts"
import type { RequestOptions } from "./RequestQueue.ts"
import type { Session } from "./Session.ts"
import { messagesOf } from "./validate.ts"

/** Options of `search`. */
export interface SearchOptions extends RequestOptions {
  /** Searches this chat only; all chats of this user if absent. */
  readonly chat?: ChatRef
  /** Maximum number of messages in the result, from 1 to 100. Default: 50. */
  readonly size?: number
  /** Continues a search: `next` of its latest result. */
  readonly from?: string | undefined
}

/** A message by its gid. */
export type MessageGid =
  | string
  /** With its gid. */
  | { readonly gid: string }

const fail = (error: ParleyError): never => {
  throw error
}

export class MessageChanges extends ReadState {
  readonly #session: Session

  constructor(session: Session, clientState: ClientState) {
    super(session, clientState)
    this.#session = session
  }

  /**
   * Returns the newest messages before one of a chat, newest first, at most `size` (default: 50, maximum: 500). Unlike
   * the pages of `history`, they do not shift when messages are sent. `more` is true if there are older ones.
   */
  async historyBefore(
    chat: ChatRef,
    message: MessageRef,
    { size = 50, ...options }: RequestOptions & { readonly size?: number } = {}
  ): Promise<{ readonly messages: ReadonlyArray<Message>; readonly more: boolean }> {
    const params = { gid: gidOf(chat), ...idOf(message), limit: size }
    const { data, pager } = await this.#session.request("historyBefore", params, options, "parley")
    const more = typeof pager === "object" && pager !== null && Reflect.get(pager, "more") === true
    return { messages: messagesOf("historyBefore", data, fail), more }
  }

  /**
   * Searches texts that contain `text`, from 1 to 255 characters, regardless of case: chat by chat from the newest chat on,
   * and in each from the newest message on. Recalled and deleted messages are not found. One request looks at up to
   * 2,000 messages, and may find none: continue with `from: next` until `next` is undefined.
   */
  async search(
    text: string,
    { chat, size = 50, from, ...options }: SearchOptions = {}
  ): Promise<{ readonly messages: ReadonlyArray<Message>; readonly next: string | undefined }> {
    const params = { text, ...(chat !== undefined && { gid: gidOf(chat) }), limit: size, from }
    const { data, pager } = await this.#session.request("search", params, options, "parley")
    const next: unknown = typeof pager === "object" && pager !== null ? Reflect.get(pager, "next") : undefined
    return {
      messages: messagesOf("search", data, fail),
      next: typeof next === "string" && next !== "" ? next : undefined
    }
  }

  /**
   * Empties a message for all members, as its sender or an admin of the chat. Members get it as a message with the
   * change `recalled`. A second recall changes nothing. Returns the empty message.
   */
  recall(message: MessageGid, options?: RequestOptions): Promise<Message> {
    return this.#change("recall", message, {}, options)
  }

  /**
   * Replaces the text of a message, as its sender or an admin of the chat. Members get it as a message with the change
   * `replaced`. Rejects with `refused` after a recall. Returns the edited message.
   */
  edit(message: MessageGid, content: string, options?: RequestOptions): Promise<Message> {
    return this.#change("edit", message, { content }, options)
  }

  async #change(
    method: string,
    message: MessageGid,
    params: object,
    options: RequestOptions | undefined
  ): Promise<Message> {
    const gid = typeof message === "string" ? message : message.gid
    const { data } = await this.#session.request(method, { gid, ...params }, options, "parley")
    const [changed] = messagesOf(method, data, fail)
    return changed ?? fail(new ParleyError("malformed", "the server's reply has no message"))
  }
}
