/** What a host plugs in, with promises or without, as the engine's ports. */
import * as Effect from "effect/Effect"
import { Authenticator, type RequestInfo, type Identity } from "../ports/Authenticator.ts"
import { type DirectoryUserChange, UserDirectory, type DirectoryUser } from "../ports/UserDirectory.ts"
import { type HookContext, type HookedCommand, Hooks, type Result, type Verdict } from "../ports/Hooks.ts"

type Eventually<A> = A | PromiseLike<A>

/** The host's own users; see `UserDirectory`, where each field is told. */
export interface DirectoryOption {
  readonly find: (ids: ReadonlyArray<string>) => Eventually<ReadonlyArray<DirectoryUser>>
  readonly findByAccount: (accounts: ReadonlyArray<string>) => Eventually<ReadonlyArray<DirectoryUser>>
  readonly list?: () => Eventually<ReadonlyArray<DirectoryUser>>
  readonly change?: (id: string, change: DirectoryUserChange) => Eventually<void>
  /** Seconds for which an answer is used; 60 by default. */
  readonly ttl?: number
  /** Milliseconds that one question may take; 5,000 by default. */
  readonly timeout?: number
}

/** The host's own sessions: who sends this request. See `Authenticator`. */
export type AuthenticateOption = (carried: RequestInfo) => Eventually<Identity>

/** Whose account and plain password these are. See `Authenticator`. */
export type VerifyPasswordOption = (account: string, password: string) => Eventually<Identity>

/** The host's own rules and records. See `Hooks`. */
export interface HooksOption {
  readonly before?: (command: HookedCommand, context: HookContext) => Eventually<Verdict | void>
  readonly after?: (command: HookedCommand, result: Result, context: HookContext) => Eventually<unknown>
  /** Milliseconds that one call may take; 5,000 by default. */
  readonly timeout?: number
}

/** What goes wrong in a host's function, at once or later, is its failure, and never a defect of the engine. */
const asked = <A>(ask: () => Eventually<A>): Effect.Effect<A, unknown> =>
  Effect.tryPromise({ try: async () => ask(), catch: (cause) => cause })

/** What is given may be an object of a class: its methods are called as such. */
export const directoryPort = (given: DirectoryOption): UserDirectory => {
  const { ttl, timeout } = given
  return {
    ...(ttl !== undefined && { ttl }),
    ...(timeout !== undefined && { timeout }),
    find: (ids) => asked(() => given.find(ids)),
    findByAccount: (accounts) => asked(() => given.findByAccount(accounts)),
    ...(given.list !== undefined && { list: asked(() => given.list?.() ?? []) }),
    ...(given.change !== undefined && { change: (id, what) => asked(() => given.change?.(id, what)) })
  }
}

export const authenticatorPort = (given: {
  readonly authenticate: AuthenticateOption | undefined
  readonly verifyPassword: VerifyPasswordOption | undefined
  readonly origins: Authenticator["origins"]
}): Authenticator => {
  const { authenticate, verifyPassword, origins } = given
  return {
    ...(origins !== undefined && { origins }),
    ...(authenticate !== undefined && { authenticate: (carried) => asked(() => authenticate(carried)) }),
    ...(verifyPassword !== undefined && {
      verifyPassword: (account, password) => asked(() => verifyPassword(account, password))
    })
  }
}

export const hooksPort = (given: HooksOption): Hooks => {
  const { timeout } = given
  return {
    ...(timeout !== undefined && { timeout }),
    ...(given.before !== undefined && {
      before: (command, context) =>
        Effect.map(
          asked<Verdict | void>(() => given.before?.(command, context)),
          (verdict) => verdict ?? undefined
        )
    }),
    ...(given.after !== undefined && {
      after: (command, result, context) => Effect.asVoid(asked(() => given.after?.(command, result, context)))
    })
  }
}
