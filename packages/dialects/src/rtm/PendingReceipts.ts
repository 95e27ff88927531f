/**
 * Messages of this node's clients whose senders want a receipt of delivery, until it comes. They are in memory: after a
 * restart no receipt comes for earlier messages.
 */
import { BoundedMap } from "@parley/core/BoundedMap"
import type { DeliveredEvent } from "@parley/core/Event"
import type { ChatId } from "@parley/core/Ids"
import type { Message } from "@parley/core/Message"

/** Maximum number of chats with such messages, and of messages of one chat; the oldest are dropped. */
const MAX_CHATS = 10_000
const MAX_MESSAGES = 100

export type PendingMessage = Pick<Message, "id" | "seq" | "date" | "sender">

const NONE: ReadonlyArray<PendingMessage> = []

export class PendingReceipts {
  readonly #chats = new BoundedMap<ChatId, Array<PendingMessage>>(MAX_CHATS)
  /** The event that was taken last; it is encoded once for each serializer. */
  #last: { readonly event: DeliveredEvent; readonly messages: ReadonlyArray<PendingMessage> } | undefined

  add(chat: ChatId, { id, seq, date, sender }: PendingMessage): void {
    const messages = this.#chats.get(chat) ?? []
    messages.push({ id, seq, date, sender })
    if (messages.length > MAX_MESSAGES) messages.shift()
    this.#chats.set(chat, messages)
  }

  /** Removes the messages that are delivered by an event, and returns them, by sequence; those of the recipient stay. */
  take(event: DeliveredEvent): ReadonlyArray<PendingMessage> {
    if (this.#last?.event === event) return this.#last.messages
    const pending = this.#chats.get(event.chat.id)
    if (pending === undefined) return NONE
    const isDelivered = ({ seq, sender }: PendingMessage): boolean => seq <= event.delivered && sender !== event.user
    const messages = pending.filter(isDelivered)
    const others = pending.filter((message) => !isDelivered(message))
    if (others.length === 0) this.#chats.delete(event.chat.id)
    else this.#chats.set(event.chat.id, others)
    this.#last = { event, messages }
    return messages
  }
}
