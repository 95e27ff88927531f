/** Logins with passwords, in an engine on a store in memory. */
import { Effect } from "effect"
import * as Parley from "@parley/core/Parley"
import { Sessions } from "@parley/core/Sessions"
import { Store } from "@parley/core/Store"
import { engineLayer } from "./harness.ts"

/** md5 of "correct-horse-7" and of "other-horse-8". */
export const RIGHT = "d374a7bdfbe7dfa86bc2807569bacd5d"
export const WRONG = "5798d1970ba75c1e7c5a52c7169ac15a"

export const withFixture = <A, E>(test: Effect.Effect<A, E, Parley.Services | Store>): Effect.Effect<A, E> =>
  Effect.provide(test, engineLayer)

export const login = Effect.fnUntraced(function* (account: string, secret = RIGHT, kind: "chat" | "token" = "chat") {
  return yield* (yield* Sessions).login({ account, secret, kind, device: "", address: "10.0.0.1" })
})

export const reasonOf = <A, R>(attempt: Effect.Effect<A, { readonly reason: { readonly _tag: string } }, R>) =>
  Effect.map(Effect.flip(attempt), ({ reason }) => reason._tag)
