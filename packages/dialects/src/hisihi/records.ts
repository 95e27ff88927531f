/** Records of this protocol: apps, classes, groups by organisation, and the history of class broadcasts. */
import { logFailedOperation } from "@parley/core/StorageErrors"
import type { Engine } from "@parley/core/Engine"
import { refuse, type Refused } from "@parley/core/Refused"
import type { DialectRecord, StorageFailed, Store, Write } from "@parley/core/Store"
import * as Effect from "effect/Effect"

export const DIALECT = "hisihi"

/** Kind of an organisation's groups, keyed by gid: a chat's id is not known before it exists. */
export const groupKind = (organization: number): string => `group:${organization}`

export const put = (
  kind: string,
  key: string,
  value: Readonly<Record<string, unknown>> | null
): Extract<Write, { readonly _tag: "PutRecord" }> => ({
  _tag: "PutRecord",
  record: { dialect: DIALECT, kind, key, value }
})

/** Logs a storage failure and refuses with `Unavailable`. */
export const orUnavailable = <A>(effect: Effect.Effect<A, StorageFailed>): Effect.Effect<A, Refused> =>
  Effect.catch(effect, (failed) => Effect.andThen(logFailedOperation(failed), refuse({ _tag: "Unavailable" })))

export class Records {
  readonly #store: Store["Service"]
  readonly #commit: Engine["Service"]["commit"]

  constructor(store: Store["Service"], { commit }: Engine["Service"]) {
    this.#store = store
    this.#commit = commit
  }

  find(kind: string, key: string): Effect.Effect<DialectRecord | undefined, Refused> {
    return orUnavailable(this.#store.record(DIALECT, kind, key))
  }

  /** Returns records ordered by key. */
  all(kind: string): Effect.Effect<ReadonlyArray<DialectRecord>, Refused> {
    return orUnavailable(this.#store.records(DIALECT, kind))
  }

  /** Returns false if a record with that key exists. */
  add(kind: string, key: string, value: Readonly<Record<string, unknown>>): Effect.Effect<boolean, Refused> {
    return this.#write({ ...put(kind, key, value), once: true })
  }

  remove(kind: string, key: string): Effect.Effect<void, Refused> {
    return Effect.asVoid(this.#write(put(kind, key, null)))
  }

  /** Returns false for a duplicate. */
  #write(write: Write): Effect.Effect<boolean, Refused> {
    return this.#commit({ expectedVersions: [], writes: [write] }).pipe(
      Effect.as(true),
      Effect.catchTags({
        Duplicate: () => Effect.succeed(false),
        VersionConflict: () => refuse({ _tag: "Busy" }),
        StorageFailed: (failed) => orUnavailable<boolean>(Effect.fail(failed))
      })
    )
  }
}
