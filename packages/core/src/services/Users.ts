/** Adds, changes and removes users, for operators and embedders. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Broadcaster } from "../delivery/Broadcaster.ts"
import { refuseOnStorageFailure } from "../ports/StorageErrors.ts"
import { Credentials } from "../auth/Credentials.ts"
import { Engine } from "../engine/Engine.ts"
import type { DirectoryUserChange } from "../ports/UserDirectory.ts"
import { externalUsersRefusal } from "../cache/DirectoryUsers.ts"
import { Hub } from "../delivery/Hub.ts"
import { invalidateUsers, reconnectMoved } from "../nodes/RemoteUsers.ts"
import { nextEphemeralId, type UserId } from "../model/Ids.ts"
import { Progress } from "../ports/Progress.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { enforceAccountName } from "../model/AccountName.ts"
import { newPasswordProblem } from "../rules/NewPassword.ts"
import { passwordLengthProblem } from "../rules/PasswordLength.ts"
import type { Write } from "../ports/Store.ts"
import { Sessions } from "../auth/Sessions.ts"
import {
  newAccountProblem,
  type NewUser,
  type PresentUser,
  removal,
  type User,
  type UserChange
} from "../model/User.ts"

/** A user to add; absent fields are empty. */
export interface UserDraft {
  /** Unique; see `User.account`. */
  readonly account: string
  /** Absent for a user who cannot log in with a password. */
  readonly password?: string
  /**
   * Alternative to the password: a hash by `Passwords` of `md5(password)` as 32 lower-case hex digits, in PHC form,
   * computed elsewhere. Stored unchanged.
   */
  readonly passwordHash?: string
  /** The account if absent. */
  readonly realname?: string
  /** URL of a picture; "" if absent. */
  readonly avatar?: string
  /** Role in the organisation, as text; "" if absent. */
  readonly role?: string
  /** Id of the department; 0 if absent. */
  readonly dept?: number
  /** Whether the user is a system administrator. Default: false. */
  readonly admin?: boolean
  /** Id of the organisation; null or absent for none. */
  readonly organisation?: number | null
  /** A disabled user cannot log in. */
  readonly disabled?: boolean
}

/** Number of concurrent password hashes. */
const HASH_CONCURRENCY = 4

/** Manages users, for operators and embedders. */
export class Users extends Context.Service<
  Users,
  {
    /** Adds all users, or none, and commits `writes` with them: records of a protocol. */
    readonly add: (
      drafts: ReadonlyArray<UserDraft>,
      writes?: ReadonlyArray<Write>
    ) => Effect.Effect<ReadonlyArray<User>, Refused>
    /** All users by id, with their status. */
    readonly list: Effect.Effect<ReadonlyArray<PresentUser>, Refused>
    /** Returns the user with this account, or undefined. */
    readonly byAccount: (account: string) => Effect.Effect<User | undefined, Refused>
    /** Returns the user with this id, or undefined. */
    readonly byId: (id: UserId) => Effect.Effect<User | undefined, Refused>
    /** Ends the user's sessions, since the new password may be secret from their holders. */
    readonly setPassword: (account: string, password: string) => Effect.Effect<User, Refused>
    /** Ends a disabled user's sessions, and closes their connections. */
    readonly setDisabled: (account: string, disabled: boolean) => Effect.Effect<User, Refused>
    /**
     * Changes a user; other users are notified of a new name, and `disabled` acts as `setDisabled`. With an external
     * directory, applied there. `writes` are committed with the change: records of a protocol. Refused with `Busy` if
     * one of them conflicts, and with an external directory.
     */
    readonly change: (
      account: string,
      change: DirectoryUserChange,
      writes?: ReadonlyArray<Write>
    ) => Effect.Effect<User, Refused>
    /**
     * Removes a user permanently: sessions end, they leave every group, whose ownership passes on as when an owner
     * leaves, and personal data is removed (see `removal`), with protocols' records of the user
     * (`CommandContext.userRecords`). The account becomes free; their messages and direct chats
     * stay, as those of a removed user. If it fails half-way the user is logged out, and it can be repeated.
     */
    readonly remove: (account: string) => Effect.Effect<void, Refused>
    /** Returns a user of the external directory by external id, allocating an integer id if they have none yet. */
    readonly byExternalId: (id: string) => Effect.Effect<User | undefined, Refused>
    /**
     * Invalidates users that the external directory has changed, by external id, or all users. They are loaded again,
     * and removed or disabled ones are logged out, on all nodes that share the store. Without an external directory it
     * does nothing.
     */
    readonly invalidate: (ids?: ReadonlyArray<string>) => Effect.Effect<void, Refused>
  }
>()("@parley/core/Users") {
  /** The service, on the engine and the store of the same scope. */
  static readonly layer: Layer.Layer<Users, never, Engine | Credentials | Hub | Broadcaster | Sessions> = Layer.effect(
    Users,
    Effect.gen(function* () {
      const { commit, context, withHooks, perform } = yield* Engine
      const credentials = yield* Credentials
      const hub = yield* Hub
      const broadcast = yield* Broadcaster
      const sessions = yield* Sessions

      const orUnavailable = refuseOnStorageFailure("users")

      const findNamed = Effect.fnUntraced(function* (account: string): Effect.fn.Return<User, Refused> {
        const [user] = yield* orUnavailable(context.users.resolve([account]))
        return user ?? (yield* refuse({ _tag: "NoSuchUsers", users: [account] }))
      })

      const { external } = context.users

      const commitOrRefuse = (writes: ReadonlyArray<Write>) =>
        commit({ expectedVersions: [], writes }).pipe(
          Effect.catchTag("VersionConflict", () => refuse({ _tag: "Busy" })),
          Effect.catchTags({
            Duplicate: (failed) => orUnavailable(Effect.fail(failed)),
            StorageFailed: (failed) => orUnavailable(Effect.fail(failed))
          })
        )

      const change = Effect.fnUntraced(function* (
        user: User,
        what: UserChange,
        writes: ReadonlyArray<Write> = []
      ): Effect.fn.Return<User, Refused> {
        if (external !== undefined && writes.length > 0) return yield* externalUsersRefusal
        for (const [field, value] of Object.entries(what)) {
          if (typeof value !== "string" || value.isWellFormed()) continue
          return yield* refuse({ _tag: "Invalid", field, problem: "must be well-formed Unicode" })
        }
        // The new password may be secret from holders of the sessions.
        const endsSessions = what.disabled === true || what.password !== undefined
        if (external === undefined) {
          const all = [{ _tag: "ChangeUser", user: user.id, change: what } as const, ...writes]
          yield* endsSessions ? sessions.endAll(user.id, all) : commitOrRefuse(all)
        } else {
          yield* external
            .change(user.id, what)
            .pipe(Effect.catchTag("StorageFailed", (failed) => orUnavailable(Effect.fail(failed))))
          context.users.change(user.id, what)
          if (endsSessions) yield* sessions.endAll(user.id)
        }
        const changed = (yield* orUnavailable(context.users.find(user.id))) ?? user
        announceRename(user, changed)
        reconnectMoved(context, hub, user, changed)
        return changed
      })

      /** Notifies others of a new name. */
      const announceRename = (before: User | undefined, user: User): void => {
        if (before === undefined || before.realname === user.realname) return
        const event = {
          _tag: "UserEvent",
          id: nextEphemeralId(),
          what: "renamed",
          user: context.presence.of(user)
        } as const
        broadcast([{ event, to: "everyone" }])
      }

      const changeNamed = (
        account: string,
        what: DirectoryUserChange,
        writes?: ReadonlyArray<Write>
      ): Effect.Effect<User, Refused> =>
        withHooks(
          { _tag: "ChangeUser", account, change: what },
          Effect.flatMap(findNamed(account), (user) => change(user, what, writes))
        )

      /** Returns the groups of the user. Direct chats and system chats cannot be left. */
      const groupsOf = Effect.fnUntraced(function* (user: UserId) {
        const chats = yield* orUnavailable(context.store.chats(yield* orUnavailable(context.store.chatsOf(user))))
        return chats.filter(({ chat }) => chat.type !== "system" && chat.type !== "one2one").map(({ chat }) => chat.id)
      })

      const remove = Effect.fnUntraced(function* (account: string): Effect.fn.Return<void, Refused> {
        if (external !== undefined) return yield* externalUsersRefusal
        const { id } = yield* findNamed(account)
        // Without a password and sessions, the user cannot join another group meanwhile.
        yield* change(yield* findNamed(account), { password: null })
        for (const chat of yield* groupsOf(id)) {
          yield* perform({ user: id, device: null }, { _tag: "LeaveChat", chat: { id: chat } })
        }
        const user = yield* findNamed(account)
        const records = context.userRecords.map((of): Write => ({
          _tag: "PutRecord",
          record: { ...of, key: user.account, value: null }
        }))
        yield* orUnavailable(
          commit({ expectedVersions: [], writes: [{ _tag: "SaveSettings", user: id, settings: "" }, ...records] })
        )
        yield* credentials.forgetAddresses(account)
        yield* change(user, removal(id))
      })

      const checkPassword = (password: string, account: string): Effect.Effect<void, Refused> => {
        const problem =
          passwordLengthProblem(password) ?? newPasswordProblem(password, account, context.settings.passwordsMinimum)
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
            problem: "must not be combined with a password"
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
          disabled: draft.disabled ?? false,
          createdAt: yield* Clock.currentTimeMillis,
          password:
            draft.passwordHash ?? (draft.password === undefined ? null : yield* credentials.hash(draft.password))
        }
      })

      /**
       * Existing accounts by the form that they would have as new ones. Only accounts older than this rule have a
       * different one, so they are searched once.
       */
      let irregularAccounts: ReadonlyMap<string, string> | undefined
      const irregular = Effect.suspend(() =>
        irregularAccounts === undefined
          ? Effect.map(context.users.all, (users) => {
              const found = users.flatMap(({ account }): ReadonlyArray<readonly [string, string]> => {
                const form = enforceAccountName(account)
                return form === undefined || form === account ? [] : [[form, account]]
              })
              return (irregularAccounts = new Map(found))
            })
          : Effect.succeed(irregularAccounts)
      )

      const add = Effect.fnUntraced(function* (
        drafts: ReadonlyArray<UserDraft>,
        writes: ReadonlyArray<Write>
      ): Effect.fn.Return<ReadonlyArray<User>, Refused> {
        if (external !== undefined && drafts.length > 0) return yield* externalUsersRefusal
        const accounts = new Map<string, UserDraft>()
        for (const draft of drafts) {
          const problem = newAccountProblem(draft.account, context.settings.account)
          if (problem !== undefined) return yield* refuse({ _tag: "Invalid", field: "account", problem })
          const account = enforceAccountName(draft.account) ?? draft.account
          if (accounts.has(account)) return yield* refuse({ _tag: "AccountTaken", account })
          accounts.set(account, draft)
        }
        const existing = yield* orUnavailable(context.users.resolve([...accounts.keys()]))
        const irregularForms = drafts.length === 0 ? new Map<string, string>() : yield* orUnavailable(irregular)
        for (const [index, account] of [...accounts.keys()].entries()) {
          const taken = existing[index]?.account ?? irregularForms.get(account)
          if (taken !== undefined) return yield* refuse({ _tag: "AccountTaken", account: taken })
        }
        // All passwords are checked before the slow hashing begins.
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
        const users = yield* Effect.forEach(accounts, prepared, { concurrency: HASH_CONCURRENCY })
        const written = yield* commit({
          expectedVersions: [],
          writes: [...users.map((user) => ({ _tag: "CreateUser", user }) as const), ...writes]
        }).pipe(
          Effect.catchTag("Duplicate", (found) => refuse({ _tag: "AccountTaken", account: found.account ?? "" })),
          Effect.catchTags({
            VersionConflict: () => refuse({ _tag: "Busy" }),
            StorageFailed: (failed) => orUnavailable(Effect.fail(failed))
          })
        )
        return written.flatMap((one) => (one._tag === "User" ? [one.user] : []))
      })

      return Users.of({
        add: (drafts, writes = []) =>
          withHooks({ _tag: "AddUsers", accounts: drafts.map(({ account }) => account) }, add(drafts, writes)),
        list: Effect.map(orUnavailable(context.users.all), (users) => users.map((user) => context.presence.of(user))),
        byAccount: (account) => Effect.map(orUnavailable(context.users.resolve([account])), ([user]) => user),
        byId: (id) => orUnavailable(context.users.find(id)),
        setPassword: (account, password) =>
          withHooks(
            { _tag: "SetPassword", account },
            Effect.gen(function* () {
              if (external !== undefined) return yield* externalUsersRefusal
              const user = yield* findNamed(account)
              yield* checkPassword(password, user.account)
              return yield* change(user, { password: yield* credentials.hash(password) })
            })
          ),
        setDisabled: (account, disabled) => changeNamed(account, { disabled }),
        change: changeNamed,
        remove: (account) => withHooks({ _tag: "RemoveUser", account }, remove(account)),
        byExternalId: (id) => Effect.map(orUnavailable(context.users.byExternalId([id])), ([user]) => user),
        invalidate: (ids) => {
          const work = invalidateUsers(context, hub, sessions, ids, (before, user) => {
            announceRename(before, user)
            reconnectMoved(context, hub, before, user)
          })
          if (external === undefined || hub.nodes === undefined) return work
          const change = { _tag: "DirectoryChanged", ids: ids ?? null } as const
          const note = commit({ expectedVersions: [], writes: [{ _tag: "NoteChange", change }] })
          return Effect.andThen(work, orUnavailable(note))
        }
      })
    })
  )
}
