/**
 * For each requirement, faults of a server that break it alone, and the checks that detect them, from
 * `requirements/mutants.txt`. The tests of this package apply every one of them to the reference server.
 */
import { readFileSync } from "node:fs"
import * as Schema from "effect/Schema"
import { inPackage } from "../packageFolder.ts"
import { readMutants } from "../sources/MutantTable.ts"
import { BadRequirements, Id } from "./Requirements.ts"

export const RequirementMutant = Schema.Struct({
  /** The requirement that it breaks. */
  requirement: Id,
  /** The check that detects it. */
  check: Schema.NonEmptyString,
  /**
   * Its effect on the message that the check is about: `drop data.id`, `change data.name`, `refuse`, `silent`; or
   * `as <name>`: a mutant of the kill matrix.
   */
  mutation: Schema.NonEmptyString
})
export type RequirementMutant = typeof RequirementMutant.Type

/** The published file of mutants. */
export const MutantFile = Schema.Struct({
  $schema: Schema.optionalKey(Schema.String),
  mutants: Schema.Array(RequirementMutant),
  /** Requirements that no fault visible from outside breaks. */
  notDetectable: Schema.Array(Schema.Struct({ requirement: Id, reason: Schema.NonEmptyString }))
})
export type MutantFile = typeof MutantFile.Type

const file = inPackage("requirements/mutants.txt")

const decode = Schema.decodeUnknownSync(MutantFile, { onExcessProperty: "error", errors: "all" })

interface Index {
  readonly all: ReadonlyArray<RequirementMutant>
  readonly byRequirement: ReadonlyMap<string, ReadonlyArray<RequirementMutant>>
  readonly notDetectable: ReadonlyMap<string, string>
}

let loaded: Index | undefined

const index = (): Index => {
  if (loaded !== undefined) return loaded
  try {
    const { mutants, notDetectable } = decode(readMutants(readFileSync(file, "utf8")))
    const byRequirement = new Map<string, ReadonlyArray<RequirementMutant>>()
    for (const one of mutants) {
      byRequirement.set(one.requirement, [...(byRequirement.get(one.requirement) ?? []), one])
    }
    const reasons = new Map(notDetectable.map(({ requirement, reason }) => [requirement, reason]))
    loaded = { all: mutants, byRequirement, notDetectable: reasons }
    return loaded
  } catch (cause) {
    throw new BadRequirements({ file, message: cause instanceof Error ? cause.message : String(cause) })
  }
}

/** All mutants of requirements, in the order of their file. Throws `BadRequirements`. */
export const requirementMutants = (): ReadonlyArray<RequirementMutant> => index().all

/** The mutants that break a requirement. Throws `BadRequirements`. */
export const mutantsOf = (requirement: string): ReadonlyArray<RequirementMutant> =>
  index().byRequirement.get(requirement) ?? []

/** Requirements that no fault visible from outside breaks, with the reason. Throws `BadRequirements`. */
export const notDetectable = (): ReadonlyMap<string, string> => index().notDetectable
