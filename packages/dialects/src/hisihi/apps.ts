/** Apps with their master keys for signing, and the operator's commands for them. Source: PROTOCOLS, "hisihi". */
import type { OperatorCommand } from "@parley/core/Dialect"
import type { Refused } from "@parley/core/Refused"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import type { Records } from "./records.ts"
import { type Failure, failureOf, notFound } from "./errors.ts"

const KIND = "app"
const DEMO_APPS = ["1", "2"]
const DEMO_KEY = "demo-master-key"
/** Size of a generated key, in bytes. */
const KEY_SIZE = 24

/** Returns whether the id is valid; it is part of paths and of signed texts. */
const isAppId = (id: string): boolean => /^[A-Za-z0-9._-]{1,64}$/.test(id)

/** Returns the master key of an app; fails with `not_found` for an unknown one. */
export const masterKey = (records: Records, app: string): Effect.Effect<string, Failure | Refused> =>
  Effect.flatMap(isAppId(app) ? records.find(KIND, app) : Effect.succeed(undefined), (record) => {
    const { key } = (record?.value ?? {}) as { readonly key?: unknown }
    return typeof key === "string" ? Effect.succeed(key) : Effect.fail(notFound("app"))
  })

export const addDemoApps = (records: Records): Effect.Effect<void, Refused> =>
  Effect.forEach(DEMO_APPS, (id) => records.add(KIND, id, { key: DEMO_KEY }), { discard: true })

/** Removes the demonstration's apps that still have its key; returns their ids. */
export const removeDemoApps = Effect.fnUntraced(function* (
  records: Records
): Effect.fn.Return<ReadonlyArray<string>, Refused> {
  const removed: Array<string> = []
  for (const { key: id, value } of yield* records.all(KIND)) {
    if (!DEMO_APPS.includes(id) || (value as { readonly key?: unknown } | null)?.key !== DEMO_KEY) continue
    yield* records.remove(KIND, id)
    removed.push(id)
  }
  return removed
})

export const toCommandErrors = <A>(effect: Effect.Effect<A, Refused>): Effect.Effect<A, string> =>
  Effect.mapError(effect, ({ reason }) => failureOf(reason).message)

export const appCommands = (
  records: Records,
  random: SecureRandom.SecureRandom["Service"]
): ReadonlyArray<OperatorCommand> => [
  {
    path: ["app", "add"],
    group: "Apps of the hisihi protocol",
    description: "Add an app of the hisihi protocol, for which signatures are made",
    inputs: [
      {
        name: "id",
        kind: "text",
        positional: true,
        required: true,
        description: "The app's id: letters, digits, . _ -"
      },
      {
        name: "key",
        kind: "text",
        required: false,
        description:
          "The app's master key; generated and shown by default. Other users of this machine can see command lines"
      }
    ],
    run: Effect.fnUntraced(function* (inputs) {
      const id = String(inputs["id"] ?? "")
      if (!isAppId(id)) return yield* Effect.fail("id must be 1 to 64 letters, digits, '.', '_' and '-'")
      const input = inputs["key"]
      const key = input === undefined ? Hex.encode(yield* random.randomBytes(KEY_SIZE)) : String(input)
      if (!/^\S{1,256}$/u.test(key)) return yield* Effect.fail("key must be 1 to 256 characters without white space")
      if (!(yield* toCommandErrors(records.add(KIND, id, { key }))))
        return yield* Effect.fail(`app ${id} exists already`)
      return input === undefined ? `added app ${id} with master key ${key}` : `added app ${id}`
    })
  },
  {
    path: ["app", "list"],
    description: "List the apps of the hisihi protocol, without their keys",
    inputs: [],
    lists: true,
    run: () =>
      Effect.map(toCommandErrors(records.all(KIND)), (all) => ({
        columns: ["id"],
        rows: all.map(({ key }) => ({ id: key }))
      }))
  },
  {
    path: ["app", "remove"],
    description: "Remove an app of the hisihi protocol; it can no longer get signatures",
    inputs: [{ name: "id", kind: "text", positional: true, required: true, description: "The app's id" }],
    run: Effect.fnUntraced(function* (inputs) {
      const id = String(inputs["id"] ?? "")
      if ((yield* toCommandErrors(records.find(KIND, id))) === undefined)
        return yield* Effect.fail(`there is no app ${id}`)
      yield* toCommandErrors(records.remove(KIND, id))
      return `removed app ${id}`
    })
  }
]
