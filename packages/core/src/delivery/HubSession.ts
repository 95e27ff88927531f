/** A connection with a user, as the hub holds it and as logins and offline queues reach it. */
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
  /** Acknowledges what was pushed to this connection, by the ids of entries. */
  readonly acknowledge: (ids: ReadonlyArray<EntryId>) => Effect.Effect<void>
  /** Subscribes to a chat from the entry `seq` on. */
  readonly joinChat: (chat: ChatId, seq: number) => void
  readonly leaveChat: (chat: ChatId) => void
  /** The connection has no user any more. */
  readonly detachUser: () => void
  /** Another connection of the user has taken its place: tells the client, and closes the connection. */
  readonly takeOver: () => void
}
