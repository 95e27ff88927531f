/** Users: their stored facts, and their presence, which is never stored. */
import type { UserId } from "./Ids.ts"
import { enforceAccountName } from "./AccountName.ts"

/** A user's displayed status. `offline` cannot be chosen: it means that the user has no live connection. */
export type Status = "online" | "away" | "busy" | "offline"

/** A registered user. */
export interface User {
  /** Our id of the user, from 1. */
  readonly id: UserId
  /** Unique; 1…64 code points (`limits.account`) without white space, control characters, `,`, `:`, `/` and `&`. */
  readonly account: string
  /** Display name; the account if none was given. */
  readonly realname: string
  /** A URL, or "". */
  readonly avatar: string
  /** Role in the organisation, as text; "" if unknown. Without effect on permissions. */
  readonly role: string
  /** Id of the department, 0 if absent. */
  readonly dept: number
  /** A system administrator counts as an admin of every system chat. */
  readonly admin: boolean
  /** Id of the organisation, or null. */
  readonly organisation: number | null
  /** A disabled user cannot log in; their sessions have ended. */
  readonly disabled: boolean
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /**
   * The newest sequence of each system chat when the user was created, by chat id; chats that were created later are
   * absent. All users are members of a system chat, without a row of their own in it; its entries up to this one precede
   * the user.
   */
  readonly since: Readonly<Record<number, number>>
}

/** A user with their current status. */
export interface PresentUser extends User {
  /** `offline` without a connection, on all nodes. */
  readonly status: Status
}

/** Facts of a new user. The store assigns `id` and `since`. */
export interface NewUser extends Omit<User, "id" | "since"> {
  /** A password hash in PHC form, or null for a user who cannot log in with a password. */
  readonly password: string | null
}

/** The fields of a user that can change. The account changes only once, to `removedAccount`. */
export type UserChange = Partial<Omit<User, "id" | "since" | "createdAt">> & {
  /** Hash in PHC form; null for none. */
  readonly password?: string | null
}

const REMOVED = "removed:"

/** Account of a removed user. It cannot be taken, since accounts have no colon. */
export const removedAccount = (id: UserId): string => `${REMOVED}${id}`

/** Returns whether the user was removed. Their messages stay theirs; they are in no list and cannot be named. */
export const isRemoved = ({ account }: Pick<User, "account">): boolean => account.startsWith(REMOVED)

/** Returns the change that removes a user's personal data. */
export const removal = (id: UserId): UserChange => ({
  account: removedAccount(id),
  realname: removedAccount(id),
  avatar: "",
  role: "",
  dept: 0,
  admin: false,
  organisation: null,
  disabled: true,
  password: null
})

const FORBIDDEN = /[\s\p{Cc},:/&]/u

/**
 * Returns why `account` is invalid, as a clause after "account", or undefined. `limit` is `limits.account`, in code
 * points. Existing accounts may be any such text; for new ones, see `newAccountProblem`.
 */
export const accountProblem = (account: string, limit: number): string | undefined => {
  const length = Array.from(account).length
  if (length === 0) return "must not be empty"
  if (length > limit) return `must have at most ${limit} characters`
  if (FORBIDDEN.test(account)) return "must not contain white space, control characters, ',', ':', '/' or '&'"
  return undefined
}

/**
 * Returns why `account` cannot be a new account, as a clause after "account", or undefined. New accounts have one form
 * only (`enforceAccountName`), so that no two look alike by width, composition or invisible characters.
 */
export const newAccountProblem = (account: string, limit: number): string | undefined => {
  if (!account.isWellFormed()) return "must be well-formed Unicode"
  const form = enforceAccountName(account)
  const problem = accountProblem(account, limit) ?? (form === undefined ? undefined : accountProblem(form, limit))
  if (problem !== undefined || form !== undefined) return problem
  return "must have letters, digits and ASCII punctuation only, none of them invisible or against the direction of the others (RFC 8265, UsernameCasePreserved)"
}
