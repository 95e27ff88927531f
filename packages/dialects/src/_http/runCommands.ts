/**
 * Commands that come in by HTTP: what they come to is announced once the answer has been handed over, by closing the
 * scope that a request has. A request that is broken off after its commit is announced all the same.
 */
import type { Command, ReplyOf } from "@parley/core/Command"
import type { ExtraWrites, Engine } from "@parley/core/Engine"
import type { Broadcast, Caller } from "@parley/core/Event"
import type { LocalHub } from "@parley/core/Hub"
import type { Payer } from "@parley/core/RateLimits"
import type { Refused } from "@parley/core/Refused"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** Carries out one command of a request; several are announced in their order. */
export type RunCommand = <C extends Command>(
  caller: Caller,
  command: C,
  alongside?: ExtraWrites
) => Effect.Effect<ReplyOf<C>, Refused>

/** For one request, in the request's own scope. The request and its commands are charged to `payer`. */
export const commandRunner: (
  engine: Engine["Service"],
  hub: LocalHub,
  payer: Payer
) => Effect.Effect<RunCommand, Refused, Scope.Scope> = Effect.fnUntraced(function* (
  engine: Engine["Service"],
  hub: LocalHub,
  payer: Payer
): Effect.fn.Return<RunCommand, Refused, Scope.Scope> {
  yield* engine.limits.charge(payer, 1)
  const announcements: Array<Broadcast> = []
  yield* Effect.addFinalizer(() => Effect.sync(() => hub.broadcast(announcements)))
  return (caller, command, alongside) =>
    engine.charged(
      payer,
      command,
      engine.perform(caller, command, alongside, (announced) => {
        announcements.push(...announced)
      }),
      (reply) => reply
    )
})
