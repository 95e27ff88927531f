/**
 * Commands of a request that comes in by HTTP. The host sends the response before it closes the request's scope, which
 * broadcasts what the commands announced.
 */
import type { RunCommand } from "@parley/core/CommandRunner"
import type { Engine } from "@parley/core/Engine"
import type { Payer } from "@parley/core/RateLimits"
import type { Refused } from "@parley/core/Refused"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export type { RunCommand } from "@parley/core/CommandRunner"

/** For one request, in the request's own scope. The request and its commands are charged to `payer`. */
export const commandRunner = (
  { commands, limits }: Engine["Service"],
  payer: Payer
): Effect.Effect<RunCommand, Refused, Scope.Scope> =>
  Effect.andThen(
    limits.charge(payer, 1),
    commands.scoped(() => payer)
  )
