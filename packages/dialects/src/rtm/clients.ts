/**
 * Client ids. A client id is the account of a user. A client id that no user has becomes a user, who has no password and
 * belongs to the app.
 */
import { refuseOnStorageFailure } from "@parley/core/StorageErrors"
import type { Engine } from "@parley/core/Engine"
import type { Refused } from "@parley/core/Refused"
import type { Store } from "@parley/core/Store"
import { newAccountProblem, type User } from "@parley/core/User"
import type { Users } from "@parley/core/Users"
import * as Effect from "effect/Effect"
import { type App, DIALECT } from "./apps.ts"
import { Code, type Failure, fail } from "./errors.ts"

/** Kind of the records that name the app of a user, by account. */
export const CLIENT = "client"

export interface Clients {
  /**
   * Returns the user whom a client of the app may be, and creates one for a new client id. Fails with 4103 for an id that
   * cannot be an account, and for a user of others.
   */
  readonly authorize: (appId: string, app: App, clientId: string) => Effect.Effect<User, Failure | Refused>
  /** Whether a client of the app may be this user, who exists. */
  readonly mayBe: (appId: string, app: App, user: User) => Effect.Effect<boolean, Refused>
  /** Returns the users who were created for client ids of the app. */
  readonly ofApp: (appId: string) => Effect.Effect<ReadonlyArray<User>, Refused>
  /** Returns the users with these client ids, in their order, and creates those of new ones. */
  readonly resolve: (
    appId: string,
    clientIds: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyArray<User>, Failure | Refused>
}

interface ClientDeps {
  readonly engine: Engine["Service"]
  readonly store: Store["Service"]
  readonly users: Users["Service"]
}

/** Attempts at creating users, while others create some of them. */
const MAX_ATTEMPTS = 3

const orUnavailable = refuseOnStorageFailure("users")

export const makeClients = ({ engine, store, users }: ClientDeps): Clients => {
  const { context } = engine
  context.userRecords.push({ dialect: DIALECT, kind: CLIENT })

  const create = (appId: string, clientIds: ReadonlyArray<string>): Effect.Effect<void, Failure | Refused> => {
    for (const clientId of clientIds) {
      const problem = newAccountProblem(clientId, context.settings.account)
      if (problem !== undefined) return fail(Code.invalidLogin, `The client id ${problem}.`)
    }
    return users
      .add(
        clientIds.map((account) => ({ account })),
        clientIds.map((key) => ({
          _tag: "PutRecord",
          record: { dialect: DIALECT, kind: CLIENT, key, value: { app: appId } }
        }))
      )
      .pipe(
        Effect.asVoid,
        // Created concurrently: found by the next lookup.
        Effect.catchTag("Refused", (refused) =>
          refused.reason._tag === "AccountTaken" ? Effect.void : Effect.fail(refused)
        )
      )
  }

  const find = (clientIds: ReadonlyArray<string>) => orUnavailable(context.users.resolve(clientIds))

  const resolve: Clients["resolve"] = Effect.fnUntraced(function* (appId, clientIds) {
    const unique = [...new Set(clientIds)]
    for (let attempt = 1; ; attempt++) {
      const found = yield* find(unique)
      const missing = unique.filter((_, index) => found[index] === undefined)
      const [first] = missing
      if (first === undefined) return found.flatMap((user) => (user === undefined ? [] : [user]))
      if (attempt > MAX_ATTEMPTS)
        return yield* fail(Code.invalidLogin, `The client id ${first} is taken in another form.`)
      yield* create(appId, missing)
    }
  })

  const appOf = (value: unknown): unknown => (value as { readonly app?: unknown } | undefined)?.app

  const mayBe: Clients["mayBe"] = Effect.fnUntraced(function* (appId, { accounts }, user) {
    if (user.disabled) return false
    if (accounts === "all") return true
    const record = yield* orUnavailable(store.record(DIALECT, CLIENT, user.account))
    return appOf(record?.value) === appId
  })

  return {
    resolve,
    mayBe,
    ofApp: Effect.fnUntraced(function* (appId) {
      const records = yield* orUnavailable(store.records(DIALECT, CLIENT))
      const own = records.filter(({ value }) => appOf(value) === appId).map(({ key }) => key)
      return (yield* find(own)).flatMap((user) => (user === undefined ? [] : [user]))
    }),
    authorize: Effect.fnUntraced(function* (appId, app, clientId) {
      const [user] = yield* resolve(appId, [clientId])
      if (user === undefined || user.disabled) return yield* fail(Code.invalidLogin, "The client id is disabled.")
      if (yield* mayBe(appId, app, user)) return user
      return yield* fail(
        Code.invalidLogin,
        "The client id belongs to a user of this server that is not one of the app."
      )
    })
  }
}
