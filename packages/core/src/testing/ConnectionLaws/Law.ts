/** Basis of the connection laws. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Harness } from "../ConnectionHarness.ts"

/** One law: fails if it does not hold. */
export interface ConnectionLaw {
  readonly name: string
  readonly check: (harness: Harness) => Effect.Effect<void, unknown, Scope.Scope>
}

/** Returns a law whose check runs in a scope of its own. */
export const law = (
  name: string,
  check: (harness: Harness) => Effect.Effect<void, unknown, Scope.Scope>
): ConnectionLaw => ({
  name,
  check: (harness) => Effect.scoped(check(harness))
})

/** The laws of `Connection`, for any test runner. */
