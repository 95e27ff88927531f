/**
 * Port: which users may see each other. A user who may not be seen is reported as not existing: in lists of users, in
 * presence, when they are named for a chat, and when their account is searched. Users always see themselves. Members of
 * a chat see its other members, regardless of the visibility: the user who added them could see them.
 *
 * - In a system chat, whose members are all users, only broadcasts can be sent, since they name no sender.
 * - A public chat exists for those who may see its owner, or its creator if it has no owner.
 * - A protocol's caller without a user sees everybody.
 * - A user who was just created is announced to clients of the same class. With an embedder's own decision, clients get the
 *   user with the first presence event.
 * - Operators and `Users` see everybody.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { User } from "../model/User.ts"

/** A user of a pair. */
export interface PairUser extends Pick<User, "id" | "account" | "role" | "dept" | "admin" | "organisation"> {
  /** Id in the external directory; absent without one. */
  readonly externalId?: string
}

/** Whether `viewer` may see `other`. */
export interface VisibilityPair {
  /** The user who would see the other one. */
  readonly viewer: PairUser
  /** The user who would be seen. */
  readonly other: PairUser
}

/** An embedder's own decision about pairs of users. */
export interface PairVisibility {
  /**
   * Returns for each pair whether the viewer may see the other one, in the same order; at most 1,000 pairs per call. It
   * is called for every list of users, for every presence event with the users who are online, and for every user who is
   * named; results are not cached. A failure is logged and refused with `Unavailable`; a presence event is not sent then.
   */
  readonly of: (pairs: ReadonlyArray<VisibilityPair>) => Effect.Effect<ReadonlyArray<boolean>, unknown>
  /** Timeout of one call in milliseconds; 5,000 by default. */
  readonly timeout?: number
}

/** `all`: everybody sees everybody. `organisation`: users see those of their organisation. */
export type Visibility = "all" | "organisation" | PairVisibility

/** The visibility in force; `all` by default. */
export const Visibility: Context.Reference<Visibility> = Context.Reference<Visibility>("@parley/core/Visibility", {
  defaultValue: () => "all"
})
