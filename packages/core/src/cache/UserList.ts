/** The list of all users, ordered by id: loaded once for concurrent callers, then patched with each change. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { UserId } from "../model/Ids.ts"
import { isRemoved, type User } from "../model/User.ts"
import type { FenceState } from "../ports/Fence.ts"
import type { StorageFailed, Store } from "../ports/Store.ts"
import type { UserFreshness } from "./UserFreshness.ts"

/** Users of a list that are processed before other work runs. */
const LIST_SLICE = 1000
/** Maximum number of pending changes of the list. */
const MAX_PATCHES = 1000

/** A list with the time at which it expires, in milliseconds since 1970. */
interface LoadedList {
  readonly users: ReadonlyArray<User>
  readonly expiresAt: number
}

/** A load of all users, shared by concurrent callers. */
interface ListLoad {
  readonly done: Deferred.Deferred<ReadonlyArray<User>, StorageFailed>
  /** Users created or changed since it began. */
  readonly patches: Array<User>
}

/** Returns the index in a list ordered by id at which this user is, or belongs. */
const indexOfUser = (users: ReadonlyArray<User>, id: UserId): number => {
  let low = 0
  let high = users.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((users[middle]?.id ?? id) < id) low = middle + 1
    else high = middle
  }
  return low
}

/** Returns the list with these changes; later ones override earlier ones. */
const patched = (users: ReadonlyArray<User>, patches: ReadonlyArray<User>): ReadonlyArray<User> => {
  if (patches.length === 0) return users
  const all = users.slice()
  for (const user of patches) {
    const index = indexOfUser(all, user.id)
    const isListed = all[index]?.id === user.id
    if (isRemoved(user)) all.splice(index, isListed ? 1 : 0)
    else all.splice(index, isListed ? 1 : 0, user)
  }
  return all
}

export class UserList {
  readonly #source: Pick<Store["Service"], "allUsers">
  readonly #freshness: UserFreshness
  readonly #fence: FenceState
  /** Caches a loaded user, and returns the one in the cache. */
  readonly #merge: (user: User, generation: number) => User
  #all: LoadedList | undefined
  /** Users created or changed since the list was made. */
  #patches: Array<User> = []
  /** The load in progress. */
  #load: ListLoad | undefined

  constructor(
    source: Pick<Store["Service"], "allUsers">,
    freshness: UserFreshness,
    fence: FenceState,
    merge: (user: User, generation: number) => User
  ) {
    this.#source = source
    this.#freshness = freshness
    this.#fence = fence
    this.#merge = merge
  }

  /** All users, by id, without removed ones. */
  readonly all: Effect.Effect<ReadonlyArray<User>, StorageFailed> = Effect.suspend(() => {
    const cached = this.#current()
    const isUsable = cached !== undefined && !this.#fence.isFenced
    if (isUsable && !this.#freshness.isOver(cached.expiresAt)) return Effect.succeed(cached.users)
    const current = this.#load
    if (current !== undefined) return Effect.tap(Deferred.await(current.done), Effect.yieldNow)
    const listLoad: ListLoad = { done: Deferred.makeUnsafe(), patches: [] }
    this.#load = listLoad
    const load = Effect.onExit(this.#loadAll(listLoad), (exit) =>
      Effect.sync(() => {
        if (this.#load === listLoad) this.#load = undefined
        Deferred.doneUnsafe(listLoad.done, exit)
      })
    )
    // In a fiber of its own: the first caller may be interrupted while others wait.
    return Effect.andThen(
      Effect.forkDetach(load, { startImmediately: true }),
      // The caller continues in a turn of its own.
      Effect.tap(Deferred.await(listLoad.done), Effect.yieldNow)
    )
  })

  /** The list with all changes, if loaded. */
  get users(): ReadonlyArray<User> | undefined {
    return this.#current()?.users
  }

  /** Number of users in the list; undefined if not loaded. */
  get size(): number | undefined {
    return this.#all?.users.length
  }

  find(id: UserId): User | undefined {
    const { users } = this
    const user = users?.[indexOfUser(users, id)]
    return user?.id === id ? user : undefined
  }

  /** Whether the list is loaded, and does not contain the user. */
  lacks(id: UserId): boolean {
    return this.#all !== undefined && this.find(id) === undefined
  }

  /** Adds a user who was just created or changed. */
  put(user: User): void {
    this.#load?.patches.push(user)
    if (this.#all !== undefined && this.#patches.push(user) >= MAX_PATCHES) this.#current()
  }

  /** Discards the list, and a load in progress. */
  clear(): void {
    this.#all = undefined
    this.#patches = []
    this.#load = undefined
  }

  #current(): LoadedList | undefined {
    if (this.#all !== undefined && this.#patches.length > 0) {
      this.#all = { users: patched(this.#all.users, this.#patches), expiresAt: this.#all.expiresAt }
      this.#patches = []
    }
    return this.#all
  }

  /** Loads all users, in slices. */
  readonly #loadAll = Effect.fnUntraced(function* (
    this: UserList,
    listLoad: ListLoad
  ): Effect.fn.Return<ReadonlyArray<User>, StorageFailed> {
    const cached = this.#all
    const generation = this.#freshness.nextGeneration()
    const read = yield* Effect.result(this.#source.allUsers)
    if (Result.isFailure(read)) {
      if (cached === undefined || this.#fence.isFenced) return yield* Effect.fail(read.failure)
      this.#freshness.pause()
      return this.#current()?.users ?? cached.users
    }
    const users: Array<User> = []
    for (const user of read.success) {
      if (isRemoved(user)) continue
      users.push(this.#merge(user, generation))
      if (users.length % LIST_SLICE === 0) yield* Effect.yieldNow
    }
    const all = patched(users, listLoad.patches)
    // An invalidation during the load discards the list.
    if (this.#load === listLoad) {
      this.#all = { users: all, expiresAt: this.#freshness.expiry() }
      this.#patches = []
    }
    return all
  })
}
