/** How much of the documents has a check: operations, fields, errors, and all requirements by level. */
import { documents, type Level, type Requirement, requirements } from "./Requirements.ts"

/** What nothing checks, and why not. */
export interface Excluded {
  /** An operation's name, or a requirement's id. */
  readonly id: string
  readonly reason: string
}

export interface Tally {
  readonly total: number
  readonly checked: number
  readonly excluded: ReadonlyArray<Excluded>
  /** What has neither a check nor a reason. */
  readonly open: ReadonlyArray<string>
  /** Checked ones among all but the excluded, in per cent with one digit, rounded down; 100 where there are none. */
  readonly percent: number
}

export interface Coverage {
  readonly protocol: string
  /** An operation is checked when one of its requirements is. */
  readonly operations: Tally
  /** Fields of requests, answers and pushes, and columns of described tables; the same name at another place is another. */
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
  const named = Map.groupBy(
    list.filter(({ operation }) => operation !== undefined),
    ({ operation }) => operation ?? ""
  )
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
 * The coverage of one protocol. With `counts` only checks that it is true of count: those that a run has played, say, or
 * those that passed. Throws `BadRequirements`.
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
