/** Reads the journal from where it was read last, and applies what other nodes have changed. */
import * as Effect from "effect/Effect"
import type { Engine } from "../engine/Engine.ts"
import type { Sessions } from "../auth/Sessions.ts"
import type { UserId } from "../model/Ids.ts"
import { type Change, JOURNAL_SIZE } from "../model/Journal.ts"
import { StorageFailed, type Store } from "../ports/Store.ts"
import type { RemoteEntries } from "./RemoteEntries.ts"
import type { RemoteUsers } from "./RemoteUsers.ts"
import { Watermark } from "./Watermark.ts"

/** Maximum number of changes per read. */
const PAGE_SIZE = 500
/** Number of ids that may be assigned within the overlap of a store. */
const MAX_LATE = JOURNAL_SIZE / 2

interface Dependencies {
  readonly store: Store["Service"]
  readonly engine: Engine["Service"]
  readonly sessions: Sessions["Service"]
  readonly users: RemoteUsers
  readonly entries: RemoteEntries
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
  /** Drops all that is in memory. */
  readonly dropCaches: () => void
  /** Drops all that is in memory, and closes all connections: changes were missed. */
  readonly reset: () => void
}

const toStorageFailed = (cause: unknown): StorageFailed => new StorageFailed({ operation: "journal", cause })

export class JournalReader {
  readonly #deps: Dependencies
  readonly #watermark: Watermark
  /** Applied changes after the watermark. */
  readonly #applied = new Set<number>()
  /** Start of the last complete read. */
  #readAt = Number.NEGATIVE_INFINITY

  private constructor(deps: Dependencies, from: number) {
    this.#deps = deps
    this.#watermark = new Watermark(deps.store.journal.overlap, from)
  }

  /** Makes a reader that applies no change that is visible now. */
  static readonly make = Effect.fnUntraced(function* (
    deps: Dependencies
  ): Effect.fn.Return<JournalReader, StorageFailed> {
    const { journal } = deps.store
    const at = deps.now()
    const { change: newest } = yield* journal.newest
    const from = journal.overlap === 0 ? newest : Math.max(0, newest - MAX_LATE)
    const reader = new JournalReader(deps, from)
    for (let after = from; after < newest;) {
      const { entries } = yield* journal.changes(after, PAGE_SIZE)
      for (const { id } of entries) if (id <= newest) reader.#applied.add(id)
      after = entries.at(-1)?.id ?? newest
    }
    reader.#watermark.advance(at, newest)
    return reader
  })

  /** Applies all changes since the last call. */
  readonly read: Effect.Effect<void, StorageFailed> = Effect.gen({ self: this }, function* () {
    const { now, reset, store } = this.#deps
    const at = now()
    // Lower ids that became visible late are known only to a read after the overlap.
    const start = this.#watermark.after(this.#readAt)
    for (const id of this.#applied) if (id <= start) this.#applied.delete(id)
    for (let after = start; ;) {
      const page = yield* store.journal.changes(after, PAGE_SIZE)
      if (!page.complete) {
        this.#watermark.advance(Number.NEGATIVE_INFINITY, (yield* store.journal.newest).change)
        return reset()
      }
      const fresh = page.entries.filter(({ id }) => !this.#applied.has(id))
      yield* this.#apply(fresh.map(({ change }) => change))
      for (const { id } of fresh) this.#applied.add(id)
      const last = page.entries.at(-1)?.id
      if (last !== undefined) this.#watermark.advance(at, last)
      if (last === undefined || page.entries.length < PAGE_SIZE) break
      after = last
    }
    this.#readAt = at
  })

  readonly #apply = Effect.fnUntraced(function* (
    this: JournalReader,
    changes: ReadonlyArray<Change>
  ): Effect.fn.Return<void, StorageFailed> {
    const { dropCaches, engine, entries, sessions, users } = this.#deps
    let changed = new Set<UserId>()
    let renamed = new Set<UserId>()
    const loadUsers = Effect.suspend(() => {
      const work = changed.size === 0 ? Effect.void : users.changed(changed, renamed)
      changed = new Set()
      renamed = new Set()
      return work
    })
    for (const change of changes) {
      if (change._tag !== "UserChanged") yield* loadUsers
      switch (change._tag) {
        case "UserChanged":
          changed.add(change.user)
          if (change.renamed) renamed.add(change.user)
          break
        case "SessionEnded":
          sessions.endedElsewhere(change.user, change.hash, change.replaced)
          break
        case "ChatChanged": {
          const later = entries.applyChange(change.chat, change.entry, change.seq)
          if (later !== undefined) yield* later
          break
        }
        case "DirectoryChanged":
          yield* Effect.mapError(users.invalidated(change.ids ?? undefined), toStorageFailed)
          break
        case "RecordsChanged":
          engine.recordsChanged(change)
          break
        default:
          // A node of a newer version wrote it; it may be about anything in memory.
          dropCaches()
      }
    }
    yield* loadUsers
  })
}
