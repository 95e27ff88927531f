/**
 * Users of an external directory: the directory's facts joined with the integer id from the store. A row of the store
 * contains only the mapping: the external id is in place of an account.
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { logThrottled } from "../logging/LogThrottle.ts"
import { BoundedMap } from "./BoundedMap.ts"
import { isExternalId, userProblem } from "./directoryUser.ts"
import type { DirectoryUserChange, UserDirectory, DirectoryUser } from "../ports/UserDirectory.ts"
import type { UserId } from "../model/Ids.ts"
import { Refused, refuse } from "../model/Refused.ts"
import { DIRECTORY } from "../ports/StorageErrors.ts"
import { shown } from "../model/shown.ts"
import { StorageFailed, type Store, type Write } from "../ports/Store.ts"
import { accountProblem, type NewUser, type User } from "../model/User.ts"

/** Maximum number of users per call, and of ids allocated per commit. */
const BATCH_SIZE = 1000
/** Maximum number of concurrent calls. */
const MAX_CONCURRENT = 32
/** Maximum number of mappings in memory; beyond it the least recently used one is dropped. */
const MAX_MAPPINGS = 200_000
/** Maximum number of ids in memory that the directory does not have. */
const MAX_MISSING = 10_000
/** Maximum number of attempts to allocate ids while other nodes allocate them too. */
const MAX_ATTEMPTS = 20

const DEFAULT_TTL = 60
const DEFAULT_TIMEOUT = 5000

/** Mapping of an external id to a user id, as stored. */
interface IdMapping {
  readonly id: UserId
  readonly createdAt: number
  readonly since: User["since"]
}

/** Refusal of changes to users that the directory does not allow. */
export const externalUsersRefusal: Refused = refuse({
  _tag: "Rejected",
  code: "users_elsewhere",
  message: "Users are managed by the host application."
})

/** Fields of a stored user beside the mapping: all empty. */
const EMPTY: Omit<NewUser, "account" | "createdAt"> = {
  realname: "",
  avatar: "",
  role: "",
  dept: 0,
  admin: false,
  organisation: null,
  disabled: false,
  password: null
}

const failure = (operation: string, cause: unknown): StorageFailed =>
  new StorageFailed({ operation: `${DIRECTORY}${operation}`, cause })

const batches = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(all.length / BATCH_SIZE) }, (_, index) =>
    all.slice(index * BATCH_SIZE, (index + 1) * BATCH_SIZE)
  )

export class DirectoryUsers {
  /** Milliseconds for which a result is used. */
  readonly ttl: number
  /** Timeout of one call in milliseconds. */
  readonly timeout: number
  readonly #store: Store["Service"]
  readonly #directory: UserDirectory
  readonly #clock: Clock.Clock
  /** Maximum number of characters of an account. */
  readonly #maxAccount: number
  readonly #permits = Semaphore.makeUnsafe(MAX_CONCURRENT)
  /** External ids by user id. */
  readonly #ids = new Map<UserId, string>()
  readonly #mappings = new BoundedMap<string, IdMapping>(MAX_MAPPINGS, ({ id }) => this.#ids.delete(id))
  /** Negative cache: expiry per external id, in milliseconds since 1970. */
  readonly #missing = new BoundedMap<string, number>(MAX_MISSING)
  /** Users whose id was just allocated, until `takeCreated`. */
  readonly #created = new Set<UserId>()
  /** Number of invalidations by the application. */
  #invalidations = 0

  constructor(store: Store["Service"], directory: UserDirectory, clock: Clock.Clock, account: number) {
    this.#store = store
    this.#directory = directory
    this.#clock = clock
    this.#maxAccount = account
    this.ttl = (directory.ttl ?? DEFAULT_TTL) * 1000
    this.timeout = directory.timeout ?? DEFAULT_TIMEOUT
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#clock.currentTimeMillisUnsafe()
  }

  /** Returns the mapping of an external id, if it is in memory. */
  mappingOf(externalId: string): { readonly id: UserId } | undefined {
    return this.#mappings.get(externalId)
  }

  /** Returns the external id of a user who was loaded before. */
  externalIdOf(id: UserId): string | undefined {
    return this.#ids.get(id)
  }

  /** Returns whether this process has just allocated the user's id; true once. */
  takeCreated(id: UserId): boolean {
    return this.#created.size > 0 && this.#created.delete(id)
  }

  /** Returns users by id; users without an entry in the directory are left out. */
  readonly users = Effect.fnUntraced(function* (
    this: DirectoryUsers,
    ids: ReadonlyArray<UserId>
  ): Effect.fn.Return<ReadonlyArray<User>, StorageFailed> {
    const unmapped = ids.filter((id) => !this.#ids.has(id))
    if (unmapped.length > 0) this.#addMapping(yield* this.#store.users(unmapped))
    const now = this.now()
    const wanted = [...new Set(ids.flatMap((id) => this.#ids.get(id) ?? []))].filter(
      (id) => (this.#missing.get(id) ?? 0) <= now
    )
    const invalidations = this.#invalidations
    const found = new Map(
      (yield* this.#query("find", wanted, (batch) => this.#directory.find(batch))).map((user) => [user.id, user])
    )
    // An id that was invalidated during the call may exist already.
    for (const id of wanted)
      if (!found.has(id) && invalidations === this.#invalidations) this.#markMissing(id, now + this.ttl)
    return wanted.flatMap((id) => this.#merged(found.get(id)))
  })

  /** Returns users by account, and allocates ids for new ones. */
  readonly usersByAccount = Effect.fnUntraced(function* (
    this: DirectoryUsers,
    accounts: ReadonlyArray<string>
  ): Effect.fn.Return<ReadonlyArray<User>, StorageFailed> {
    const wanted = new Set(accounts.filter((account) => accountProblem(account, this.#maxAccount) === undefined))
    const found = yield* this.#query("findByAccount", [...wanted], (batch) => this.#directory.findByAccount(batch))
    return yield* this.#withIds(found.filter(({ account }) => wanted.has(account)))
  })

  /** Returns users by external id, and allocates ids for new ones. */
  readonly usersByExternalId = Effect.fnUntraced(function* (
    this: DirectoryUsers,
    ids: ReadonlyArray<string>
  ): Effect.fn.Return<ReadonlyArray<User>, StorageFailed> {
    const wanted = new Set(ids.filter(isExternalId))
    const found = yield* this.#query("find", [...wanted], (batch) => this.#directory.find(batch))
    return yield* this.#withIds(found.filter(({ id }) => wanted.has(id)))
  })

  /** Returns all users that the directory lists, or without a list all users with an id; ordered by id. */
  readonly allUsers: Effect.Effect<ReadonlyArray<User>, StorageFailed> = Effect.suspend(() => {
    const { list } = this.#directory
    const all =
      list === undefined
        ? Effect.flatMap(this.#store.allUsers, (rows) => this.users(rows.map(({ id }) => id)))
        : this.#bounded("list", list).pipe(
            Effect.flatMap((listed) => this.#valid("list", listed)),
            Effect.flatMap((valid) => this.#withIds(valid))
          )
    return Effect.map(all, (users) => [...users].sort((a, b) => a.id - b.id))
  })

  /** Applies a change in the directory, or refuses. */
  readonly change = Effect.fnUntraced(function* (
    this: DirectoryUsers,
    user: UserId,
    change: DirectoryUserChange
  ): Effect.fn.Return<void, Refused | StorageFailed> {
    if (this.#directory.change === undefined) return yield* externalUsersRefusal
    if (!this.#ids.has(user)) this.#addMapping(yield* this.#store.users([user]))
    const externalId = this.#ids.get(user)
    if (externalId === undefined) return yield* refuse({ _tag: "NoSuchUsers", users: [String(user)] })
    yield* this.#bounded(
      "change",
      Effect.suspend(() => this.#directory.change?.(externalId, change) ?? Effect.void)
    ).pipe(Effect.catch((failed) => Effect.fail(failed.cause instanceof Refused ? failed.cause : failed)))
  })

  /** Returns the ids of those that have one, by external id, without allocating any. Clears their negative cache. */
  readonly idsOf = Effect.fnUntraced(function* (
    this: DirectoryUsers,
    externalIds: ReadonlyArray<string>
  ): Effect.fn.Return<ReadonlyArray<UserId>, StorageFailed> {
    this.#invalidations++
    for (const id of externalIds) this.#missing.delete(id)
    for (const batch of batches(externalIds.filter((id) => isExternalId(id) && !this.#mappings.has(id))))
      yield* this.#load(batch)
    return externalIds.flatMap((id) => this.#mappings.get(id)?.id ?? [])
  })

  /** Clears the negative cache. */
  clearMissing(): void {
    this.#invalidations++
    this.#missing.clear()
  }

  /** Returns these users with their ids, allocating missing ones. */
  readonly #withIds = Effect.fnUntraced(function* (
    this: DirectoryUsers,
    users: ReadonlyArray<DirectoryUser>
  ): Effect.fn.Return<ReadonlyArray<User>, StorageFailed> {
    const merged: Array<User> = []
    for (const batch of batches(users)) {
      let missing = [...new Set(batch.map(({ id }) => id))].filter((id) => !this.#mappings.has(id))
      for (let attempts = 0; missing.length > 0; attempts++) {
        yield* this.#load(missing)
        missing = missing.filter((id) => !this.#mappings.has(id))
        if (missing.length === 0) break
        if (attempts >= MAX_ATTEMPTS) return yield* failure("ids for users", "concurrent allocations by other nodes")
        yield* this.#allocateIds(missing)
        missing = missing.filter((id) => !this.#mappings.has(id))
      }
      // Merged batch by batch: a list longer than the map of mappings would evict its own beginning.
      for (const user of batch) merged.push(...this.#merged(user))
    }
    return merged
  })

  readonly #load = Effect.fnUntraced(function* (
    this: DirectoryUsers,
    externalIds: ReadonlyArray<string>
  ): Effect.fn.Return<void, StorageFailed> {
    if (externalIds.length > 0) this.#addMapping(yield* this.#store.usersByAccount(externalIds))
  })

  /** Allocates all ids in one commit. If another node has allocated one of them first, none is allocated. */
  #allocateIds(externalIds: ReadonlyArray<string>): Effect.Effect<void, StorageFailed> {
    const createdAt = this.now()
    const writes = externalIds.map((account): Write => ({ _tag: "CreateUser", user: { ...EMPTY, account, createdAt } }))
    return this.#store.commit({ expectedVersions: [], writes }).pipe(
      Effect.map((written) => {
        const rows = written.flatMap((one) => (one._tag === "User" ? [one.user] : []))
        for (const { id } of rows) this.#created.add(id)
        this.#addMapping(rows)
      }),
      Effect.catchTags({ Duplicate: () => Effect.void, VersionConflict: () => Effect.void })
    )
  }

  #addMapping(rows: ReadonlyArray<User>): void {
    for (const { id, account, createdAt, since } of rows) {
      this.#mappings.set(account, { id, createdAt, since })
      this.#ids.set(id, account)
    }
  }

  #merged(user: DirectoryUser | undefined): ReadonlyArray<User> {
    const mapping = user === undefined ? undefined : this.#mappings.get(user.id)
    if (user === undefined || mapping === undefined) return []
    this.#missing.delete(user.id)
    return [
      {
        id: mapping.id,
        account: user.account,
        realname: user.realname ?? user.account,
        avatar: user.avatar ?? "",
        role: user.role ?? "",
        dept: user.dept ?? 0,
        admin: Boolean(user.admin),
        organisation: user.organisation ?? null,
        disabled: Boolean(user.disabled),
        createdAt: mapping.createdAt,
        since: mapping.since
      }
    ]
  }

  #markMissing(externalId: string, until: number): void {
    this.#missing.set(externalId, until)
  }

  readonly #query = Effect.fnUntraced(function* (
    this: DirectoryUsers,
    operation: string,
    keys: ReadonlyArray<string>,
    call: (keys: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<DirectoryUser>, unknown>
  ): Effect.fn.Return<ReadonlyArray<DirectoryUser>, StorageFailed> {
    const found: Array<DirectoryUser> = []
    for (const batch of batches(keys)) {
      const returned = yield* this.#bounded(
        operation,
        Effect.suspend(() => call(batch))
      )
      for (const user of yield* this.#valid(operation, returned)) found.push(user)
    }
    return found
  })

  /** Limits concurrency and time; every failure becomes a storage failure. */
  #bounded<A>(operation: string, call: Effect.Effect<A, unknown>): Effect.Effect<A, StorageFailed> {
    return this.#permits
      .withPermits(1)(call)
      .pipe(
        Effect.interruptible,
        Effect.timeout(this.timeout),
        Effect.catchCause((cause) => {
          const failed = Cause.squash(cause)
          return failure(
            operation,
            Cause.isTimeoutError(failed)
              ? new Error(`no result within directory.timeout (${this.timeout} ms)`, { cause: failed })
              : failed
          )
        })
      )
  }

  /** Returns the valid users; the others are left out, with one log line. */
  #valid(operation: string, returned: unknown): Effect.Effect<ReadonlyArray<DirectoryUser>, StorageFailed> {
    if (!Array.isArray(returned)) {
      return failure(operation, new Error(`it must return a list of users, not ${shown(returned)}`))
    }
    const users: ReadonlyArray<DirectoryUser> = returned
    const valid = users.filter((user) => userProblem(user, this.#maxAccount) === undefined)
    if (valid.length === users.length) return Effect.succeed(valid)
    const first = users.map((user) => userProblem(user, this.#maxAccount)).find((problem) => problem !== undefined)
    const name = `${DIRECTORY}${operation}`
    return Effect.as(
      logThrottled({
        key: `invalid users of ${name}`,
        level: "Warn",
        message: `${name} returned ${users.length - valid.length} users who were left out; of the first, ${first}`
      }),
      valid
    )
  }
}
