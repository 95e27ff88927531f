/** The offline queue as this protocol's document has it: the table `UserMessage`. Source: seeds/002, "UserMessage". */
import type { Queued } from "@parley/core/OfflineQueue"
import { messageJson } from "./encode.ts"

/** One packet that a device has not acknowledged. Source: seeds/002, "UserMessage". */
export interface OfflineQueueRow {
  /** Acknowledges it. */
  readonly id: number
  /** Packets of a lower level go first. */
  readonly level: number
  /** Who is owed it. */
  readonly user: number
  readonly module: "chat"
  readonly method: "message"
  /** JSON: the packet's `data`, as it will be pushed. */
  readonly data: string
}

/** Returns the packet as this protocol's clients get it. */
export const offlineQueueRow = ({ id, level, user, event }: Queued): OfflineQueueRow => {
  const { message, chat } = event
  const data = message === undefined ? [] : [messageJson(message, chat)]
  return { id, level, user, module: "chat", method: "message", data: JSON.stringify(data) }
}
