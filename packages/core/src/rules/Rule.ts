/**
 * A rule is a plain function over loaded facts that returns a reason to refuse, or undefined. No Effect, no storage, no
 * protocol. The decisions are PROTOCOLS, "Who may do what"; they are the same for every protocol.
 */
import type { AppRights } from "./AppScope.ts"
import type { Chat } from "../model/Chat.ts"
import type { Reason } from "../model/Refused.ts"
import type { User } from "../model/User.ts"

/** The caller and the chat. */
export interface Facts {
  /** The calling user. */
  readonly user: Pick<User, "id" | "admin">
  /** Set for an anonymous caller of the protocol of this name; `user` is a placeholder then. */
  readonly via?: string | undefined
  /** Set for an application that names no user; `user` is a placeholder then. */
  readonly app?: AppRights | undefined
  /** The chat. */
  readonly chat: Chat
  /** Whether some users may not see others (`Visibility`). */
  readonly isLimited?: boolean
  /** Whether the user may not see the chat's owner; only where it counts: for a public chat without them. */
  readonly isOutside?: boolean
  /** Milliseconds since the caller's newest message in the chat; only where it counts: in slow mode. */
  readonly sinceOwnMessage?: number | undefined
}

/** One rule: returns the reason of its refusal, or undefined. */
export interface Rule {
  /** As printed by `parley explain`. */
  readonly name: string
  /** Returns the reason of a refusal, or undefined. */
  readonly check: (facts: Facts) => Reason | undefined
}
