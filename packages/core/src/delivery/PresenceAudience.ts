/** The recipients of presence events, where users do not see everybody. */
import type { UserEvent } from "../model/Event.ts"
import type { UserId } from "../model/Ids.ts"
import type { User } from "../model/User.ts"

/** Users of one class get the events of each other, and no others. */
export interface ClassAudience {
  readonly _tag: "Classes"
  readonly classOf: (user: User) => string
}

/**
 * Each event has its own recipients among the users who are online. `resolve` calls back with them, in the order of the
 * events; not at all if they cannot be decided.
 */
export interface EventAudience {
  readonly _tag: "Events"
  readonly resolve: (
    event: UserEvent,
    online: ReadonlyArray<User>,
    callback: (recipients: ReadonlySet<UserId>) => void
  ) => void
}

export type PresenceAudience = ClassAudience | EventAudience
