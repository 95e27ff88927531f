/** An authenticated connection as seen by the hub, logins and offline queues. */
import type * as Effect from "effect/Effect"
import type { ChatId, EntryId } from "../model/Ids.ts"
import type { User } from "../model/User.ts"
import type { Connection } from "../ports/Connection.ts"
import type { LiveSession } from "./LiveSession.ts"
import type { Subscriber } from "./Subscriber.ts"

export interface HubSession {
  readonly connection: Connection
  readonly live: LiveSession | undefined
  readonly user: User | undefined
  readonly subscriber: Subscriber | undefined
  /** Acknowledges entries pushed to this connection, by id. */
  readonly acknowledge: (ids: ReadonlyArray<EntryId>) => Effect.Effect<void>
  /** Subscribes to a chat from the entry `seq` on. */
  readonly joinChat: (chat: ChatId, seq: number) => void
  readonly leaveChat: (chat: ChatId) => void
  /** Detaches the user from the connection. */
  readonly detachUser: () => void
  /** Notifies the client that another connection of the user has replaced it, and closes the connection. */
  readonly takeOver: () => void
}
