/**
 * Somebody else's users, as a port: an application that has a user table of its own is asked for them, and nothing of
 * them is stored here but the pair of their id and ours.
 *
 * - Their ids are strings of any form (UUIDs, numbers as text), 1 to 255 characters, and never change.
 * - A user gets an integer id the first time that somebody names them, or that they are listed, and keeps it for ever.
 *   Who does not exist gets none, however often they are asked for.
 * - What was answered is used for `ttl` seconds, and then asked for again. While the directory does not answer, who is
 *   known already goes on as they were; whoever is not is refused with `Unavailable`.
 * - Who is disabled, or not there any more, is logged out: at once after `Users.invalidate`, else at the first command
 *   after `ttl`, and within `ttl` and a minute where they only listen.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { User, UserChange } from "../model/User.ts"

/** A user as their application knows them; what is absent is empty, and `realname` is the account. */
export interface DirectoryUser extends Partial<
  Pick<User, "realname" | "avatar" | "role" | "dept" | "admin" | "organisation" | "disabled">
> {
  /** Theirs; 1 to 255 characters. */
  readonly id: string
  /**
   * What others call them by; unique. 1…64 characters without white space, control characters, `,`, `:`, `/` and `&`.
   * It may change. A user whose account is none of this kind is logged and left out.
   */
  readonly account: string
}

/** What a client changes of itself, or an operator of a user; passwords are not among it. */
export type DirectoryUserChange = Omit<UserChange, "password" | "account">

export interface UserDirectory {
  /** Users by their ids, in any order; unknown ids are left out. At most 1,000 are asked for at once. */
  readonly find: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<DirectoryUser>, unknown>
  /** Users by account, exactly as written; unknown accounts are left out. At most 1,000 are asked for at once. */
  readonly findByAccount: (accounts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<DirectoryUser>, unknown>
  /**
   * Everybody, for protocols whose clients have a list of users; they all get their integer ids then. Without it, the
   * list is of those who have been named or have come here before.
   */
  readonly list?: Effect.Effect<ReadonlyArray<DirectoryUser>, unknown>
  /**
   * Carries a change out. What it fails with is logged, and the change refused with `Unavailable`; a `Refused` it may
   * fail with on purpose, and the client is told that. Without it, changes are refused with `Vetoed`, code
   * `users_elsewhere`.
   */
  readonly change?: (id: string, change: DirectoryUserChange) => Effect.Effect<void, unknown>
  /** Seconds for which an answer is used; 60 by default. */
  readonly ttl?: number
  /** Milliseconds that one question may take; 5,000 by default. */
  readonly timeout?: number
}

/** The directory in use; undefined where users are kept in the store. */
export const UserDirectory: Context.Reference<UserDirectory | undefined> = Context.Reference<UserDirectory | undefined>(
  "@parley/core/UserDirectory",
  { defaultValue: () => undefined }
)
