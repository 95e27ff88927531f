/** Coverage of the documents by checks: operations, fields, errors, and requirements by level. */
import { documents, type Level, type Requirement, requirements } from "./Requirements.ts"

/** A requirement without a check, and the reason. */
export interface Excluded {
  /** An operation's name, or a requirement's id. */
  readonly id: string
  readonly reason: string
}

export interface Tally {
  readonly total: number
  readonly checked: number
  readonly excluded: ReadonlyArray<Excluded>
  /** Ids with neither a check nor a reason. */
  readonly open: ReadonlyArray<string>
  /** Checked ones among all but the excluded, in percent with one decimal, rounded down; 100 if there are none. */
  readonly percent: number
}

export interface Coverage {
  readonly protocol: string
  /** An operation is checked when one of its requirements is. */
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
  readonly checked: boolean
  readonly reason: string | undefined
}

const tally = (units: ReadonlyArray<Unit>): Tally => {
  const checked = units.filter((unit) => unit.checked).length
  const excluded = units.flatMap(({ id, checked, reason }) => (checked || reason === undefined ? [] : [{ id, reason }]))
  const open = units.flatMap(({ id, checked, reason }) => (checked || reason !== undefined ? [] : [id]))
  const counted = units.length - excluded.length
  return {
    total: units.length,
    checked,
    excluded,
    open,
    percent: counted === 0 ? 100 : Math.floor((checked * 1000) / counted) / 10
  }
}

const units = (list: ReadonlyArray<Requirement>, counts: (check: string) => boolean): ReadonlyArray<Unit> =>
  list.map(({ id, checks, excluded }) => ({ id, checked: checks.some(counts), reason: excluded?.reason }))

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
      checked: all.some(({ checked }) => checked),
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
