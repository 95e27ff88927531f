/**
 * A rule is a plain function over loaded facts: it answers why not, or nothing. No Effect, no storage, no protocol.
 * The decisions are PROTOCOLS, "Who may do what"; they are the same for every protocol.
 */
import type { Chat } from "../model/Chat.ts"
import type { Reason } from "../model/Refused.ts"
import type { User } from "../model/User.ts"

/** Who asks, and about which chat. */
export interface Facts {
  readonly user: Pick<User, "id" | "admin">
  /** Set where nobody in particular asks, through the protocol of this name; `user` is nobody then. */
  readonly via?: string | undefined
  readonly chat: Chat
}

export interface Rule {
  /** As `parley explain` prints it. */
  readonly name: string
  readonly check: (facts: Facts) => Reason | undefined
}
