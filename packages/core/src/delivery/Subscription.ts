/** One connection's position in one chat's log, and whether it is live there. */
import type { Subscriber } from "./Subscriber.ts"
import { LogPosition } from "./LogPosition.ts"
import type { Cursor } from "../model/Cursor.ts"

export class Subscription extends LogPosition {
  readonly subscriber: Subscriber
  /** The newest sequence that was announced while it was behind. */
  missed = 0
  /** Whether the catch-up is reading the log for it; live messages wait until it has met the head. */
  isBehind = false

  constructor(subscriber: Subscriber, cursor: Pick<Cursor, "chat" | "pushed" | "delivered" | "acked">) {
    super(cursor)
    this.subscriber = subscriber
  }

  get cursor(): Cursor {
    return this.cursorOf(this.subscriber.key)
  }
}
