/** Users: adding and changing them, as an operator or an embedder does. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Broadcaster } from "../delivery/Broadcaster.ts"
import { refuseOnStorageFailure as availableOr } from "../ports/StorageErrors.ts"
import { Credentials } from "../auth/Credentials.ts"
import { Engine } from "../engine/Engine.ts"
import type { DirectoryUserChange } from "../ports/UserDirectory.ts"
import { externalUsersRefusal } from "../cache/DirectoryUsers.ts"
import { Hub } from "../delivery/Hub.ts"
import { nextEphemeralId, type UserId } from "../model/Ids.ts"
import { Progress } from "../ports/Progress.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { enforceAccountName } from "../model/AccountName.ts"
import { newPasswordProblem } from "../rules/NewPassword.ts"
import { passwordLengthProblem } from "../rules/PasswordLength.ts"
import { Sessions } from "../auth/Sessions.ts"
import {
  newAccountProblem,
  type NewUser,
  type PresentUser,
  removal,
  type User,
  type UserChange
} from "../model/User.ts"

/** A user to add; what is absent is empty. */
export interface UserDraft {
  readonly account: string
  /** Absent for a user who cannot log in with a password. */
  readonly password?: string
  /**
   * In place of the password: what `Passwords` hashes to for `md5(password)` as 32 lower-case hex digits, in PHC form, made
   * elsewhere. It is stored as it is.
   */
  readonly passwordHash?: string
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
    /** Others are told of a new name; disabling is as `setDisabled`. An external directory is asked to do it. */
    readonly change: (account: string, change: DirectoryUserChange) => Effect.Effect<User, Refused>
    /**
     * Removes a user for good: sessions end, they leave every group, whose ownership passes on as when an owner leaves, and
     * nothing personal is kept (see `removal`). The account is free; their messages and direct chats stay, as those of a
     * removed user. When it fails half-way the user is logged out, and it can be done again.
     */
    readonly remove: (account: string) => Effect.Effect<void, Refused>
    /** A user of the external directory by the id there, who gets an integer id with it if they have none yet. */
    readonly byExternalId: (id: string) => Effect.Effect<User | undefined, Refused>
    /**
     * The external directory has changed users, by their ids there; all of them, where none is named. They are read
     * again, and those who are gone or disabled are logged out. Every node is to be told; without an external directory
     * it does nothing.
     */
    readonly invalidate: (ids?: ReadonlyArray<string>) => Effect.Effect<void, Refused>
  }
>()("@parley/core/Users") {
  static readonly layer: Layer.Layer<Users, never, Engine | Credentials | Hub | Broadcaster | Sessions> = Layer.effect(
    Users,
    Effect.gen(function* () {
      const { commit, context: desk, withHooks: hooked, perform } = yield* Engine
      const credentials = yield* Credentials
      const hub = yield* Hub
      const broadcast = yield* Broadcaster
      const sessions = yield* Sessions

      const available = availableOr("users")

      const named = Effect.fnUntraced(function* (account: string): Effect.fn.Return<User, Refused> {
        const [user] = yield* available(desk.users.resolve([account]))
        return user ?? (yield* refuse({ _tag: "NoSuchUsers", users: [account] }))
      })

      const { external } = desk.users

      const change = Effect.fnUntraced(function* (user: User, what: UserChange): Effect.fn.Return<User, Refused> {
        for (const [field, value] of Object.entries(what)) {
          if (typeof value !== "string" || value.isWellFormed()) continue
          return yield* refuse({ _tag: "Invalid", field, problem: "must be well-formed Unicode" })
        }
        // Who had the sessions may not know the new password.
        const endsSessions = what.disabled === true || what.password !== undefined
        if (external === undefined) {
          const write = { _tag: "ChangeUser", user: user.id, change: what } as const
          yield* endsSessions
            ? sessions.endAll(user.id, [write])
            : available(commit({ expectedVersions: [], writes: [write] }))
        } else {
          yield* external
            .change(user.id, what)
            .pipe(Effect.catchTag("StorageFailed", (failed) => available(Effect.fail(failed))))
          desk.users.change(user.id, what)
          if (endsSessions) yield* sessions.endAll(user.id)
        }
        const changed = (yield* available(desk.users.find(user.id))) ?? user
        tell(user, changed)
        return changed
      })

      /** Others hear of a new name. */
      const tell = (before: User | undefined, user: User): void => {
        if (before === undefined || before.realname === user.realname) return
        const event = {
          _tag: "UserEvent",
          id: nextEphemeralId(),
          what: "renamed",
          user: desk.presence.of(user)
        } as const
        broadcast([{ event, to: "everyone" }])
      }

      const changeNamed = (account: string, what: DirectoryUserChange): Effect.Effect<User, Refused> =>
        hooked(
          { _tag: "ChangeUser", account, change: what },
          Effect.flatMap(named(account), (user) => change(user, what))
        )

      /** The groups that the user is in. Nobody leaves a direct chat or a system chat. */
      const groupsOf = Effect.fnUntraced(function* (user: UserId) {
        const chats = yield* available(desk.store.chats(yield* available(desk.store.chatsOf(user))))
        return chats.filter(({ chat }) => chat.type !== "system" && chat.type !== "one2one").map(({ chat }) => chat.id)
      })

      const remove = Effect.fnUntraced(function* (account: string): Effect.fn.Return<void, Refused> {
        if (external !== undefined) return yield* externalUsersRefusal
        const { id } = yield* named(account)
        // Without a password and a session nobody comes into another group meanwhile.
        yield* change(yield* named(account), { password: null })
        for (const chat of yield* groupsOf(id)) {
          yield* perform({ user: id, device: null }, { _tag: "LeaveChat", chat: { id: chat } })
        }
        const user = yield* named(account)
        yield* available(commit({ expectedVersions: [], writes: [{ _tag: "SaveSettings", user: id, settings: "" }] }))
        yield* credentials.forgetAddresses(account)
        yield* change(user, removal(id))
      })

      const checkPassword = (password: string, account: string): Effect.Effect<void, Refused> => {
        const problem =
          passwordLengthProblem(password) ?? newPasswordProblem(password, account, desk.settings.passwordsMinimum)
        return problem === undefined ? Effect.void : refuse({ _tag: "Invalid", field: "password", problem })
      }

      const prepare = Effect.fnUntraced(function* (
        account: string,
        draft: UserDraft
      ): Effect.fn.Return<NewUser, Refused> {
        const { realname, avatar, role } = draft
        for (const [field, text] of Object.entries({ realname, avatar, role })) {
          if (text?.isWellFormed() !== false) continue
          return yield* refuse({ _tag: "Invalid", field, problem: "must be well-formed Unicode" })
        }
        if (draft.password !== undefined && draft.passwordHash !== undefined) {
          return yield* refuse({
            _tag: "Invalid",
            field: "passwordHash",
            problem: "must not be there beside a password"
          })
        }
        return {
          account,
          realname: draft.realname ?? account,
          avatar: draft.avatar ?? "",
          role: draft.role ?? "",
          dept: draft.dept ?? 0,
          admin: draft.admin ?? false,
          organisation: draft.organisation ?? null,
          disabled: false,
          createdAt: yield* Clock.currentTimeMillis,
          password:
            draft.passwordHash ?? (draft.password === undefined ? null : yield* credentials.hash(draft.password))
        }
      })

      /**
       * Accounts by the form that they would have as new ones. Only accounts that are older than this rule have another
       * one, so they are looked for once.
       */
      let irregularAccounts: ReadonlyMap<string, string> | undefined
      const irregular = Effect.suspend(() =>
        irregularAccounts === undefined
          ? Effect.map(desk.users.all, (users) => {
              const found = users.flatMap(({ account }): ReadonlyArray<readonly [string, string]> => {
                const form = enforceAccountName(account)
                return form === undefined || form === account ? [] : [[form, account]]
              })
              return (irregularAccounts = new Map(found))
            })
          : Effect.succeed(irregularAccounts)
      )

      const add = Effect.fnUntraced(function* (
        drafts: ReadonlyArray<UserDraft>
      ): Effect.fn.Return<ReadonlyArray<User>, Refused> {
        if (external !== undefined && drafts.length > 0) return yield* externalUsersRefusal
        const accounts = new Map<string, UserDraft>()
        for (const draft of drafts) {
          const problem = newAccountProblem(draft.account, desk.settings.account)
          if (problem !== undefined) return yield* refuse({ _tag: "Invalid", field: "account", problem })
          const account = enforceAccountName(draft.account) ?? draft.account
          if (accounts.has(account)) return yield* refuse({ _tag: "AccountTaken", account })
          accounts.set(account, draft)
        }
        const there = yield* available(desk.users.resolve([...accounts.keys()]))
        const older = drafts.length === 0 ? new Map<string, string>() : yield* available(irregular)
        for (const [index, account] of [...accounts.keys()].entries()) {
          const taken = there[index]?.account ?? older.get(account)
          if (taken !== undefined) return yield* refuse({ _tag: "AccountTaken", account: taken })
        }
        // All of them before the first is hashed, which is slow.
        for (const [account, { password }] of accounts) {
          if (password !== undefined) yield* checkPassword(password, account)
        }
        const report = yield* Progress
        let done = 0
        const prepared = Effect.fnUntraced(function* ([account, draft]: readonly [string, UserDraft]) {
          const user = yield* prepare(account, draft)
          report(++done, drafts.length)
          return user
        })
        const users = yield* Effect.forEach(accounts, prepared, { concurrency: HASHING })
        const written = yield* commit({
          expectedVersions: [],
          writes: users.map((user) => ({ _tag: "CreateUser", user }))
        }).pipe(
          Effect.catchTag("Duplicate", (found) => refuse({ _tag: "AccountTaken", account: found.account ?? "" })),
          Effect.catchTags({
            VersionConflict: () => refuse({ _tag: "Busy" }),
            StorageFailed: (failed) => available(Effect.fail(failed))
          })
        )
        return written.flatMap((one) => (one._tag === "User" ? [one.user] : []))
      })

      return Users.of({
        add: (drafts) => hooked({ _tag: "AddUsers", accounts: drafts.map(({ account }) => account) }, add(drafts)),
        list: Effect.map(available(desk.users.all), (users) => users.map((user) => desk.presence.of(user))),
        byAccount: (account) => Effect.map(available(desk.users.resolve([account])), ([user]) => user),
        byId: (id) => available(desk.users.find(id)),
        setPassword: (account, password) =>
          hooked(
            { _tag: "SetPassword", account },
            Effect.gen(function* () {
              if (external !== undefined) return yield* externalUsersRefusal
              const user = yield* named(account)
              yield* checkPassword(password, user.account)
              return yield* change(user, { password: yield* credentials.hash(password) })
            })
          ),
        setDisabled: (account, disabled) => changeNamed(account, { disabled }),
        change: changeNamed,
        remove: (account) => hooked({ _tag: "RemoveUser", account }, remove(account)),
        byExternalId: (id) => Effect.map(available(desk.users.byExternalId([id])), ([user]) => user),
        invalidate: Effect.fnUntraced(function* (ids) {
          if (external === undefined) return
          if (ids === undefined) external.clearMissing()
          const changed = ids === undefined ? undefined : yield* available(external.idsOf(ids))
          desk.users.invalidate(changed)
          const wanted = changed ?? [...new Set(hub.allSessions().flatMap(({ user }) => user?.id ?? []))]
          const before = new Map(wanted.map((id) => [id, desk.users.getCached(id)]))
          const there = new Map((yield* available(desk.users.findMany(wanted))).map((user) => [user.id, user]))
          for (const id of wanted) {
            const user = there.get(id)
            if (user !== undefined) tell(before.get(id), user)
            if (user === undefined || user.disabled) yield* sessions.endAll(id)
          }
        })
      })
    })
  )
}
