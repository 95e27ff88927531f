/** A packet of the offline queue. */
import type { ChatEvent } from "../model/Event.ts"
import type { EntryId, UserId } from "../model/Ids.ts"

/** One packet that is kept for a user until acknowledged. */
export interface Queued {
  /** Id of the log entry, which acknowledges it. */
  readonly id: EntryId
  /** Packets of a lower level are sent first. Messages have 3; packets of levels 0 and 1 are created at each login. */
  readonly level: 3
  /** The recipient. */
  readonly user: UserId
  /** The event, which a protocol encodes. */
  readonly event: ChatEvent
}
