/** Whether the demonstration is to be added, and whether it is what is served. */
import { Engine } from "@parley/core/Engine"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import * as Effect from "effect/Effect"
import type { ServeOptions } from "./settings/ServeOptions.ts"

/** Notes in the database that the demonstration was added to it: later starts serve it, too. */
const NOTE = { dialect: "parley", kind: "demonstration", key: "added" } as const

const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127\.[0-9]+\.[0-9]+\.[0-9]+$/.test(host)

/** It is wanted in an empty database on a loopback address, unless that was decided; `isServed` on such an address only. */
export const demonstrationAt = Effect.fnUntraced(function* ({ demo, host }: ServeOptions) {
  const users = yield* Users
  const store = yield* Store
  // Everybody is asked for only where it decides: there may be a hundred thousand.
  const isWanted = demo ?? (isLoopback(host) && (yield* users.list).length === 0)
  const isThere = isWanted || (yield* store.record(NOTE.dialect, NOTE.kind, NOTE.key)) !== undefined
  return { isWanted, isServed: demo !== false && isThere && isLoopback(host) }
})

export const noteDemonstration = Effect.gen(function* () {
  const { commit } = yield* Engine
  yield* commit({ relies: [], writes: [{ _tag: "PutRecord", record: { ...NOTE, value: {} } }] })
})
