/**
 * Users of an external directory, as the engine reads them: what the directory says of them, with the integer id that the
 * store keeps for theirs. A row of the store holds that pair and nothing else: their id stands where an account would.
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { BoundedMap } from "./BoundedMap.ts"
import type { DirectoryUserChange, UserDirectory, DirectoryUser } from "../ports/UserDirectory.ts"
import type { EntryId, UserId } from "../model/Ids.ts"
import { Refused, refuse } from "../model/Refused.ts"
import { StorageFailed, type Store, type Write } from "../ports/Store.ts"
import { accountProblem, type NewUser, type User } from "../model/User.ts"

/** Users asked for in one question, and ids given in one commit, at most. */
const BATCH = 1000
/** Questions under way at once, at most. */
const MAX_CONCURRENT = 32
/** Maximum number of pairs in memory; beyond it the one used longest ago is dropped. */
const LIMIT = 200_000
/** Maximum number of ids in memory that the directory does not have. */
const MISSING_TTL = 10_000
/** Characters of an id, at most. */
const MAX_ID = 255
/** How often ids are given again when another node gives them at the same time. */
const MAX_ATTEMPTS = 20

const DEFAULT_TTL = 60
const DEFAULT_TIMEOUT = 5000

/** What the store keeps for one of their users. */
interface IdMapping {
  readonly id: UserId
  readonly createdAt: number
  readonly since: EntryId
}

/** Users are changed where they are kept, and not here. */
export const fromDirectory: Refused = refuse({
  _tag: "Rejected",
  code: "users_elsewhere",
  message: "Users are kept by the application that this is part of, and are changed there."
})

/** What the store holds of a user beside the pair: nothing. */
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
  new StorageFailed({ operation: `directory: ${operation}`, cause })

const isId = (id: unknown): id is string => typeof id === "string" && id.length > 0 && id.length <= MAX_ID

const batches = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(all.length / BATCH) }, (_, index) => all.slice(index * BATCH, (index + 1) * BATCH))

export class DirectoryUsers {
  /** Milliseconds for which an answer is used. */
  readonly ttl: number
  /** Milliseconds that one question may take. */
  readonly timeout: number
  readonly #store: Store["Service"]
  readonly #directory: UserDirectory
  readonly #clock: Clock.Clock
  /** Characters of an account, at most. */
  readonly #account: number
  readonly #generations = Semaphore.makeUnsafe(MAX_CONCURRENT)
  /** By their ids. */
  readonly #ids = new Map<UserId, string>()
  readonly #mappings = new BoundedMap<string, IdMapping>(LIMIT, ({ id }) => this.#ids.delete(id))
  /** Until when somebody who was not there is not asked for again; milliseconds since 1970. By their ids. */
  readonly #missing = new BoundedMap<string, number>(MISSING_TTL)
  /** How often we were told of changes there. */
  #told = 0

  constructor(store: Store["Service"], directory: UserDirectory, clock: Clock.Clock, account: number) {
    this.#store = store
    this.#directory = directory
    this.#clock = clock
    this.#account = account
    this.ttl = (directory.ttl ?? DEFAULT_TTL) * 1000
    this.timeout = directory.timeout ?? DEFAULT_TIMEOUT
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#clock.currentTimeMillisUnsafe()
  }

  /** The pair of an id of theirs, if it is in memory. */
  mappingOf(externalId: string): { readonly id: UserId } | undefined {
    return this.#mappings.get(externalId)
  }

  /** Their id of a user who was read here before. */
  externalIdOf(id: UserId): string | undefined {
    return this.#ids.get(id)
  }

  /** By our ids; who is gone is left out. */
  readonly users = Effect.fnUntraced(function* (
    this: DirectoryUsers,
    ids: ReadonlyArray<UserId>
  ): Effect.fn.Return<ReadonlyArray<User>, StorageFailed> {
    const unknown = ids.filter((id) => !this.#ids.has(id))
    if (unknown.length > 0) this.#addMapping(yield* this.#store.users(unknown))
    const now = this.now()
    const wanted = [...new Set(ids.flatMap((id) => this.#ids.get(id) ?? []))].filter(
      (id) => (this.#missing.get(id) ?? 0) <= now
    )
    const told = this.#told
    const found = new Map(
      (yield* this.#query("find", wanted, (asked) => this.#directory.find(asked))).map((user) => [user.id, user])
    )
    // Who was told of meanwhile may be there by now.
    for (const id of wanted) if (!found.has(id) && told === this.#told) this.#markMissing(id, now + this.ttl)
    return wanted.flatMap((id) => this.#merged(found.get(id)))
  })

  /** By account. Who is seen for the first time gets an id. */
  readonly usersByAccount = Effect.fnUntraced(function* (
    this: DirectoryUsers,
    accounts: ReadonlyArray<string>
  ): Effect.fn.Return<ReadonlyArray<User>, StorageFailed> {
    const wanted = new Set(accounts.filter((account) => accountProblem(account, this.#account) === undefined))
    const found = yield* this.#query("findByAccount", [...wanted], (asked) => this.#directory.findByAccount(asked))
    return yield* this.#withIds(found.filter(({ account }) => wanted.has(account)))
  })

  /** By their ids. Who is seen for the first time gets an id. */
  readonly usersByExternalId = Effect.fnUntraced(function* (
    this: DirectoryUsers,
    ids: ReadonlyArray<string>
  ): Effect.fn.Return<ReadonlyArray<User>, StorageFailed> {
    const wanted = new Set(ids.filter(isId))
    const found = yield* this.#query("find", [...wanted], (asked) => this.#directory.find(asked))
    return yield* this.#withIds(found.filter(({ id }) => wanted.has(id)))
  })

  /** Everybody whom the directory lists; without a list, everybody who has an id. By id. */
  readonly allUsers: Effect.Effect<ReadonlyArray<User>, StorageFailed> = Effect.suspend(() => {
    const { list } = this.#directory
    const all =
      list === undefined
        ? Effect.flatMap(this.#store.allUsers, (rows) => this.users(rows.map(({ id }) => id)))
        : this.#bounded("list", list).pipe(
            Effect.flatMap((listed) => this.#valid(listed)),
            Effect.flatMap((valid) => this.#withIds(valid))
          )
    return Effect.map(all, (users) => [...users].sort((a, b) => a.id - b.id))
  })

  /** Has the directory change a user, or refuses. */
  readonly change = Effect.fnUntraced(function* (
    this: DirectoryUsers,
    user: UserId,
    change: DirectoryUserChange
  ): Effect.fn.Return<void, Refused | StorageFailed> {
    if (this.#directory.change === undefined) return yield* fromDirectory
    if (!this.#ids.has(user)) this.#addMapping(yield* this.#store.users([user]))
    const externalId = this.#ids.get(user)
    if (externalId === undefined) return yield* refuse({ _tag: "NoSuchUsers", users: [String(user)] })
    yield* this.#bounded(
      "change",
      Effect.suspend(() => this.#directory.change?.(externalId, change) ?? Effect.void)
    ).pipe(Effect.catch((failed) => Effect.fail(failed.cause instanceof Refused ? failed.cause : failed)))
  })

  /** Who of these has an id already, by theirs; nobody gets one. */
  readonly idsOf = Effect.fnUntraced(function* (
    this: DirectoryUsers,
    externalIds: ReadonlyArray<string>
  ): Effect.fn.Return<ReadonlyArray<UserId>, StorageFailed> {
    this.#told++
    for (const id of externalIds) this.#missing.delete(id)
    for (const batch of batches(externalIds.filter((id) => isId(id) && !this.#mappings.has(id))))
      yield* this.#load(batch)
    return externalIds.flatMap((id) => this.#mappings.get(id)?.id ?? [])
  })

  /** Nobody counts as gone any more before they are asked for. */
  forgetMissing(): void {
    this.#told++
    this.#missing.clear()
  }

  /** These users with their ids, which they get where they have none. */
  readonly #withIds = Effect.fnUntraced(function* (
    this: DirectoryUsers,
    users: ReadonlyArray<DirectoryUser>
  ): Effect.fn.Return<ReadonlyArray<User>, StorageFailed> {
    const known: Array<User> = []
    for (const batch of batches(users)) {
      let missing = [...new Set(batch.map(({ id }) => id))].filter((id) => !this.#mappings.has(id))
      for (let attempts = 0; missing.length > 0; attempts++) {
        yield* this.#load(missing)
        missing = missing.filter((id) => !this.#mappings.has(id))
        if (missing.length === 0) break
        if (attempts >= MAX_ATTEMPTS) return yield* failure("ids for users", "others keep giving ids at the same time")
        yield* this.#allocateIds(missing)
        missing = missing.filter((id) => !this.#mappings.has(id))
      }
      // At once: a list that is longer than what is kept pushes its own beginning out.
      for (const user of batch) known.push(...this.#merged(user))
    }
    return known
  })

  readonly #load = Effect.fnUntraced(function* (
    this: DirectoryUsers,
    externalIds: ReadonlyArray<string>
  ): Effect.fn.Return<void, StorageFailed> {
    if (externalIds.length > 0) this.#addMapping(yield* this.#store.usersByAccount(externalIds))
  })

  /** One commit for all of them; if another node was faster with one, nobody has an id yet. */
  #allocateIds(externalIds: ReadonlyArray<string>): Effect.Effect<void, StorageFailed> {
    const createdAt = this.now()
    const writes = externalIds.map((account): Write => ({ _tag: "CreateUser", user: { ...EMPTY, account, createdAt } }))
    return this.#store.commit({ expectedVersions: [], writes }).pipe(
      Effect.map((written) => this.#addMapping(written.flatMap((one) => (one._tag === "User" ? [one.user] : [])))),
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
    const pair = user === undefined ? undefined : this.#mappings.get(user.id)
    if (user === undefined || pair === undefined) return []
    this.#missing.delete(user.id)
    return [
      {
        id: pair.id,
        account: user.account,
        realname: user.realname ?? user.account,
        avatar: user.avatar ?? "",
        role: user.role ?? "",
        dept: user.dept ?? 0,
        admin: user.admin ?? false,
        organisation: user.organisation ?? null,
        disabled: user.disabled ?? false,
        createdAt: pair.createdAt,
        since: pair.since
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
    question: (keys: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<DirectoryUser>, unknown>
  ): Effect.fn.Return<ReadonlyArray<DirectoryUser>, StorageFailed> {
    const found: Array<DirectoryUser> = []
    for (const batch of batches(keys)) {
      const answered = yield* this.#bounded(
        operation,
        Effect.suspend(() => question(batch))
      )
      for (const user of yield* this.#valid(answered)) found.push(user)
    }
    return found
  })

  /** Waits its turn and its time; whatever goes wrong is a failure of storage to the engine. */
  #bounded<A>(operation: string, question: Effect.Effect<A, unknown>): Effect.Effect<A, StorageFailed> {
    return this.#generations
      .withPermits(1)(question)
      .pipe(
        Effect.interruptible,
        Effect.timeout(this.timeout),
        Effect.catchCause((cause) => failure(operation, Cause.squash(cause)))
      )
  }

  /** Those whose id and account can be ones. */
  #valid(users: ReadonlyArray<DirectoryUser>): Effect.Effect<ReadonlyArray<DirectoryUser>> {
    const valid = users.filter(
      ({ id, account }) =>
        isId(id) && typeof account === "string" && accountProblem(account, this.#account) === undefined
    )
    return valid.length === users.length
      ? Effect.succeed(valid)
      : Effect.as(
          Effect.logWarning(
            `${users.length - valid.length} users of the directory are left out: their id or account cannot be one`
          ),
          valid
        )
  }
}
