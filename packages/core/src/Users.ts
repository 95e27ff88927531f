/** Users: adding and changing them, as an operator or an embedder does. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { available as availableOr } from "./Availability.ts"
import { Credentials } from "./Credentials.ts"
import { Engine } from "./Engine.ts"
import type { UserId } from "./Ids.ts"
import { type Refused, refuse } from "./Refused.ts"
import { Sessions } from "./Sessions.ts"
import { accountProblem, type NewUser, type PresentUser, type User, type UserChange } from "./User.ts"

/** A user to add; what is absent is empty. */
export interface UserDraft {
  readonly account: string
  /** Absent for a user who cannot log in with a password. */
  readonly password?: string
  /** The account, if absent. */
  readonly realname?: string
  readonly avatar?: string
  readonly role?: string
  readonly dept?: number
  readonly admin?: boolean
  readonly organisation?: number | null
}

/** Password hashes computed side by side. */
const HASHING = 4

export class Users extends Context.Service<
  Users,
  {
    /** Adds all of them, or none. */
    readonly add: (drafts: ReadonlyArray<UserDraft>) => Effect.Effect<ReadonlyArray<User>, Refused>
    /** Everybody, by id, with who is here. */
    readonly list: Effect.Effect<ReadonlyArray<PresentUser>, Refused>
    readonly byAccount: (account: string) => Effect.Effect<User | undefined, Refused>
    readonly byId: (id: UserId) => Effect.Effect<User | undefined, Refused>
    /** Ends the user's sessions, since who had them may not know the new one. */
    readonly setPassword: (account: string, password: string) => Effect.Effect<User, Refused>
    /** A disabled user's sessions end, and their connections are closed. */
    readonly setDisabled: (account: string, disabled: boolean) => Effect.Effect<User, Refused>
  }
>()("@parley/core/Users") {
  static readonly layer: Layer.Layer<Users, never, Engine | Credentials | Sessions> = Layer.effect(
    Users,
    Effect.gen(function* () {
      const { commit, desk } = yield* Engine
      const credentials = yield* Credentials
      const sessions = yield* Sessions

      const available = availableOr("users")

      const named = Effect.fnUntraced(function* (account: string): Effect.fn.Return<User, Refused> {
        const [user] = yield* available(desk.users.byAccount([account]))
        return user ?? (yield* refuse({ _tag: "NoSuchUsers", users: [account] }))
      })

      const change = Effect.fnUntraced(function* (user: User, what: UserChange): Effect.fn.Return<User, Refused> {
        yield* available(commit({ relies: [], writes: [{ _tag: "ChangeUser", user: user.id, change: what }] }))
        return (yield* available(desk.users.find(user.id))) ?? user
      })

      const prepare = Effect.fnUntraced(function* (draft: UserDraft): Effect.fn.Return<NewUser, Refused> {
        const problem = accountProblem(draft.account)
        if (problem !== undefined) return yield* refuse({ _tag: "Invalid", field: "account", problem })
        if (draft.password === "") {
          return yield* refuse({ _tag: "Invalid", field: "password", problem: "must not be empty" })
        }
        return {
          account: draft.account,
          realname: draft.realname ?? draft.account,
          avatar: draft.avatar ?? "",
          role: draft.role ?? "",
          dept: draft.dept ?? 0,
          admin: draft.admin ?? false,
          organisation: draft.organisation ?? null,
          disabled: false,
          createdAt: yield* Clock.currentTimeMillis,
          password: draft.password === undefined ? null : yield* credentials.hash(draft.password)
        }
      })

      return Users.of({
        add: Effect.fnUntraced(function* (drafts) {
          const accounts = new Set<string>()
          for (const { account } of drafts) {
            if (accounts.has(account)) return yield* refuse({ _tag: "AccountTaken", account })
            accounts.add(account)
          }
          const [taken] = yield* available(desk.users.byAccount([...accounts]))
          if (taken !== undefined) return yield* refuse({ _tag: "AccountTaken", account: taken.account })
          const users = yield* Effect.forEach(drafts, prepare, { concurrency: HASHING })
          const written = yield* commit({
            relies: [],
            writes: users.map((user) => ({ _tag: "CreateUser", user }))
          }).pipe(
            Effect.catchTag("Duplicate", (found) => refuse({ _tag: "AccountTaken", account: found.account ?? "" })),
            Effect.catchTags({
              Stale: () => refuse({ _tag: "Busy" }),
              StorageFailed: (failed) => available(Effect.fail(failed))
            })
          )
          return written.flatMap((one) => (one._tag === "User" ? [one.user] : []))
        }),
        list: Effect.map(available(desk.users.all), (users) => users.map((user) => desk.presence.of(user))),
        byAccount: (account) => Effect.map(available(desk.users.byAccount([account])), ([user]) => user),
        byId: (id) => available(desk.users.find(id)),
        setPassword: Effect.fnUntraced(function* (account, password) {
          if (password === "") {
            return yield* refuse({ _tag: "Invalid", field: "password", problem: "must not be empty" })
          }
          const user = yield* change(yield* named(account), { password: yield* credentials.hash(password) })
          yield* sessions.endAll(user.id)
          return user
        }),
        setDisabled: Effect.fnUntraced(function* (account, disabled) {
          const user = yield* change(yield* named(account), { disabled })
          if (disabled) yield* sessions.endAll(user.id)
          return user
        })
      })
    })
  )
}
