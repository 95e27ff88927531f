/** Restricts the demonstration to this machine, and records whether a database holds it. */
import { isLoopbackAddress } from "@parley/core/ClientAddress"
import type { Engine } from "@parley/core/Engine"
import type { Store } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import { CommandFailed } from "../terminal/CommandFailed.ts"
import { displayDatabase, type ServeOptions } from "../config/ServeOptions.ts"

/** Record in a database that holds the demonstration. */
const MARKER = { dialect: "parley", kind: "demonstration", key: "added" } as const

/** Whether only this machine can reach this address. */
export const isLoopback = (host: string): boolean => host === "localhost" || isLoopbackAddress(host)

/** Returns the option by which other machines could reach the server, as a clause; undefined if they cannot. */
const exposure = ({ host, trustedProxies }: ServeOptions): string | undefined => {
  if (!isLoopback(host)) return `--host ${host} is not a loopback address`
  return trustedProxies.length > 0 ? "--trusted-proxies is set, so that proxies forward requests of others" : undefined
}

/** Refuses `--demo` if other machines could reach the server. */
export const refuseReachableDemo = (serve: ServeOptions): Effect.Effect<void, CommandFailed> => {
  const exposed = exposure(serve)
  return !serve.demo || exposed === undefined
    ? Effect.void
    : Effect.fail(
        new CommandFailed({
          message: `--demo is for this machine only, since its passwords and keys are public, but ${exposed}`
        })
      )
}

/** Whether the database holds the demonstration. */
export const holdsDemonstration = (store: Store["Service"]) =>
  Effect.map(store.record(MARKER.dialect, MARKER.kind, MARKER.key), (record) => record !== undefined)

/** Refuses to serve a database that holds the demonstration if other machines could reach the server. */
export const refuseReachableData = (serve: ServeOptions): Effect.Effect<void, CommandFailed> => {
  const exposed = exposure(serve)
  if (exposed === undefined) return Effect.void
  const database = displayDatabase(serve.database)
  return Effect.fail(
    new CommandFailed({
      message: `the database holds the demonstration, whose passwords and keys are public, and ${exposed}; remove it with: parley demo remove --database ${database}`
    })
  )
}

/** Records that the database holds the demonstration, or removes that record. */
export const recordDemonstration = ({ commit }: Engine["Service"], isPresent: boolean) =>
  commit({ expectedVersions: [], writes: [{ _tag: "PutRecord", record: { ...MARKER, value: isPresent ? {} : null } }] })

/** Warning of a server that starts with a demonstration. */
export const DEMONSTRATION_SERVED =
  "DEMONSTRATION: the passwords of its users and its keys are public. Requests from other machines and through proxies are refused. Do not use it for real conversations; remove it with `parley demo remove`"
