/**
 * The keys of the apps that may use this protocol: records of its own, made by the operator. Who is in the app is told by
 * the user's session; the key alone opens nothing.
 */
import { logStorageFailure } from "@parley/core/StorageErrors"
import type { OperatorCommand } from "@parley/core/Dialect"
import type { Engine } from "@parley/core/Engine"
import { type Refused, refuse } from "@parley/core/Refused"
import type { Store } from "@parley/core/Store"
import * as Effect from "effect/Effect"

const DIALECT = "ha"
const KIND = "key"
/** What fits a header as it is: letters, digits and `-._~`. */
const FORM = /^[A-Za-z0-9._~-]{1,128}$/

export interface ApiKeys {
  readonly isKnown: (key: string) => Effect.Effect<boolean, Refused>
  readonly commands: ReadonlyArray<OperatorCommand>
  /** Adds the key unless it is there. */
  readonly ensure: (key: string) => Effect.Effect<void>
  /** Whether the key was there; it is not any more. */
  readonly remove: (key: string) => Effect.Effect<boolean, string>
}

const KEY = {
  name: "key",
  kind: "text",
  positional: true,
  required: true,
  description: "What the app sends as X-HA-Key"
} as const

export const makeApiKeys = (store: Store["Service"], engine: Engine["Service"]): ApiKeys => {
  // Only the process that holds the database changes them, and it does so here.
  let known: ReadonlySet<string> | undefined
  /** Counts changes: what was being read meanwhile is not kept. */
  let changes = 0

  const all: Effect.Effect<ReadonlySet<string>, Refused> = Effect.suspend(() => {
    if (known !== undefined) return Effect.succeed(known)
    const before = changes
    return store.records(DIALECT, KIND).pipe(
      Effect.map((records) => {
        const keys = new Set(records.map(({ key }) => key))
        if (changes === before) known = keys
        return keys
      }),
      Effect.catchTag("StorageFailed", (failed) =>
        Effect.andThen(logStorageFailure("the keys of apps could not be read", failed), refuse({ _tag: "Unavailable" }))
      )
    )
  })

  /** Whether it was written: with `once` not where there is one already. */
  const put = (key: string, value: unknown, once = false): Effect.Effect<boolean, string> =>
    engine
      .commit({
        expectedVersions: [],
        writes: [{ _tag: "PutRecord", record: { dialect: DIALECT, kind: KIND, key, value }, once }]
      })
      .pipe(
        Effect.as(true),
        Effect.catchTag("Duplicate", () => Effect.succeed(false)),
        Effect.tapError((failed) => logStorageFailure("a key could not be written", failed)),
        Effect.mapError(() => "the database could not be written; the server's log says why"),
        Effect.tap(() =>
          Effect.sync(() => {
            changes++
            known = undefined
          })
        )
      )

  const listed: Effect.Effect<ReadonlySet<string>, string> = Effect.mapError(
    all,
    () => "the database could not be read; the server's log says why"
  )

  const remove = Effect.fnUntraced(function* (key: string): Effect.fn.Return<boolean, string> {
    if (!(yield* listed).has(key)) return false
    yield* put(key, null)
    return true
  })

  return {
    isKnown: (key) => Effect.map(all, (keys) => keys.has(key)),
    ensure: (key) => Effect.asVoid(Effect.orDie(put(key, {}, true))),
    remove,
    commands: [
      {
        path: ["ha-key", "add"],
        description: "Let an app use the ha protocol",
        inputs: [KEY],
        run: Effect.fnUntraced(function* (inputs) {
          const key = String(inputs["key"])
          if (!FORM.test(key)) return yield* Effect.fail("the key must be 1 to 128 letters, digits or any of -._~")
          if (!(yield* put(key, {}, true))) return yield* Effect.fail(`key ${key} exists already`)
          return `added key ${key}`
        })
      },
      {
        path: ["ha-key", "list"],
        description: "List the keys of the apps that may use the ha protocol",
        inputs: [],
        run: () => Effect.map(listed, (keys) => [...keys].join("\n"))
      },
      {
        path: ["ha-key", "remove"],
        description: "Lock an app out of the ha protocol, at once",
        inputs: [KEY],
        run: Effect.fnUntraced(function* (inputs) {
          const key = String(inputs["key"])
          if (!(yield* remove(key))) return yield* Effect.fail(`there is no key ${key}`)
          return `removed key ${key}`
        })
      }
    ]
  }
}
