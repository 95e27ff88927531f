/** The offline queue as a table of packets, one row for each undelivered packet of a user. */
import type { Queued } from "../services/OfflineQueue.ts"

/** One row. Protocols encode `event` for their clients themselves. */
export interface OfflineQueueRow extends Queued {
  /** Module of the packet. */
  readonly module: "chat"
  /** Method of the packet. */
  readonly method: "message"
  /** JSON: a list of one message in the engine's format. Its times are milliseconds since 1970. */
  readonly data: string
}

export const offlineQueueRow = (queued: Queued): OfflineQueueRow => {
  const { chat, message } = queued.event
  const messages =
    message === undefined
      ? []
      : [
          {
            id: message.id,
            gid: message.gid,
            chat: chat.gid,
            sender: message.sender,
            date: message.date,
            type: message.type,
            contentType: message.contentType,
            content: message.content,
            recalled: message.recalled
          }
        ]
  return { ...queued, module: "chat", method: "message", data: JSON.stringify(messages) }
}
