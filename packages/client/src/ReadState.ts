/**
 * Read state and typing. These are methods of the server's module `parley`, which other servers of the
 * protocol do not have: they refuse it.
 */
import type { ClientState } from "./ClientState.ts"
import { type ChatRef, gidOf, idOf, type MessageRef } from "./References.ts"
import type { RequestOptions } from "./RequestQueue.ts"
import { ParleyError } from "./ParleyError.ts"
import type { ReadMark, Unread } from "./protocol.ts"
import type { Session } from "./Session.ts"
import { readMarksOf, unreadsOf } from "./validate.ts"

const fail = (error: ParleyError): never => {
  throw error
}

export class ReadState {
  readonly #session: Session
  readonly #clientState: ClientState

  constructor(session: Session, clientState: ClientState) {
    this.#session = session
    this.#clientState = clientState
  }

  /** Returns the unread counts of all chats that have any, or of one chat. Posting counts as reading. */
  async unread(chat?: ChatRef, options?: RequestOptions): Promise<ReadonlyArray<Unread>> {
    const params = chat === undefined ? {} : { gid: gidOf(chat) }
    const { data } = await this.#session.request("unread", params, options, "parley")
    return unreadsOf("unread", data, fail)
  }

  /**
   * Marks a chat as read up to a message, by default to the newest one. Marks never move back. Returns the present mark.
   * Other members who are online, and this user's other devices, get a `read` event.
   */
  async read(chat: ChatRef, upTo?: MessageRef, options?: RequestOptions): Promise<ReadMark> {
    const gid = gidOf(chat)
    const params = upTo === undefined ? { gid } : { gid, ...idOf(upTo) }
    const { data } = await this.#session.request("read", params, options, "parley")
    this.#clientState.touched(gid)
    const [mark] = readMarksOf("read", data, fail)
    if (mark === undefined) throw new ParleyError("malformed", "the server's reply has no read mark")
    return { user: mark.user, id: mark.id }
  }

  /**
   * Notifies online members that this user types a message, or has stopped. To be repeated every few seconds while the
   * user types; the server passes on one within 3 seconds. Does nothing while the client is not online.
   */
  async typing(chat: ChatRef, on = true, options?: RequestOptions): Promise<void> {
    if (this.#session.state !== "online") return
    await this.#session.request("typing", { gid: gidOf(chat), typing: on }, options, "parley")
  }

  /**
   * Returns how far each member has read a chat. A member's own messages count as read by them; `read` events and new
   * messages continue from here.
   */
  async readMarks(chat: ChatRef, options?: RequestOptions): Promise<ReadonlyArray<ReadMark>> {
    const { data } = await this.#session.request("readMarks", { gid: gidOf(chat) }, options, "parley")
    return readMarksOf("readMarks", data, fail)
  }
}
