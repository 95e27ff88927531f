/**
 * Users by id and by account, read through memory. Every change goes through `put`, so what is here is never behind a
 * change that this process made.
 */
import * as Effect from "effect/Effect"
import type { UserId } from "./Ids.ts"
import type { StorageFailed, Store } from "./Store.ts"
import type { User, UserChange } from "./User.ts"

/** Users kept in memory, at most; beyond it the one read longest ago goes. */
const LIMIT = 200_000

export class Directory {
  readonly #store: Store["Service"]
  readonly #users = new Map<UserId, User>()
  readonly #byAccount = new Map<string, UserId>()
  /** Everybody, by id, while it is known. */
  #all: ReadonlyArray<User> | undefined
  /** Counts changes: a list that was being read meanwhile is not kept. */
  #changes = 0

  constructor(store: Store["Service"]) {
    this.#store = store
  }

  /** From memory only. */
  peek(id: UserId): User | undefined {
    return this.#users.get(id)
  }

  readonly find: (id: UserId) => Effect.Effect<User | undefined, StorageFailed> = (id) => {
    const known = this.#users.get(id)
    return known !== undefined ? Effect.succeed(known) : Effect.map(this.some([id]), ([user]) => user)
  }

  /** Those who exist, in the order asked for. */
  readonly some: (ids: ReadonlyArray<UserId>) => Effect.Effect<ReadonlyArray<User>, StorageFailed> = (ids) => {
    const known = new Map<UserId, User>()
    const unknown: Array<UserId> = []
    for (const id of ids) {
      const user = this.#users.get(id)
      if (user === undefined) unknown.push(id)
      else known.set(id, user)
    }
    if (unknown.length === 0) return Effect.succeed(ids.flatMap((id) => known.get(id) ?? []))
    return Effect.map(this.#store.users(unknown), (read) => {
      for (const user of read) known.set(user.id, this.#keep(user))
      return ids.flatMap((id) => known.get(id) ?? [])
    })
  }

  /** Those who exist, in the order asked for. */
  readonly byAccount: (accounts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<User>, StorageFailed> = (
    accounts
  ) => {
    const found = new Map<string, User>()
    const unknown: Array<string> = []
    for (const account of accounts) {
      const id = this.#byAccount.get(account)
      const user = id === undefined ? undefined : this.#users.get(id)
      if (user === undefined) unknown.push(account)
      else found.set(account, user)
    }
    if (unknown.length === 0) return Effect.succeed(accounts.flatMap((account) => found.get(account) ?? []))
    return Effect.map(this.#store.usersByAccount(unknown), (read) => {
      for (const user of read) found.set(user.account, this.#keep(user))
      return accounts.flatMap((account) => found.get(account) ?? [])
    })
  }

  /** Everybody, by id. */
  readonly all: Effect.Effect<ReadonlyArray<User>, StorageFailed> = Effect.suspend(() => {
    if (this.#all !== undefined) return Effect.succeed(this.#all)
    const before = this.#changes
    return Effect.map(this.#store.allUsers, (users) => {
      const kept = users.map((user) => this.#keep(user))
      if (this.#changes === before) this.#all = kept
      return kept
    })
  })

  /** Everybody who is known without asking storage, by id. */
  known(): ReadonlyArray<UserId> {
    return this.#all?.map((user) => user.id) ?? [...this.#users.keys()].sort((a, b) => a - b)
  }

  /** Takes a user that was just made or changed. */
  put(user: User): void {
    this.#changes++
    this.#all = undefined
    this.#users.set(user.id, user)
    this.#byAccount.set(user.account, user.id)
  }

  /** Applies a change that was just made; who is not known here is read when asked for. */
  change(id: UserId, change: UserChange): void {
    const user = this.#users.get(id)
    if (user === undefined) return
    const { password: _password, ...next } = { ...user, ...change }
    this.put(next)
  }

  /** What is known already is at least as new as what was read. */
  #keep(user: User): User {
    const known = this.#users.get(user.id)
    if (known !== undefined) return known
    if (this.#users.size >= LIMIT) {
      for (const [id, oldest] of this.#users) {
        this.#users.delete(id)
        this.#byAccount.delete(oldest.account)
        break
      }
    }
    this.#users.set(user.id, user)
    this.#byAccount.set(user.account, user.id)
    return user
  }
}
