/**
 * Keys of apps that may use this protocol: its own records, created by the operator. The user is identified by a session;
 * a key alone grants no access.
 */
import type { OperatorCommand } from "@parley/core/Dialect"
import type { Engine } from "@parley/core/Engine"
import type { Refused } from "@parley/core/Refused"
import type { Store } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import { CachedRecords } from "../_records/CachedRecords.ts"

const DIALECT = "ha"
const KIND = "key"
/** Characters that a header can contain unescaped: letters, digits and `-._~`. */
const KEY_PATTERN = /^[A-Za-z0-9._~-]{1,128}$/

export interface ApiKeys {
  readonly isKnown: (key: string) => Effect.Effect<boolean, Refused>
  readonly commands: ReadonlyArray<OperatorCommand>
  /** Adds the key if it does not exist. */
  readonly ensure: (key: string) => Effect.Effect<void>
  /** Removes the key; returns whether it existed. */
  readonly remove: (key: string) => Effect.Effect<boolean, string>
}

const KEY_INPUT = {
  name: "key",
  kind: "text",
  positional: true,
  required: true,
  description: "Value of the app's X-HA-Key header"
} as const

export const makeApiKeys = (store: Store["Service"], engine: Engine["Service"]): ApiKeys => {
  const records = new CachedRecords({
    store,
    engine,
    dialect: DIALECT,
    kind: KIND,
    noun: "keys of apps",
    decode: () => Effect.succeed(true)
  })

  const remove = Effect.fnUntraced(function* (key: string): Effect.fn.Return<boolean, string> {
    if (!(yield* records.listed).has(key)) return false
    yield* records.remove(key)
    return true
  })

  return {
    isKnown: (key) => Effect.map(records.all, (keys) => keys.has(key)),
    ensure: (key) => Effect.asVoid(Effect.orDie(records.add(key, {}))),
    remove,
    commands: [
      {
        path: ["ha-key", "add"],
        group: "Keys of apps that may use the ha protocol",
        description: "Let an app use the ha protocol",
        inputs: [KEY_INPUT],
        run: Effect.fnUntraced(function* (inputs) {
          const key = String(inputs["key"])
          if (!KEY_PATTERN.test(key))
            return yield* Effect.fail("the key must be 1 to 128 letters, digits or any of -._~")
          if (!(yield* records.add(key, {}))) return yield* Effect.fail(`key ${key} exists already`)
          return `added key ${key}`
        })
      },
      {
        path: ["ha-key", "list"],
        description: "List the keys of the apps that may use the ha protocol",
        inputs: [],
        lists: true,
        run: () =>
          Effect.map(records.listed, (keys) => ({
            columns: ["key"],
            rows: Array.from(keys.keys(), (key) => ({ key }))
          }))
      },
      {
        path: ["ha-key", "remove"],
        description: "Lock an app out of the ha protocol, at once",
        inputs: [KEY_INPUT],
        run: Effect.fnUntraced(function* (inputs) {
          const key = String(inputs["key"])
          if (!(yield* remove(key))) return yield* Effect.fail(`there is no key ${key}`)
          return `removed key ${key}`
        })
      }
    ]
  }
}
