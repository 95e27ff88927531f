/**
 * Read-through cache of users by id and by account. Every change goes through `put`, so it is never behind a change of
 * this process. Users of an external directory are refreshed when they expire; if that fails, the cached ones stay in
 * use.
 */
import * as Effect from "effect/Effect"
import { logThrottled } from "../logging/LogThrottle.ts"
import { BoundedMap } from "./BoundedMap.ts"
import { DirectoryUsers } from "./DirectoryUsers.ts"
import { FenceState } from "../ports/Fence.ts"
import type { UserId } from "../model/Ids.ts"
import { accountForms } from "../model/AccountName.ts"
import type { StorageFailed, Store } from "../ports/Store.ts"
import { isRemoved, type User, type UserChange } from "../model/User.ts"
import { UserFreshness } from "./UserFreshness.ts"
import { UserList } from "./UserList.ts"

/** Maximum number of users in memory; beyond it the least recently used one is dropped. */
const MAX_USERS = 200_000

/** Source of users: the store, or an external directory. */
export type UserSource = Pick<Store["Service"], "users" | "usersByAccount" | "allUsers">

const isSame = (a: User, b: User): boolean =>
  Object.entries(b).every(([name, value]) => a[name as keyof User] === value)

/** Cache of users: of the store, or of an external directory. */
export class UserCache {
  readonly #source: UserSource
  /** Set if users come from an external directory. */
  readonly external: DirectoryUsers | undefined
  readonly #users = new BoundedMap<UserId, User>(MAX_USERS, (user) => this.#onDropped(user))
  readonly #byAccount = new Map<string, UserId>()
  readonly #freshness: UserFreshness
  readonly #list: UserList
  readonly #onAdded: (user: User) => void
  readonly #fence: FenceState

  /**
   * `onAdded` is called with each user created meanwhile, once the list of all users has them. While the node is fenced, nothing
   * is fresh.
   */
  constructor(
    source: Store["Service"] | DirectoryUsers,
    onAdded: (user: User) => void = () => {},
    fence: FenceState = new FenceState()
  ) {
    this.#source = source
    this.#onAdded = onAdded
    this.#fence = fence
    this.external = source instanceof DirectoryUsers ? source : undefined
    this.#freshness = new UserFreshness(this.external)
    this.#list = new UserList(source, this.#freshness, fence, (user, generation) => this.#merge(user, generation))
    this.all = this.#list.all
  }

  /** Returns the user from memory, even if expired. */
  getCached(id: UserId): User | undefined {
    return this.#users.get(id)
  }

  /** Returns the user from memory, even if expired, without marking them as used; also from the list of all users. */
  peek(id: UserId): User | undefined {
    return this.#users.peek(id) ?? this.#list.find(id)
  }

  /** Returns the user from memory, unless expired. */
  getFresh(id: UserId): User | undefined {
    const user = this.#users.get(id)
    return user === undefined || this.#isExpired(id) ? undefined : user
  }

  /** Returns the user with this id from memory, otherwise from storage. */
  readonly find: (id: UserId) => Effect.Effect<User | undefined, StorageFailed> = (id) => {
    const cached = this.getFresh(id)
    return cached !== undefined ? Effect.succeed(cached) : Effect.map(this.findMany([id]), ([user]) => user)
  }

  /** Returns the existing users, in the order of `ids`. */
  readonly findMany: (ids: ReadonlyArray<UserId>) => Effect.Effect<ReadonlyArray<User>, StorageFailed> = (ids) => {
    const cached = new Map<UserId, User>()
    const missing: Array<UserId> = []
    for (const id of ids) {
      const user = this.getFresh(id)
      if (user === undefined) missing.push(id)
      else cached.set(id, user)
    }
    if (missing.length === 0) return Effect.succeed(ids.flatMap((id) => cached.get(id) ?? []))
    const before = missing.map((id) => this.#users.get(id))
    return this.#refresh(missing, this.#source.users(missing), before).pipe(
      Effect.map(({ users, generation }) => {
        for (const user of users) cached.set(user.id, this.#merge(user, generation))
        for (const id of missing) if (!cached.has(id)) this.#drop(id, generation)
        return ids.flatMap((id) => cached.get(id) ?? [])
      })
    )
  }

  /** Returns the users who exist and were not removed, in the order of the accounts. */
  readonly byAccount: (accounts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<User>, StorageFailed> = (
    named
  ) => {
    const accounts = named.filter((account) => !isRemoved({ account }))
    const found = new Map<string, User>()
    const missing: Array<string> = []
    for (const account of accounts) {
      const user = this.#cachedByAccount(account)
      if (user === undefined || this.#isExpired(user.id)) missing.push(account)
      else found.set(account, user)
    }
    if (missing.length === 0) return Effect.succeed(accounts.flatMap((account) => found.get(account) ?? []))
    const before = missing.map((account) => this.#cachedByAccount(account))
    const expired = before.flatMap((user) => user?.id ?? [])
    return this.#refresh(expired, this.#source.usersByAccount(missing), before).pipe(
      Effect.map(({ users, generation }) => {
        for (const one of users) {
          const user = this.#merge(one, generation)
          found.set(user.account, user)
        }
        return accounts.flatMap((account) => found.get(account) ?? [])
      })
    )
  }

  /**
   * Returns the user of each account, even if it is written in a different form from the user's own (`accountForms`).
   */
  readonly resolve: (accounts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<User | undefined>, StorageFailed> =
    (accounts) => {
      const forms = accounts.map(accountForms)
      return Effect.map(this.byAccount([...new Set(forms.flat())]), (users) => {
        const found = new Map(users.map((user) => [user.account, user]))
        return forms.map((ofAccount) => found.get(ofAccount.find((form) => found.has(form)) ?? ""))
      })
    }

  /** Returns the existing users of an external directory by external id, in the order of `ids`. */
  readonly byExternalId: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<User>, StorageFailed> = (ids) => {
    const { external } = this
    if (external === undefined) return Effect.succeed([])
    const found = new Map<string, User>()
    const missing: Array<string> = []
    for (const id of ids) {
      const mapping = external.mappingOf(id)
      const user = mapping === undefined ? undefined : this.getFresh(mapping.id)
      if (user === undefined) missing.push(id)
      else found.set(id, user)
    }
    if (missing.length === 0) return Effect.succeed(ids.flatMap((id) => found.get(id) ?? []))
    const before = missing.map((id) => {
      const mapping = external.mappingOf(id)
      return mapping === undefined ? undefined : this.#users.get(mapping.id)
    })
    const expired = before.flatMap((user) => user?.id ?? [])
    return this.#refresh(expired, external.usersByExternalId(missing), before).pipe(
      Effect.map(({ users, generation }) => {
        for (const user of users) found.set(external.externalIdOf(user.id) ?? "", this.#merge(user, generation))
        return ids.flatMap((id) => found.get(id) ?? [])
      })
    )
  }

  /** All users, by id, without removed ones. */
  readonly all: Effect.Effect<ReadonlyArray<User>, StorageFailed>

  /**
   * Returns the users of a recently loaded list as cached now: the same array as `all`, as long as no user has changed.
   */
  current(users: ReadonlyArray<User>): ReadonlyArray<User> {
    return this.#list.users ?? users.map((user) => this.#users.peek(user.id) ?? user)
  }

  /** Returns all users in memory, by id. */
  cached(): ReadonlyArray<User> {
    return (
      this.#list.users ??
      this.#users
        .values()
        .filter((user) => !isRemoved(user))
        .sort((a, b) => a.id - b.id)
    )
  }

  /** Number of users in memory. */
  get size(): number {
    return this.#list.size ?? this.#users.size
  }

  /** Stores a user that was just created. */
  add(user: User): void {
    this.put(user)
    this.#onAdded(user)
  }

  /** Stores a user whom another node has created or changed. */
  putRemote(user: User): void {
    if (this.#list.lacks(user.id) && !isRemoved(user)) this.add(user)
    else this.put(user)
  }

  /** Stores a user that was just created or changed. */
  put(user: User): void {
    this.#list.put(user)
    this.#set(user, this.#freshness.nextGeneration())
  }

  /** Applies a change that was just committed; a user who is not cached is loaded on demand. */
  change(id: UserId, change: UserChange): void {
    const user = this.#users.get(id) ?? this.#list.find(id)
    if (user === undefined) return
    const { password: _password, ...next } = { ...user, ...change }
    this.put(next)
  }

  /** Drops all users: changes by other nodes were missed. */
  clear(): void {
    this.#list.clear()
    this.#freshness.clear()
    this.#users.clear()
    this.#byAccount.clear()
  }

  /** Drops a user whom another node has changed: the next use loads them again. */
  forget(id: UserId): void {
    const user = this.#users.peek(id)
    if (user === undefined) return
    this.#users.delete(id)
    this.#onDropped(user)
  }

  /** Marks these users as expired, or all users if none are given. */
  invalidate(ids?: ReadonlyArray<UserId>): void {
    this.#list.clear()
    this.#freshness.invalidate(ids?.filter((id) => this.#users.has(id)) ?? this.#users.keys())
  }

  /** Returns the user last seen under this account, if it is still theirs. */
  #cachedByAccount(account: string): User | undefined {
    const id = this.#byAccount.get(account)
    const user = id === undefined ? undefined : this.#users.get(id)
    return user?.account === account ? user : undefined
  }

  #isExpired(id: UserId): boolean {
    return this.#fence.isFenced || (this.external !== undefined && this.#freshness.isExpired(id))
  }

  /**
   * Reads users and refreshes the expired ones among them. Meanwhile other callers use the cached ones. If the read fails,
   * all callers use the cached ones for a while, unless a requested user is not cached. `before`: the cached users.
   */
  #refresh(
    expired: ReadonlyArray<UserId>,
    read: Effect.Effect<ReadonlyArray<User>, StorageFailed>,
    before: ReadonlyArray<User | undefined>
  ): Effect.Effect<{ readonly users: ReadonlyArray<User>; readonly generation: number }, StorageFailed> {
    if (this.external === undefined) return Effect.map(read, (users) => ({ users, generation: 0 }))
    const { timeout } = this.external
    return Effect.suspend(() => {
      const generation = this.#freshness.nextGeneration()
      this.#freshness.postpone(expired, timeout)
      return read.pipe(
        Effect.map((users) => ({ users, generation })),
        Effect.catch((failed) => {
          this.#freshness.pause()
          this.#freshness.expire(expired)
          const users = before.flatMap((user) => user ?? [])
          // Their generation is unchanged.
          return users.length < before.length
            ? Effect.fail(failed)
            : Effect.as(
                logThrottled({
                  key: failed.operation,
                  level: "Warn",
                  message: `using cached users: ${failed.operation} failed`,
                  cause: failed.cause
                }),
                {
                  users,
                  generation: 0
                }
              )
        })
      )
    })
  }

  /**
   * Caches a loaded user. With the store as source, a cached user is at least as new as a loaded one; with a directory,
   * the later request wins.
   */
  #merge(user: User, generation: number): User {
    if (this.external?.takeCreated(user.id) === true) {
      this.#list.put(user)
      this.#onAdded(user)
    }
    const cached = this.#users.get(user.id)
    if (cached !== undefined && (this.external === undefined || this.#freshness.isNewer(user.id, generation)))
      return cached
    if (cached !== undefined && isSame(cached, user)) {
      // The same object is kept: callers compare users by identity.
      this.#set(cached, generation)
      return cached
    }
    this.#set(user, generation)
    return user
  }

  #set(user: User, generation: number): void {
    const before = this.#users.peek(user.id)
    if (before !== undefined && before.account !== user.account) this.#removeAccount(before)
    this.#users.set(user.id, user)
    this.#byAccount.set(user.account, user.id)
    this.#freshness.set(user.id, generation)
  }

  #drop(id: UserId, generation: number): void {
    if (!this.#freshness.isNewer(id, generation)) this.forget(id)
  }

  #onDropped(user: User): void {
    this.#freshness.delete(user.id)
    this.#removeAccount(user)
  }

  #removeAccount({ id, account }: User): void {
    if (this.#byAccount.get(account) === id) this.#byAccount.delete(account)
  }
}
