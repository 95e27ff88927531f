/** Reads the journal from where it was read last, and applies what other nodes have changed. */
import * as Effect from "effect/Effect"
import type { Engine } from "../engine/Engine.ts"
import type { Sessions } from "../auth/Sessions.ts"
import type { UserId } from "../model/Ids.ts"
import type { Change } from "../model/Journal.ts"
import { StorageFailed, type Store } from "../ports/Store.ts"
import type { RemoteEntries } from "./RemoteEntries.ts"
import type { RemoteUsers } from "./RemoteUsers.ts"
import { Watermark } from "./Watermark.ts"

/** Maximum number of changes per read. */
const PAGE_SIZE = 500

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

  /** `newest`: id of the newest change that needs not be applied. */
  constructor(deps: Dependencies, newest: number) {
    this.#deps = deps
    this.#watermark = new Watermark(deps.store.journal.overlap, newest)
  }

  /** Applies all changes since the last call. */
  readonly read: Effect.Effect<void, StorageFailed> = Effect.gen({ self: this }, function* () {
    const { now, reset, store } = this.#deps
    const start = this.#watermark.after(now())
    for (const id of this.#applied) if (id <= start) this.#applied.delete(id)
    for (let after = start; ;) {
      const page = yield* store.journal.changes(after, PAGE_SIZE)
      if (!page.complete) {
        this.#watermark.advance(now(), (yield* store.journal.newest).change)
        return reset()
      }
      const fresh = page.entries.filter(({ id }) => !this.#applied.has(id))
      yield* this.#apply(fresh.map(({ change }) => change))
      for (const { id } of fresh) this.#applied.add(id)
      const last = page.entries.at(-1)?.id
      if (last === undefined) return
      this.#watermark.advance(now(), last)
      if (page.entries.length < PAGE_SIZE) return
      after = last
    }
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
