/** Cache of a protocol's records of one kind: few, loaded together, and invalidated by each write. */
import { refuseOnStorageFailure, logStorageFailure } from "@parley/core/StorageErrors"
import type { Engine } from "@parley/core/Engine"
import type { Refused } from "@parley/core/Refused"
import type { DialectRecord, Store } from "@parley/core/Store"
import * as Effect from "effect/Effect"

interface Options<A> {
  readonly store: Store["Service"]
  readonly engine: Engine["Service"]
  readonly dialect: string
  readonly kind: string
  /** Noun for the records, in the plural. */
  readonly noun: string
  /** Decodes a record; undefined if it is invalid. */
  readonly decode: (record: DialectRecord) => Effect.Effect<A | undefined>
}

/** Records are changed only through this class; other nodes learn of it by the journal. */
export class CachedRecords<A> {
  readonly #options: Options<A>
  #cached: ReadonlyMap<string, A> | undefined
  /** Number of writes. A result that was loaded during a write is not cached. */
  #writes = 0

  constructor(options: Options<A>) {
    this.#options = options
    const { dialect, engine, kind } = options
    engine.onRecordsChanged(dialect, kind, () => this.#invalidate())
  }

  #invalidate(): void {
    this.#writes++
    this.#cached = undefined
  }

  /** Records by key. */
  get all(): Effect.Effect<ReadonlyMap<string, A>, Refused> {
    const { store, dialect, kind, noun, decode } = this.#options
    return Effect.suspend(() => {
      if (this.#cached !== undefined) return Effect.succeed(this.#cached)
      const before = this.#writes
      return refuseOnStorageFailure(`the ${noun}`)(store.records(dialect, kind)).pipe(
        Effect.flatMap(Effect.forEach((record) => Effect.map(decode(record), (value) => [record.key, value] as const))),
        Effect.map((records) => {
          const all = new Map(records.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])))
          if (this.#writes === before) this.#cached = all
          return all
        })
      )
    })
  }

  /** `all` for an operator's command. */
  get listed(): Effect.Effect<ReadonlyMap<string, A>, string> {
    return Effect.mapError(this.all, () => "the database could not be read; see the server's log")
  }

  /** Returns false if a record with that key exists. */
  add(key: string, value: unknown): Effect.Effect<boolean, string> {
    return this.#put(key, value, true)
  }

  /** Adds the record, or replaces the one with that key. */
  replace(key: string, value: unknown): Effect.Effect<void, string> {
    return Effect.asVoid(this.#put(key, value, false))
  }

  remove(key: string): Effect.Effect<void, string> {
    return Effect.asVoid(this.#put(key, null, false))
  }

  #put(key: string, value: unknown, once: boolean): Effect.Effect<boolean, string> {
    const { engine, dialect, kind, noun } = this.#options
    const write = { _tag: "PutRecord", record: { dialect, kind, key, value }, once } as const
    const note = { _tag: "NoteChange", change: { _tag: "RecordsChanged", dialect, kind } } as const
    return engine.commit({ expectedVersions: [], writes: [write, note] }).pipe(
      Effect.as(true),
      Effect.catchTag("Duplicate", () => Effect.succeed(false)),
      Effect.tapError((failed) => logStorageFailure(`the ${noun} could not be written`, failed)),
      Effect.mapError(() => "the database could not be written; see the server's log"),
      Effect.tap(() => Effect.sync(() => this.#invalidate()))
    )
  }
}
