/**
 * Coverage of the documents by checks: operations, fields, errors, and requirements by level. A requirement is covered if
 * one of its checks detects a fault that breaks it alone.
 */
import { mutantsOf, notDetectable } from "./Mutants.ts"
import { documents, type Level, type Requirement, requirements } from "./Requirements.ts"

/** A requirement without a check, and the reason. */
export interface Excluded {
  /** An operation's name, or a requirement's id. */
  readonly id: string
  readonly reason: string
}

export interface Tally {
  readonly total: number
  /** Those that a check covers. */
  readonly covered: number
  /** Those without a check, and why. */
  readonly excluded: ReadonlyArray<Excluded>
  /** Those with a check for which no fault is visible from outside, and why. */
  readonly withoutMutant: ReadonlyArray<Excluded>
  /** Ids that are not covered, for no reason. */
  readonly open: ReadonlyArray<string>
  /** Covered ones among all but the excluded, in percent with one decimal, rounded down; 100 if there are none. */
  readonly percent: number
}

export interface Coverage {
  readonly protocol: string
  /** An operation is covered when one of its requirements is. */
  readonly operations: Tally
  /** Fields of requests, responses and pushes, and columns of described tables. One name in two places counts twice. */
  readonly fields: Tally
  /** Ways in which a request is refused. */
  readonly errors: Tally
  readonly requirements: Tally
  readonly levels: { readonly [level in Level]: Tally }
}

interface Unit {
  readonly id: string
  readonly covered: boolean
  /** Why it is not covered. */
  readonly reason: { readonly of: "excluded" | "withoutMutant"; readonly text: string } | undefined
}

const tally = (units: ReadonlyArray<Unit>): Tally => {
  const covered = units.filter((unit) => unit.covered).length
  const left = units.filter((unit) => !unit.covered)
  const because = (of: "excluded" | "withoutMutant"): ReadonlyArray<Excluded> =>
    left.flatMap(({ id, reason }) => (reason?.of === of ? [{ id, reason: reason.text }] : []))
  const excluded = because("excluded")
  const counted = units.length - excluded.length
  return {
    total: units.length,
    covered,
    excluded,
    withoutMutant: because("withoutMutant"),
    open: left.flatMap(({ id, reason }) => (reason === undefined ? [id] : [])),
    percent: counted === 0 ? 100 : Math.floor((covered * 1000) / counted) / 10
  }
}

const reasonOf = ({ id, excluded }: Requirement): Unit["reason"] => {
  if (excluded !== undefined) return { of: "excluded", text: excluded.reason }
  const text = notDetectable().get(id)
  return text === undefined ? undefined : { of: "withoutMutant", text }
}

const units = (list: ReadonlyArray<Requirement>, counts: (check: string) => boolean): ReadonlyArray<Unit> =>
  list.map((one) => ({
    id: one.id,
    covered: mutantsOf(one.id).some(({ check }) => counts(check)),
    reason: reasonOf(one)
  }))

const operations = (list: ReadonlyArray<Requirement>, counts: (check: string) => boolean): ReadonlyArray<Unit> => {
  // Without `Map.groupBy`, which Node 20 does not have.
  const named = new Map<string, Array<Requirement>>()
  for (const one of list) {
    if (one.operation !== undefined) named.set(one.operation, [...(named.get(one.operation) ?? []), one])
  }
  return Array.from(named, ([id, members]) => {
    const all = units(members, counts)
    const reasons = all.map(({ reason }) => reason)
    return {
      id,
      covered: all.some(({ covered }) => covered),
      reason: reasons.includes(undefined) ? undefined : reasons[0]
    }
  })
}

const every = () => true

/**
 * The coverage of one protocol, by the checks for which `counts` is true: all of them, or for example those of a run.
 * Throws `BadRequirements`.
 */
export const coverageOf = (protocol: string, counts: (check: string) => boolean = every): Coverage => {
  const all = requirements(protocol)
  const at = (level: Level) =>
    tally(
      units(
        all.filter((one) => one.level === level),
        counts
      )
    )
  return {
    protocol,
    operations: tally(operations(all, counts)),
    fields: tally(
      units(
        all.filter(({ field }) => field !== undefined),
        counts
      )
    ),
    errors: tally(
      units(
        all.filter(({ error }) => error !== undefined),
        counts
      )
    ),
    requirements: tally(units(all, counts)),
    levels: { MUST: at("MUST"), SHOULD: at("SHOULD"), MAY: at("MAY") }
  }
}

/** The coverage of all five. Throws `BadRequirements`. */
export const coverage = (counts: (check: string) => boolean = every): ReadonlyArray<Coverage> =>
  documents.map((protocol) => coverageOf(protocol, counts))
