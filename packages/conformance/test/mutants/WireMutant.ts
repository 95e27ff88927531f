/**
 * Faults of a server on the wire, each with the checks that must detect it: all of a kind, or by name. `spared` are checks
 * of the kind that cannot detect it, because the mutant removes what they need.
 */
import type { Scenario } from "../../src/scenarios/Scenario.ts"
import type { More } from "./MutantRunner.ts"
import type { Mutant } from "./Mutant.ts"
import { type Check, checks } from "./takenIds.ts"

export interface WireMutant {
  readonly name: string
  /** A description of the fault. */
  readonly description: string
  readonly make: (scenario: Scenario) => Mutant
  readonly kills: ReadonlyArray<string> | ((check: Check) => boolean)
  readonly spared?: ReadonlyArray<string>
  readonly more?: More
  /** It does not send something that is expected. */
  readonly silent?: true
}

/** The checks that must detect a mutant. */
export const targetChecks = ({ kills, spared = [] }: WireMutant): ReadonlyArray<string> =>
  typeof kills === "function"
    ? checks.filter((check) => kills(check) && !spared.includes(check.id)).map(({ id }) => id)
    : kills
