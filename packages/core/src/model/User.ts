/** Users: who they are (stored), and whether they are here (never stored). */
import type { EntryId, UserId } from "./Ids.ts"
import { enforceAccountName } from "./AccountName.ts"

/** What a user shows of themself. `offline` is never chosen: it is what a user without a live connection has. */
export type Status = "online" | "away" | "busy" | "offline"

export interface User {
  readonly id: UserId
  /** Unique; 1…64 code points (`limits.account`) without white space, control characters, `,`, `:`, `/` and `&`. */
  readonly account: string
  readonly realname: string
  /** A URL, or "". */
  readonly avatar: string
  readonly role: string
  /** The department's id, 0 for none. */
  readonly dept: number
  /** A system administrator counts as an admin of every system chat. */
  readonly admin: boolean
  /** The organisation's id, or null. */
  readonly organisation: number | null
  /** A disabled user cannot log in; their sessions are dead. */
  readonly disabled: boolean
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /**
   * The newest entry of the store when the user was made. Everybody is a member of a system chat, without a row of
   * their own in it; its entries up to this one came before the user did.
   */
  readonly since: EntryId
}

/** A user as others see them now. */
export interface PresentUser extends User {
  readonly status: Status
}

/** What a new user is made of; the store gives `id` and `since`. */
export interface NewUser extends Omit<User, "id" | "since"> {
  /** A password hash in PHC form, or null for a user who cannot log in with a password. */
  readonly password: string | null
}

/** The fields of a user that can change; the account only once, to `removedAccount`. */
export type UserChange = Partial<Omit<User, "id" | "since" | "createdAt">> & {
  readonly password?: string | null
}

const REMOVED = "removed:"

/** The account of a removed user: nobody else can have it, since an account has no colon. */
export const removedAccount = (id: UserId): string => `${REMOVED}${id}`

/** Whether the user was removed. Their messages stay theirs; they are in no list, and nobody can name them. */
export const isRemoved = ({ account }: Pick<User, "account">): boolean => account.startsWith(REMOVED)

/** What is left of a removed user. */
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
 * Why `account` cannot be one, in words that follow "account", or nothing. `limit` is `limits.account`, in code points.
 * Accounts that exist may be of any such text; for new ones, see `newAccountProblem`.
 */
export const accountProblem = (account: string, limit: number): string | undefined => {
  const length = Array.from(account).length
  if (length === 0) return "must not be empty"
  if (length > limit) return `must have at most ${limit} characters`
  if (FORBIDDEN.test(account)) return "must not contain white space, control characters, ',', ':', '/' or '&'"
  return undefined
}

/**
 * Why `account` cannot be a new one, in words that follow "account", or nothing. New accounts have one form only
 * (`enforceAccountName`), so that no two look alike by width, composition or invisible characters.
 */
export const newAccountProblem = (account: string, limit: number): string | undefined => {
  if (!account.isWellFormed()) return "must be well-formed Unicode"
  const form = enforceAccountName(account)
  const problem = accountProblem(account, limit) ?? (form === undefined ? undefined : accountProblem(form, limit))
  if (problem !== undefined || form !== undefined) return problem
  return "must have letters, digits and ASCII punctuation only, none of them invisible or against the direction of the others (RFC 8265, UsernameCasePreserved)"
}
