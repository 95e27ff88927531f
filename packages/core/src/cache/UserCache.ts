/**
 * Users by id and by account, read through memory. Every change goes through `put`, so what is here is never behind a
 * change that this process made. What somebody else may change is read again when it is due; while that fails, what is
 * here goes on being used.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { BoundedMap } from "./BoundedMap.ts"
import { DirectoryUsers } from "./DirectoryUsers.ts"
import type { UserId } from "../model/Ids.ts"
import { accountForms } from "../model/AccountName.ts"
import type { StorageFailed, Store } from "../ports/Store.ts"
import { isRemoved, type User, type UserChange } from "../model/User.ts"

/** Maximum number of users in memory; beyond it the one used longest ago is dropped. */
const MAX_USERS = 200_000
/** Milliseconds for which nothing that is due is read again, after that has failed. */
const RETRY_DELAY = 10_000
/** Users of a list that are looked at before other work is let through. */
const SLICE = 1000
/** Changes that wait to be put into the list of everybody, at most. */
const PATCHES = 1000

/** Where users are read from. */
export type UserSource = Pick<Store["Service"], "users" | "usersByAccount" | "allUsers">

interface Reading {
  /** When the user is read again; milliseconds since 1970. */
  expiresAt: number
  /** The turn of what is known: what was asked for earlier, and came later, is older. */
  readonly generation: number
}

/** A reading of everybody, which all who ask meanwhile wait for. */
interface Listing {
  readonly done: Deferred.Deferred<ReadonlyArray<User>, StorageFailed>
  /** Users made or changed since it began. */
  readonly patches: Array<User>
}

const isSame = (a: User, b: User): boolean =>
  Object.entries(b).every(([name, value]) => a[name as keyof User] === value)

/** The place in a list by id at which this user is, or belongs. */
const cursorOf = (users: ReadonlyArray<User>, id: UserId): number => {
  let low = 0
  let high = users.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((users[middle]?.id ?? id) < id) low = middle + 1
    else high = middle
  }
  return low
}

/** The list with these changes, the later of which count. */
const patched = (users: ReadonlyArray<User>, patches: ReadonlyArray<User>): ReadonlyArray<User> => {
  if (patches.length === 0) return users
  const all = users.slice()
  for (const user of patches) {
    const cursor = cursorOf(all, user.id)
    const isListed = all[cursor]?.id === user.id
    if (isRemoved(user)) all.splice(cursor, isListed ? 1 : 0)
    else all.splice(cursor, isListed ? 1 : 0, user)
  }
  return all
}

export class UserCache {
  readonly #source: UserSource
  /** Set where users are kept by somebody else. */
  readonly external: DirectoryUsers | undefined
  readonly #users = new BoundedMap<UserId, User>(MAX_USERS, (user) => this.#dropped(user))
  readonly #byAccount = new Map<string, UserId>()
  /** What is known of somebody else's user; empty where nobody else changes users. */
  readonly #readings = new Map<UserId, Reading>()
  /** Everybody, by id, while it is known. */
  #all: { readonly users: ReadonlyArray<User>; readonly due: number } | undefined
  /** Users made or changed since that list was made. */
  #patches: Array<User> = []
  /** The reading of everybody that is under way. */
  #listing: Listing | undefined
  /** Counts what was asked and told. */
  #generation = 0
  /** The turn of the last `invalidate`: what was asked for before it may be old. */
  #invalidated = 0
  #pausedUntil = 0

  constructor(source: Store["Service"] | DirectoryUsers) {
    this.#source = source
    this.external = source instanceof DirectoryUsers ? source : undefined
  }

  /** From memory only, be it due or not. */
  getCached(id: UserId): User | undefined {
    return this.#users.get(id)
  }

  /** From memory only, unless it is due. */
  getFresh(id: UserId): User | undefined {
    const user = this.#users.get(id)
    return user === undefined || this.#isExpired(id) ? undefined : user
  }

  readonly find: (id: UserId) => Effect.Effect<User | undefined, StorageFailed> = (id) => {
    const known = this.getFresh(id)
    return known !== undefined ? Effect.succeed(known) : Effect.map(this.findMany([id]), ([user]) => user)
  }

  /** Those who exist, in the order asked for. */
  readonly findMany: (ids: ReadonlyArray<UserId>) => Effect.Effect<ReadonlyArray<User>, StorageFailed> = (ids) => {
    const known = new Map<UserId, User>()
    const unknown: Array<UserId> = []
    for (const id of ids) {
      const user = this.getFresh(id)
      if (user === undefined) unknown.push(id)
      else known.set(id, user)
    }
    if (unknown.length === 0) return Effect.succeed(ids.flatMap((id) => known.get(id) ?? []))
    const before = unknown.map((id) => this.#users.get(id))
    return this.#reading(unknown, this.#source.users(unknown), before).pipe(
      Effect.map(({ users, turn }) => {
        for (const user of users) known.set(user.id, this.#store(user, turn))
        for (const id of unknown) if (!known.has(id)) this.#drop(id, turn)
        return ids.flatMap((id) => known.get(id) ?? [])
      })
    )
  }

  /** Those who exist and were not removed, in the order asked for. */
  readonly byAccount: (accounts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<User>, StorageFailed> = (
    named
  ) => {
    const accounts = named.filter((account) => !isRemoved({ account }))
    const found = new Map<string, User>()
    const unknown: Array<string> = []
    for (const account of accounts) {
      const user = this.#named(account)
      if (user === undefined || this.#isExpired(user.id)) unknown.push(account)
      else found.set(account, user)
    }
    if (unknown.length === 0) return Effect.succeed(accounts.flatMap((account) => found.get(account) ?? []))
    const before = unknown.map((account) => this.#named(account))
    const due = before.flatMap((user) => user?.id ?? [])
    return this.#reading(due, this.#source.usersByAccount(unknown), before).pipe(
      Effect.map(({ users, turn }) => {
        for (const one of users) {
          const user = this.#store(one, turn)
          found.set(user.account, user)
        }
        return accounts.flatMap((account) => found.get(account) ?? [])
      })
    )
  }

  /** For each account its user, also where it is written in another form than the user's own (`accountForms`). */
  readonly resolve: (accounts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<User | undefined>, StorageFailed> =
    (accounts) => {
      const forms = accounts.map(accountForms)
      return Effect.map(this.byAccount([...new Set(forms.flat())]), (users) => {
        const found = new Map(users.map((user) => [user.account, user]))
        return forms.map((of) => found.get(of.find((form) => found.has(form)) ?? ""))
      })
    }

  /** Those who exist of somebody else's users, by their ids there, in the order asked for. */
  readonly byExternalId: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<User>, StorageFailed> = (ids) => {
    const { external } = this
    if (external === undefined) return Effect.succeed([])
    const found = new Map<string, User>()
    const unknown: Array<string> = []
    for (const id of ids) {
      const pair = external.mappingOf(id)
      const user = pair === undefined ? undefined : this.getFresh(pair.id)
      if (user === undefined) unknown.push(id)
      else found.set(id, user)
    }
    if (unknown.length === 0) return Effect.succeed(ids.flatMap((id) => found.get(id) ?? []))
    const before = unknown.map((id) => {
      const pair = external.mappingOf(id)
      return pair === undefined ? undefined : this.#users.get(pair.id)
    })
    const due = before.flatMap((user) => user?.id ?? [])
    return this.#reading(due, external.usersByExternalId(unknown), before).pipe(
      Effect.map(({ users, turn }) => {
        for (const user of users) found.set(external.externalIdOf(user.id) ?? "", this.#store(user, turn))
        return ids.flatMap((id) => found.get(id) ?? [])
      })
    )
  }

  /** Everybody, by id, without those who were removed. */
  readonly all: Effect.Effect<ReadonlyArray<User>, StorageFailed> = Effect.suspend(() => {
    const known = this.#listAll()
    if (known !== undefined && !this.#isPast(known.due)) return Effect.succeed(known.users)
    const under = this.#listing
    if (under !== undefined) return Effect.tap(Deferred.await(under.done), Effect.yieldNow)
    const listing: Listing = { done: Deferred.makeUnsafe(), patches: [] }
    this.#listing = listing
    const reading = Effect.onExit(this.#list(listing), (exit) =>
      Effect.sync(() => {
        if (this.#listing === listing) this.#listing = undefined
        Deferred.doneUnsafe(listing.done, exit)
      })
    )
    // In a fiber of its own: the one that asked first may be interrupted, and the others wait.
    return Effect.andThen(
      Effect.forkDetach(reading, { startImmediately: true }),
      // What follows begins in a turn of its own.
      Effect.tap(Deferred.await(listing.done), Effect.yieldNow)
    )
  })

  /** Reads everybody, in slices. */
  readonly #list = Effect.fnUntraced(function* (
    this: UserCache,
    listing: Listing
  ): Effect.fn.Return<ReadonlyArray<User>, StorageFailed> {
    const known = this.#all
    const turn = ++this.#generation
    const read = yield* Effect.result(this.#source.allUsers)
    if (Result.isFailure(read)) {
      if (known === undefined) return yield* Effect.fail(read.failure)
      this.#pausedUntil = this.#now() + RETRY_DELAY
      return this.#listAll()?.users ?? known.users
    }
    const kept: Array<User> = []
    for (const user of read.success) {
      if (isRemoved(user)) continue
      kept.push(this.#store(user, turn))
      if (kept.length % SLICE === 0) yield* Effect.yieldNow
    }
    const users = patched(kept, listing.patches)
    // What somebody else has changed meanwhile is read again.
    if (this.#listing === listing) {
      this.#all = { users, due: this.#expiryFrom(this.#now()) }
      this.#patches = []
    }
    return users
  })

  /** The list of everybody with all changes, while it is known. */
  #listAll(): { readonly users: ReadonlyArray<User>; readonly due: number } | undefined {
    if (this.#all !== undefined && this.#patches.length > 0) {
      this.#all = { users: patched(this.#all.users, this.#patches), due: this.#all.due }
      this.#patches = []
    }
    return this.#all
  }

  /**
   * Those of a list that was read lately as they are known now, without asking: the same array as `all` has, as long as
   * nobody has changed.
   */
  current(users: ReadonlyArray<User>): ReadonlyArray<User> {
    return this.#listAll()?.users ?? users.map((user) => this.#users.peek(user.id) ?? user)
  }

  /** Everybody who is known without asking storage, by id. */
  cached(): ReadonlyArray<User> {
    return (
      this.#listAll()?.users ??
      this.#users
        .values()
        .filter((user) => !isRemoved(user))
        .sort((a, b) => a.id - b.id)
    )
  }

  /** How many users are known without asking storage. */
  get size(): number {
    return this.#all?.users.length ?? this.#users.size
  }

  /** Takes a user that was just made or changed. */
  put(user: User): void {
    this.#listing?.patches.push(user)
    if (this.#all !== undefined && this.#patches.push(user) >= PATCHES) this.#listAll()
    this.#set(user, ++this.#generation)
  }

  /** Applies a change that was just made; who is not known here is read when asked for. */
  change(id: UserId, change: UserChange): void {
    const user = this.#users.get(id) ?? this.#listed(id)
    if (user === undefined) return
    const { password: _password, ...next } = { ...user, ...change }
    this.put(next)
  }

  /** These users are read again when they are next asked for; everybody, where nobody is named. */
  invalidate(ids?: ReadonlyArray<UserId>): void {
    this.#all = undefined
    this.#patches = []
    this.#listing = undefined
    this.#pausedUntil = 0
    this.#invalidated = ++this.#generation
    for (const id of ids ?? this.#users.keys()) {
      if (this.#users.has(id)) this.#readings.set(id, { expiresAt: 0, generation: this.#generation })
    }
  }

  /** In the list of everybody, which may hold more users than are kept by id. */
  #listed(id: UserId): User | undefined {
    const users = this.#listAll()?.users
    const user = users?.[cursorOf(users, id)]
    return user?.id === id ? user : undefined
  }

  /** The user who was last seen under this account, if it is still theirs. */
  #named(account: string): User | undefined {
    const id = this.#byAccount.get(account)
    const user = id === undefined ? undefined : this.#users.get(id)
    return user?.account === account ? user : undefined
  }

  #now(): number {
    return this.external?.now() ?? 0
  }

  #isPast(due: number): boolean {
    if (due === Infinity) return false
    const now = this.#now()
    return now >= due && now >= this.#pausedUntil
  }

  #isExpired(id: UserId): boolean {
    return this.external !== undefined && this.#isPast(this.#readings.get(id)?.expiresAt ?? 0)
  }

  #expiryFrom(now: number): number {
    return this.external === undefined ? Infinity : now + this.external.ttl
  }

  /**
   * Reads again what is due. Meanwhile others use what is here, so that one of them waits and not all; if it fails, all
   * do, for a while, unless somebody was asked for of whom nothing is here.
   */
  #reading(
    due: ReadonlyArray<UserId>,
    read: Effect.Effect<ReadonlyArray<User>, StorageFailed>,
    before: ReadonlyArray<User | undefined>
  ): Effect.Effect<{ readonly users: ReadonlyArray<User>; readonly turn: number }, StorageFailed> {
    if (this.external === undefined) return Effect.map(read, (users) => ({ users, turn: 0 }))
    const { timeout } = this.external
    return Effect.suspend(() => {
      const turn = ++this.#generation
      this.#extendTtl(due, this.#now() + timeout)
      return read.pipe(
        Effect.map((users) => ({ users, turn })),
        Effect.catch((failed) => {
          this.#pausedUntil = this.#now() + RETRY_DELAY
          this.#extendTtl(due, 0)
          const users = before.flatMap((user) => user ?? [])
          // They are no newer than they were.
          return users.length < before.length
            ? Effect.fail(failed)
            : Effect.as(Effect.logWarning(`users are as they were: ${failed.operation} failed`, failed.cause), {
                users,
                turn: 0
              })
        })
      )
    })
  }

  #extendTtl(ids: ReadonlyArray<UserId>, due: number): void {
    for (const id of ids) {
      const reading = this.#readings.get(id)
      if (reading !== undefined) reading.expiresAt = due
    }
  }

  /**
   * In the store, what is known already is at least as new as what was read; elsewhere, what was asked for last counts.
   */
  #store(user: User, turn: number): User {
    const known = this.#users.get(user.id)
    if (known !== undefined && (this.external === undefined || this.#isNewer(user.id, turn))) return known
    if (known !== undefined && isSame(known, user)) {
      // The same object says to those who wrote a list that nothing has changed.
      this.#set(known, turn)
      return known
    }
    this.#set(user, turn)
    return user
  }

  #isNewer(id: UserId, turn: number): boolean {
    return (this.#readings.get(id)?.generation ?? 0) > turn
  }

  #set(user: User, turn: number): void {
    const before = this.#users.peek(user.id)
    if (before !== undefined && before.account !== user.account) this.#forgetAccount(before)
    this.#users.set(user.id, user)
    this.#byAccount.set(user.account, user.id)
    if (this.external === undefined) return
    this.#readings.set(user.id, {
      expiresAt: turn < this.#invalidated ? 0 : this.#expiryFrom(this.#now()),
      generation: turn
    })
  }

  #drop(id: UserId, turn: number): void {
    const user = this.#users.peek(id)
    if (user === undefined || this.#isNewer(id, turn)) return
    this.#users.delete(id)
    this.#dropped(user)
  }

  #dropped(user: User): void {
    this.#readings.delete(user.id)
    this.#forgetAccount(user)
  }

  #forgetAccount({ id, account }: User): void {
    if (this.#byAccount.get(account) === id) this.#byAccount.delete(account)
  }
}
