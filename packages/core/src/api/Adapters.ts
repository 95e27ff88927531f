/** Adapts a host's functions, synchronous or with promises, to the engine's ports. */
import * as Effect from "effect/Effect"
import { Authenticator, type RequestInfo, type Identity } from "../ports/Authenticator.ts"
import { type DirectoryUserChange, UserDirectory, type DirectoryUser } from "../ports/UserDirectory.ts"
import type { Visibility, VisibilityPair } from "../ports/Visibility.ts"
import { type HookContext, type HookedCommand, Hooks, type Result, type Verdict } from "../ports/Hooks.ts"

type Eventually<A> = A | PromiseLike<A>

/** The host's own users; see `UserDirectory`, which documents each field. */
export interface DirectoryOption {
  /** Returns the existing users of these ids, at most 1,000, in any order. */
  readonly find: (ids: ReadonlyArray<string>) => Eventually<ReadonlyArray<DirectoryUser>>
  /** Returns the existing users of these accounts, at most 1,000, in any order. */
  readonly findByAccount: (accounts: ReadonlyArray<string>) => Eventually<ReadonlyArray<DirectoryUser>>
  /** Returns all users. Without it, lists of users have those seen so far. */
  readonly list?: () => Eventually<ReadonlyArray<DirectoryUser>>
  /** Applies a change made through Parley. Without it, changes are refused with the code `users_elsewhere`. */
  readonly change?: (id: string, change: DirectoryUserChange) => Eventually<void>
  /** Seconds for which a result is cached; 60 by default. */
  readonly ttl?: number
  /** Timeout of one call in milliseconds; 5,000 by default. */
  readonly timeout?: number
}

/** The host's own sessions: returns the sender of a request. See `Authenticator`. */
export type AuthenticateOption = (request: RequestInfo) => Eventually<Identity>

/** The host's own passwords: returns the owner of an account and a plain password. See `Authenticator`. */
export type VerifyPasswordOption = (account: string, password: string) => Eventually<Identity>

/** The host's own rules and records. See `Hooks`. */
export interface HooksOption {
  /** Called before each command; may refuse it, or rewrite contents. A failure refuses it with `Unavailable`. */
  readonly before?: (command: HookedCommand, context: HookContext) => Eventually<Verdict | void>
  /** Called after each command with its result, one at a time. Failures are logged. */
  readonly after?: (command: HookedCommand, result: Result, context: HookContext) => Eventually<unknown>
  /** Timeout of one call in milliseconds; 5,000 by default. */
  readonly timeout?: number
}

/**
 * Users who may see each other: all, those of one organisation, or the host's own decision about pairs of users, at most 1,000
 * per call. See `Visibility`.
 */
export type VisibilityOption =
  | "all"
  | "organisation"
  | ((pairs: ReadonlyArray<VisibilityPair>) => Eventually<ReadonlyArray<boolean>>)

/** Throws and rejections of host callbacks become typed failures, not defects. */
const callHost = <A>(call: () => Eventually<A>): Effect.Effect<A, unknown> =>
  Effect.tryPromise({ try: async () => call(), catch: (cause) => cause })

/** Adapts a directory. It may be an instance of a class: its methods are called on it. */
export const directoryPort = (options: DirectoryOption): UserDirectory => {
  const { ttl, timeout } = options
  return {
    ...(ttl !== undefined && { ttl }),
    ...(timeout !== undefined && { timeout }),
    find: (ids) => callHost(() => options.find(ids)),
    findByAccount: (accounts) => callHost(() => options.findByAccount(accounts)),
    ...(options.list !== undefined && { list: callHost(() => options.list?.() ?? []) }),
    ...(options.change !== undefined && { change: (id, change) => callHost(() => options.change?.(id, change)) })
  }
}

export const authenticatorPort = (options: {
  readonly authenticate: AuthenticateOption | undefined
  readonly verifyPassword: VerifyPasswordOption | undefined
  readonly origins: Authenticator["origins"]
}): Authenticator => {
  const { authenticate, verifyPassword, origins } = options
  return {
    ...(origins !== undefined && { origins }),
    ...(authenticate !== undefined && { authenticate: (request) => callHost(() => authenticate(request)) }),
    ...(verifyPassword !== undefined && {
      verifyPassword: (account, password) => callHost(() => verifyPassword(account, password))
    })
  }
}

export const hooksPort = (options: HooksOption): Hooks => {
  const { timeout } = options
  return {
    ...(timeout !== undefined && { timeout }),
    ...(options.before !== undefined && {
      before: (command, context) =>
        Effect.map(
          callHost<Verdict | void>(() => options.before?.(command, context)),
          (verdict) => verdict ?? undefined
        )
    }),
    ...(options.after !== undefined && {
      after: (command, result, context) => Effect.asVoid(callHost(() => options.after?.(command, result, context)))
    })
  }
}

export const visibilityPort = (option: VisibilityOption): Visibility =>
  typeof option === "string" ? option : { of: (pairs) => callHost(() => option(pairs)) }
