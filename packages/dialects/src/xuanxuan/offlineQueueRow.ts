/** Row of the offline queue as in the document's table `UserMessage`. Source: seeds/002, "UserMessage". */
import type { Queued } from "@parley/core/OfflineQueue"
import { messageJson } from "./encode.ts"

/** One packet that a device has not acknowledged. Source: seeds/002, "UserMessage". */
export interface OfflineQueueRow {
  /** Id for the acknowledgement. */
  readonly id: number
  /** Packets with a lower level are sent first. */
  readonly level: number
  /** Recipient's user id. */
  readonly user: number
  readonly module: "chat"
  readonly method: "message"
  /** JSON of the packet's `data`, as it will be pushed. */
  readonly data: string
}

/** Returns the packet as this protocol's clients get it. */
export const offlineQueueRow = ({ id, level, user, event }: Queued): OfflineQueueRow => {
  const { message, chat } = event
  const data = message === undefined ? [] : [messageJson(message, chat)]
  return { id, level, user, module: "chat", method: "message", data: JSON.stringify(data) }
}
