/** Where the demonstration may be served, and whether a database holds it. */
import { isLoopbackAddress } from "@parley/core/ClientAddress"
import type { Engine } from "@parley/core/Engine"
import type { Store } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import { CommandFailed } from "../terminal/CommandFailed.ts"
import type { ServeOptions } from "../config/ServeOptions.ts"

/** Notes in the database that the demonstration was added to it. */
const NOTE = { dialect: "parley", kind: "demonstration", key: "added" } as const

const isLoopback = (host: string): boolean => host === "localhost" || isLoopbackAddress(host)

/** Why others than programs on this machine could reach a server that is set so; undefined where they cannot. */
const reach = ({ host, trustedProxies }: ServeOptions): string | undefined => {
  if (!isLoopback(host)) return `--host ${host} is not a loopback address`
  return trustedProxies.length > 0 ? "--trusted-proxies says that a proxy forwards requests of others" : undefined
}

/** Refuses `--demo` where others than programs on this machine could reach it. */
export const refuseReachableDemo = (serve: ServeOptions): Effect.Effect<void, CommandFailed> => {
  const reachable = reach(serve)
  return !serve.demo || reachable === undefined
    ? Effect.void
    : Effect.fail(
        new CommandFailed({
          message: `--demo is for this machine alone, since everybody knows its passwords and keys, but ${reachable}`
        })
      )
}

/** Whether the database holds the demonstration. */
export const holdsDemonstration = (store: Store["Service"]) =>
  Effect.map(store.record(NOTE.dialect, NOTE.kind, NOTE.key), (note) => note !== undefined)

/** Refuses a database that holds the demonstration where others than programs on this machine could reach it. */
export const refuseReachableData = (serve: ServeOptions): Effect.Effect<void, CommandFailed> => {
  const reachable = reach(serve)
  if (reachable === undefined) return Effect.void
  const database = serve.database._tag === "Memory" ? "memory:" : `sqlite:${serve.database.file}`
  return Effect.fail(
    new CommandFailed({
      message: `the database holds the demonstration, whose passwords and keys everybody knows, and ${reachable}; remove it with: parley demo remove --database ${database}`
    })
  )
}

/** Notes that the demonstration is in the database, or that it is not any more. */
export const noteDemonstration = ({ commit }: Engine["Service"], isThere: boolean) =>
  commit({ expectedVersions: [], writes: [{ _tag: "PutRecord", record: { ...NOTE, value: isThere ? {} : null } }] })

/** The line that a server with a demonstration logs at its start. */
export const DEMONSTRATION_SERVED =
  "DEMONSTRATION: everybody knows the passwords of its users and its keys. Requests from other machines and through proxies are refused. Never put real conversations here; `parley demo remove` removes it"
