/**
 * The implementer's file of expected failures, each with its reason. An entry whose check passes is stale and fails the
 * run, so that the file stays current.
 */
import { readFileSync } from "node:fs"
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import { type CheckResult, isUnplayed, type ScenarioResult, worst } from "./Results.ts"
import { checks, type Protocol, type Scenario, Transport } from "../scenarios/Scenario.ts"

/** One expected failure of a baseline file. */
export const Entry = Schema.Struct({
  /** `<scenario>#<check>`, or a scenario with all its checks. */
  check: Schema.NonEmptyString,
  reason: Schema.String,
  /** The issue that tracks it. */
  issue: Schema.optionalKey(Schema.String),
  /** Over these transports only; without it, over all. */
  transports: Schema.optionalKey(Schema.Array(Transport))
})
export type Entry = typeof Entry.Type

export const ExpectationFile = Schema.Struct({
  $schema: Schema.optionalKey(Schema.String),
  expected: Schema.Array(Entry)
}).annotate({ identifier: "ExpectedFailures", title: "Expected failures of a run of the conformance kit" })

/** The file of expected failures is invalid; the message names the entry. */
export class BadExpectations extends Data.TaggedError("BadExpectations")<{
  /** The problem of the file of expected failures, for a person. */
  readonly message: string
}> {}

const decode = Schema.decodeUnknownSync(ExpectationFile, { onExcessProperty: "error", errors: "all" })

const scenarioOf = (check: string): string => check.split("#")[0] ?? check

const faultsOf = (entries: ReadonlyArray<Entry>): ReadonlyArray<string> =>
  entries.flatMap(({ check, reason, transports }, index) => {
    const others = entries.filter((other, at) => {
      const meets =
        (transports ?? []).length === 0 ||
        (other.transports ?? transports ?? []).some((one) => transports?.includes(one))
      const same = other.check === check && at < index
      return meets && (same || (other.check !== check && other.check === scenarioOf(check)))
    })
    return [
      ...(reason.trim() === "" ? [`${check}: reason missing`] : []),
      ...(others.length > 0 ? [`${check}: listed twice, as a check or with its scenario`] : [])
    ]
  })

/** Rejects entries without a reason and duplicate checks. Throws `BadExpectations`. */
export const checkEntries = (entries: ReadonlyArray<Entry>, file: string): ReadonlyArray<Entry> => {
  const faults = faultsOf(entries)
  if (faults.length > 0) throw new BadExpectations({ message: `${file}: ${faults.join("; ")}` })
  return entries
}

/** The entries of a file, not validated further. Throws `BadExpectations`. */
export const readEntries = (file: string): ReadonlyArray<Entry> => {
  try {
    return decode(JSON.parse(readFileSync(file, "utf8"))).expected
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replaceAll(/\n\s*/g, " ") : String(cause)
    throw new BadExpectations({ message: `${file}: ${why}` })
  }
}

const red = new Set<CheckResult["verdict"]>(["fail", "not-testable", "warn"])
const green = new Set<CheckResult["verdict"]>(["pass", "pass-lenient"])

/** An entry of the file that is no longer correct, and why. */
export interface StaleEntry {
  readonly check: string
  readonly why: string
}

/** The expected failures of one run. `apply` marks results; `stale` lists wrong entries at the end. */
export class Expectations {
  private readonly entries: ReadonlyArray<Entry>
  private readonly fulfilled = new Set<Entry>()
  private readonly contradicted = new Set<Entry>()

  constructor(entries: ReadonlyArray<Entry>, protocol: string, transport: Transport) {
    this.entries = entries.filter(
      ({ check, transports }) => check.startsWith(`${protocol}/`) && (transports ?? [transport]).includes(transport)
    )
  }

  /** Marks expected failures in a result. A scenario that was not run fulfills no entry. */
  apply(result: ScenarioResult): ScenarioResult {
    if (this.entries.length === 0 || result.verdict === "error" || isUnplayed(result)) return result
    const marked = result.checks.map((check) => {
      const entry = this.entries.find((one) => one.check === check.id || one.check === result.id)
      if (entry === undefined) return check
      if (green.has(check.verdict)) this.contradicted.add(entry)
      if (!red.has(check.verdict)) return check
      this.fulfilled.add(entry)
      return { ...check, expected: entry.reason }
    })
    return { ...result, checks: marked, verdict: worst(marked) }
  }

  /** Entries whose check is unknown or passed. `scenarios` are all scenarios, including those that were not run. */
  stale(scenarios: ReadonlyArray<Scenario>, protocol: Protocol): ReadonlyArray<StaleEntry> {
    const ids = new Set(
      scenarios.flatMap((one) => [
        one.id,
        ...checks(one, "documented", protocol),
        ...checks(one, "client-1.0", protocol)
      ])
    )
    return this.entries.flatMap((entry) => {
      const { check } = entry
      if (!ids.has(check)) return [{ check, why: "there is no such check" }]
      const passes = this.contradicted.has(entry) && !this.fulfilled.has(entry)
      return passes ? [{ check, why: "it passes" }] : []
    })
  }
}

export interface Rewritten {
  readonly entries: ReadonlyArray<Entry>
  readonly added: ReadonlyArray<string>
  readonly removed: ReadonlyArray<string>
}

/**
 * The entries for these results: keeps fulfilled ones with their reason, removes stale ones, and adds the other failures
 * with `reason`. The next run rejects entries with an empty reason.
 */
export const rewritten = (
  entries: ReadonlyArray<Entry>,
  scenarios: ReadonlyArray<ScenarioResult>,
  stale: ReadonlyArray<StaleEntry>,
  reason: string
): Rewritten => {
  const gone = new Set(stale.map(({ check }) => check))
  const kept = entries.filter(({ check }) => !gone.has(check))
  const played = scenarios.filter((one) => !isUnplayed(one))
  const failing = played.flatMap(({ checks: all }) =>
    all.filter(({ verdict, expected }) => expected === undefined && (verdict === "fail" || verdict === "not-testable"))
  )
  const added = [...new Set(failing.map(({ id }) => id))]
  return {
    entries: [...kept, ...added.map((check) => ({ check, reason }))].toSorted((a, b) => (a.check < b.check ? -1 : 1)),
    added,
    removed: [...gone]
  }
}
