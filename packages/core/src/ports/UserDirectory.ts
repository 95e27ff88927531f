/**
 * Port: an application's own users. An application with its own user table is queried for its users; the store keeps
 * only the mapping between their ids and ours.
 *
 * - External ids are strings of any form (UUIDs, numbers as text), 1 to 255 characters, and never change.
 * - A user gets an integer id when they are first named or listed, and keeps it for ever. Unknown users get none,
 *   however often they are looked up.
 * - Results are cached for `ttl` seconds. While the directory fails, cached users stay as they were, and others are
 *   refused with `Unavailable`.
 * - A disabled or removed user is logged out: immediately after `Users.invalidate`, otherwise at their first command after
 *   `ttl`, or within `ttl` and a minute if they only receive.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { User, UserChange } from "../model/User.ts"

/** A user of the application. Absent fields are empty, and the display name `realname` is the account. */
export interface DirectoryUser extends Partial<
  Pick<User, "realname" | "avatar" | "role" | "dept" | "admin" | "organisation" | "disabled">
> {
  /** External id; 1 to 255 characters. */
  readonly id: string
  /**
   * Account name for other users; unique. 1…64 characters without white space, control characters, `,`, `:`, `/` and
   * `&`. It may change. A user with an invalid account is logged and left out.
   */
  readonly account: string
}

/** Changes that a client makes to its own user, or an operator to any user, without passwords. */
export type DirectoryUserChange = Omit<UserChange, "password" | "account">

export interface UserDirectory {
  /** Returns users by id, in any order; unknown ids are left out. At most 1,000 ids per call. */
  readonly find: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<DirectoryUser>, unknown>
  /** Returns users by account, exactly as written; unknown accounts are left out. At most 1,000 accounts per call. */
  readonly findByAccount: (accounts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<DirectoryUser>, unknown>
  /**
   * All users, for protocols with a user list; all of them get integer ids then. Without it, the list contains the
   * users who have been named or have logged in before.
   */
  readonly list?: Effect.Effect<ReadonlyArray<DirectoryUser>, unknown>
  /**
   * Applies a change. A failure is logged, and the change refused with `Unavailable`; a failure with `Refused` is shown
   * to the client. Without it, changes are refused with `Rejected`, code `users_elsewhere`.
   */
  readonly change?: (id: string, change: DirectoryUserChange) => Effect.Effect<void, unknown>
  /** Seconds for which a result is cached; 60 by default. */
  readonly ttl?: number
  /** Timeout of one call in milliseconds; 5,000 by default. */
  readonly timeout?: number
}

/** The directory in use; undefined if users are kept in the store. */
export const UserDirectory: Context.Reference<UserDirectory | undefined> = Context.Reference<UserDirectory | undefined>(
  "@parley/core/UserDirectory",
  { defaultValue: () => undefined }
)
