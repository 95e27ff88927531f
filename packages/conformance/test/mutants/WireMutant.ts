/**
 * What a server can do wrong on the wire, each with the checks that are there to find it: all of a kind, or by name.
 * `spared` are those of the kind that something else has to find, since this mutant takes away what they need.
 */
import type { Scenario } from "../../src/scenarios/Scenario.ts"
import type { More } from "./MutantRunner.ts"
import type { Mutant } from "./Mutant.ts"
import { type Check, checks } from "./takenIds.ts"

export interface WireMutant {
  readonly name: string
  /** What is wrong. */
  readonly says: string
  readonly make: (scenario: Scenario) => Mutant
  readonly kills: ReadonlyArray<string> | ((check: Check) => boolean)
  readonly spared?: ReadonlyArray<string>
  readonly more?: More
  /** It is silent where something is due. */
  readonly silent?: true
}

/** The checks that have to find a mutant. */
export const targetChecks = ({ kills, spared = [] }: WireMutant): ReadonlyArray<string> =>
  typeof kills === "function"
    ? checks.filter((check) => kills(check) && !spared.includes(check.id)).map(({ id }) => id)
    : kills
