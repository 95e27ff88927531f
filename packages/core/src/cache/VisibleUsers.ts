/** The users whom a user may see (`Visibility`), and lists of them as large as what is seen. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { type Chat, isMember } from "../model/Chat.ts"
import type { UserId } from "../model/Ids.ts"
import { shown } from "../model/shown.ts"
import { isRemoved, type User } from "../model/User.ts"
import { StorageFailed } from "../ports/Store.ts"
import { VISIBILITY } from "../ports/StorageErrors.ts"
import type { PairUser, PairVisibility, Visibility, VisibilityPair } from "../ports/Visibility.ts"
import type { Facts } from "../rules/Rule.ts"
import { organisationClass } from "../rules/Visibility.ts"
import type { UserCache } from "./UserCache.ts"

/** Maximum number of pairs per call. */
const BATCH_SIZE = 1000
/** Maximum number of concurrent calls for one list. */
const MAX_CONCURRENT = 4
/** Users that are sorted into classes before other work runs. */
const SLICE_SIZE = 5000

const DEFAULT_TIMEOUT = 5000

/** Users whom a viewer may see, by id. */
export interface VisibleList {
  /** The users, by id. */
  readonly users: ReadonlyArray<User>
  /** The same for all viewers who see the same users; undefined if it holds for one viewer only. */
  readonly key: string | undefined
}

/** All users by class. */
interface ClassIndex {
  readonly source: ReadonlyArray<User>
  readonly lists: ReadonlyMap<string, ReadonlyArray<User>>
}

const isSame = (a: ReadonlyArray<User>, b: ReadonlyArray<User>): boolean =>
  a.length === b.length && a.every((user, index) => user === b[index])

/** Returns the user whose visibility decides on a public chat. */
const ownerOf = ({ owner, createdBy }: Chat): UserId | null => owner ?? createdBy

/** The viewer of a caller: undefined for a protocol without a user, which sees everybody. */
export type Viewer = User | undefined

/** Decides whom a user may see, by the visibility in force. */
export class VisibleUsers {
  readonly #users: UserCache
  readonly #visibility: Visibility
  #index: ClassIndex = { source: [], lists: new Map() }

  constructor(users: UserCache, visibility: Visibility) {
    this.#users = users
    this.#visibility = visibility
  }

  /** Whether some users may not see others. */
  get isLimited(): boolean {
    return this.#visibility !== "all"
  }

  /** Returns the class of a user, if users of one class see each other and no others. */
  get classOf(): ((user: User) => string) | undefined {
    return this.#visibility === "organisation" ? organisationClass : undefined
  }

  /** Returns those of `users` whom the viewer may see, in their order. */
  among(viewer: Viewer, users: ReadonlyArray<User>): Effect.Effect<ReadonlyArray<User>, StorageFailed> {
    const visibility = this.#visibility
    if (viewer === undefined || visibility === "all") return Effect.succeed(users)
    if (visibility === "organisation") {
      const own = organisationClass(viewer)
      return Effect.succeed(users.filter((user) => organisationClass(user) === own))
    }
    const seen = this.#pairUser(viewer)
    const pairs = users.map((user) => ({ viewer: seen, other: this.#pairUser(user) }))
    return Effect.map(decide(visibility, pairs), (decisions) => users.filter((_, index) => decisions[index]))
  }

  /** Returns those of `users` whom the viewer may see, and members of the chat. */
  readonly known = Effect.fnUntraced(function* (
    this: VisibleUsers,
    viewer: Viewer,
    users: ReadonlyArray<User>,
    chat?: Pick<Chat, "members">
  ): Effect.fn.Return<ReadonlyArray<User>, StorageFailed> {
    if (!this.isLimited || viewer === undefined) return users
    const isIn = ({ id }: User): boolean => chat?.members.has(id) === true
    const seen = idsOf(
      yield* this.among(
        viewer,
        users.filter((user) => !isIn(user))
      )
    )
    return users.filter((user) => seen.has(user.id) || isIn(user))
  })

  /** Returns the facts for rules about a chat that only count where not everybody sees everybody. */
  readonly limits = Effect.fnUntraced(function* (
    this: VisibleUsers,
    viewer: Viewer,
    chat: Chat
  ): Effect.fn.Return<Pick<Facts, "isLimited" | "isOutside">, StorageFailed> {
    if (!this.isLimited || viewer === undefined) return {}
    if (!chat.public || isMember(chat, viewer.id)) return { isLimited: true }
    return { isLimited: true, isOutside: (yield* this.publicAmong(viewer, [chat])).length === 0 }
  })

  /** Returns those of these public chats that exist for the viewer: their own, and those whose owner they may see. */
  readonly publicAmong = Effect.fnUntraced(function* (
    this: VisibleUsers,
    viewer: Viewer,
    chats: ReadonlyArray<Chat>
  ): Effect.fn.Return<ReadonlyArray<Chat>, StorageFailed> {
    if (!this.isLimited || viewer === undefined) return chats
    const owners = yield* this.#users.findMany([...new Set(chats.flatMap((chat) => ownerOf(chat) ?? []))])
    const seen = idsOf(yield* this.among(viewer, owners))
    return chats.filter((chat) => {
      const owner = ownerOf(chat)
      return isMember(chat, viewer.id) || (owner !== null && seen.has(owner))
    })
  })

  /** Returns those of `viewers` who may see the user. */
  viewersOf(user: User, viewers: ReadonlyArray<User>): Effect.Effect<ReadonlyArray<User>, StorageFailed> {
    const visibility = this.#visibility
    if (typeof visibility === "string") return this.among(user, viewers)
    const other = this.#pairUser(user)
    const pairs = viewers.map((viewer) => ({ viewer: this.#pairUser(viewer), other }))
    return Effect.map(decide(visibility, pairs), (decisions) => viewers.filter((_, index) => decisions[index]))
  }

  /** Returns all users whom the viewer may see; the same array as long as none of them has changed. */
  readonly all: (viewer: Viewer) => Effect.Effect<VisibleList, StorageFailed> = Effect.fnUntraced(function* (
    this: VisibleUsers,
    viewer: Viewer
  ): Effect.fn.Return<VisibleList, StorageFailed> {
    const users = yield* this.#users.all
    if (viewer === undefined || !this.isLimited) return { users, key: "all" }
    if (this.#visibility !== "organisation") return { users: yield* this.among(viewer, users), key: undefined }
    const key = organisationClass(viewer)
    return { users: (yield* this.#classes(users)).get(key) ?? [], key }
  })

  /** Returns a recently loaded list with the users as cached now: the same array, as long as none of them has changed. */
  current({ users, key }: VisibleList): ReadonlyArray<User> {
    if (key === "all") return this.#users.current(users)
    const { classOf } = this
    const now = users
      .map((user) => this.#users.getCached(user.id) ?? user)
      .filter((user) => !isRemoved(user) && (classOf === undefined || classOf(user) === key))
    return isSame(users, now) ? users : now
  }

  /** Returns the users in memory whom the viewer may see, by id; with a function of pairs only the viewer. */
  cached(viewer: User): VisibleList {
    if (!this.isLimited) return { users: this.#users.cached(), key: "all" }
    const { classOf } = this
    if (classOf === undefined) return { users: [viewer], key: undefined }
    const key = classOf(viewer)
    return { users: this.#users.cached().filter((user) => classOf(user) === key), key }
  }

  /** Returns the number of users whom the viewer may see, as far as it is known. */
  sizeFor(viewer: User): number {
    const known = this.classOf === undefined ? undefined : this.#index.lists.get(organisationClass(viewer))
    return known?.length ?? this.#users.size
  }

  /** Sorts all users into classes, in slices; lists that have not changed stay the same arrays. */
  readonly #classes = Effect.fnUntraced(function* (
    this: VisibleUsers,
    source: ReadonlyArray<User>
  ): Effect.fn.Return<ReadonlyMap<string, ReadonlyArray<User>>> {
    if (source === this.#index.source) return this.#index.lists
    const lists = new Map<string, Array<User>>()
    for (const [index, user] of source.entries()) {
      if (index > 0 && index % SLICE_SIZE === 0) yield* Effect.yieldNow
      const key = organisationClass(user)
      const list = lists.get(key)
      if (list === undefined) lists.set(key, [user])
      else list.push(user)
    }
    const before = this.#index.lists
    const kept = new Map<string, ReadonlyArray<User>>()
    for (const [key, list] of lists) {
      const earlier = before.get(key)
      kept.set(key, earlier !== undefined && isSame(earlier, list) ? earlier : list)
    }
    this.#index = { source, lists: kept }
    return kept
  })

  #pairUser({ id, account, role, dept, admin, organisation }: User): PairUser {
    const externalId = this.#users.external?.externalIdOf(id)
    return { id, account, role, dept, admin, organisation, ...(externalId !== undefined && { externalId }) }
  }
}

/** Decides pairs in batches. Users always see themselves. */
const decide = (
  { of, timeout = DEFAULT_TIMEOUT }: PairVisibility,
  pairs: ReadonlyArray<VisibilityPair>
): Effect.Effect<ReadonlyArray<boolean>, StorageFailed> => {
  const asked = pairs.filter(({ viewer, other }) => viewer.id !== other.id)
  const batches = Array.from({ length: Math.ceil(asked.length / BATCH_SIZE) }, (_, index) =>
    asked.slice(index * BATCH_SIZE, (index + 1) * BATCH_SIZE)
  )
  return Effect.forEach(
    batches,
    (batch) =>
      Effect.suspend(() => of(batch)).pipe(
        Effect.interruptible,
        Effect.timeout(timeout),
        Effect.catchCause((cause) => Effect.fail(failed(Cause.squash(cause)))),
        Effect.flatMap((decisions) => {
          const problem = decisionsProblem(decisions, batch.length)
          return problem === undefined ? Effect.succeed(decisions) : Effect.fail(failed(new Error(problem)))
        })
      ),
    { concurrency: MAX_CONCURRENT }
  ).pipe(
    Effect.map((decided) => {
      const decisions = decided.flat()
      let next = 0
      return pairs.map(({ viewer, other }) => viewer.id === other.id || decisions[next++] === true)
    })
  )
}

const failed = (cause: unknown): StorageFailed => new StorageFailed({ operation: VISIBILITY, cause })

/** Returns why a host's value is not a list of decisions, or undefined. A value other than `true` hides a user. */
const decisionsProblem = (decisions: unknown, length: number): string | undefined => {
  if (!Array.isArray(decisions)) return `it must return a list of ${length} booleans, not ${shown(decisions)}`
  if (decisions.length !== length)
    return `it must return ${length} booleans, one for each pair, not ${decisions.length}`
  const other: unknown = decisions.find((decision) => typeof decision !== "boolean")
  return other === undefined ? undefined : `it must return booleans, and returned ${shown(other)}`
}

/** Ids of users. */
export const idsOf = (users: ReadonlyArray<User>): ReadonlySet<UserId> => new Set(users.map(({ id }) => id))
