/** Runs a protocol's scenarios against a server. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as EffectScope from "effect/Scope"
import { type Account, NotPrepared, type Provider, roleOf } from "./accounts/Accounts.ts"
import { openConnection, Unreachable } from "./transport/connect.ts"
import { runScenario, rolesOf, type RunContext, notTestable } from "./run/scenario.ts"
import { BadOptions, type Options, plan, type Plan } from "./run/plan.ts"
import { count, type Report, type ScenarioResult } from "./run/Results.ts"
import { BadData, type Scenario } from "./scenarios/Scenario.ts"
import type { Target } from "./transport/Target.ts"
import { lines } from "./report/Text.ts"

/** A scenario did not pass; the message is the report for a person. */
export class NotConforming extends Data.TaggedError("NotConforming")<{
  /** The report, for a person. */
  readonly message: string
  /** Result of the scenario. */
  readonly result: ScenarioResult
}> {}

/** A fault of the kit. */
export class KitFault extends Data.TaggedError("KitFault")<{
  /** The unexpected error, for a person. */
  readonly message: string
}> {}

/** Errors that prevent a run. */
export type CannotRun = BadOptions | BadData | Unreachable | NotPrepared | KitFault

const planEffect = (options: Options) =>
  Effect.try({
    try: () => plan(options),
    catch: (cause) =>
      cause instanceof BadOptions || cause instanceof BadData ? cause : new KitFault({ message: String(cause) })
  })

/** Checks that a server responds, with any response. */
export const probe = (address: string, timeout: number): Effect.Effect<Response, Unreachable> =>
  Effect.tryPromise({
    try: async (signal) => {
      const response = await fetch(address, { signal, redirect: "manual" })
      await response.body?.cancel()
      return response
    },
    catch: (cause) => {
      const why = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
      return new Unreachable({ address, message: why instanceof Error ? why.message : String(why) })
    }
  }).pipe(
    Effect.timeoutOption(timeout),
    Effect.flatMap((answered) =>
      Option.isSome(answered)
        ? Effect.succeed(answered.value)
        : Effect.fail(new Unreachable({ address, message: `no response within ${timeout} ms` }))
    )
  )

const checkReachable = ({ runContext, address }: Plan): Effect.Effect<unknown, Unreachable> => {
  if (runContext.target.fetch !== undefined) return Effect.void
  if (runContext.transport === "http") return probe(address, runContext.timing.reply)
  return Effect.scoped(openConnection(address, () => undefined, runContext.timing.reply))
}

/** Requests the accounts of the roles from a provider. */
const accountsOf = Effect.fnUntraced(function* (
  { actor }: Provider,
  roles: ReadonlyArray<string>,
  secrets: RunContext["secrets"]
) {
  const known: Record<string, Account> = {}
  for (const role of roles) {
    const account = yield* actor(role, roleOf(role))
    known[role] = account
    secrets.addPassword(account.password ?? "", role)
    secrets.add(account.token, `${role}.token`)
  }
  return known
})

interface PreparedRun {
  readonly full: RunContext
  readonly provider: Provider
}

/** The run context with its accounts, whose source is open until the scope closes. */
const withAccounts = ({
  runContext,
  accounts,
  roles
}: Plan): Effect.Effect<PreparedRun, NotPrepared, EffectScope.Scope> =>
  Effect.gen(function* () {
    const provider = yield* accounts
    if (provider.reset !== undefined) yield* provider.reset
    const known = yield* accountsOf(provider, roles, runContext.secrets)
    return { full: { ...runContext, accounts: known, expiry: provider.expiry }, provider }
  })

/** The accounts, with new ones for those whose own token the scenario has expired. */
const withFreshAccounts = (
  { provider, full }: PreparedRun,
  scenario: Scenario
): Effect.Effect<RunContext["accounts"], NotPrepared> => {
  const roles = rolesOf(scenario)
  const spent = scenario.steps.flatMap((step) => {
    const role = "expire" in step ? roles[step.by] : undefined
    return role === undefined || full.accounts[role]?.token === undefined ? [] : [role]
  })
  return accountsOf(provider, [...new Set(spent)], full.secrets).pipe(
    Effect.map((fresh) => ({ ...full.accounts, ...fresh }))
  )
}

const notApplicable = ({ id, title }: Scenario, reason: string): ScenarioResult => ({
  id,
  title,
  verdict: "not-applicable",
  checks: [],
  milliseconds: 0,
  exchanges: [],
  reason
})

const cannotExpire = "the account source cannot expire tokens"

const expires = (scenario: Scenario, { expiry }: RunContext): boolean =>
  expiry === undefined && scenario.steps.some((step) => "expire" in step)

/** The number of consecutive scenarios with a failed setup after which a run gives up. */
const MAX_FAILED_SETUPS = 10

const isSetUp = ({ checks }: ScenarioResult): boolean =>
  checks.every(({ id, verdict }) => !id.endsWith("#setup") || verdict !== "fail")

/** The number of consecutive scenarios with a timeout after which a run gives up. */
const MAX_SILENT = 10

/** Whether a response did not arrive in time. */
const isSilent = ({ checks }: ScenarioResult): boolean =>
  checks.some(({ evidence }) => /no response( within|: nothing arrived in time)/.test(evidence?.reason ?? ""))

const interrupted = "the run was interrupted"

/** Why the remaining scenarios are not run; `undefined` if they are. */
const endOf = (
  { signal }: Options,
  elapsed: number,
  longest: number,
  failedSetups: number,
  silent: number
): string | undefined => {
  if (signal?.aborted === true) return interrupted
  if (elapsed > longest) return `the run took longer than ${longest} ms`
  if (failedSetups >= MAX_FAILED_SETUPS) return `the setup of ${failedSetups} scenarios in a row failed`
  return silent >= MAX_SILENT ? `a response did not arrive in time in ${silent} scenarios in a row` : undefined
}

/** The result, or none if the signal comes first. */
const untilAborted = <A>(signal: AbortSignal | undefined, run: Effect.Effect<A>): Effect.Effect<Option.Option<A>> => {
  if (signal === undefined) return Effect.map(run, Option.some)
  const aborted = Effect.callback<Option.Option<A>>((resume) => {
    const end = () => resume(Effect.succeed(Option.none()))
    if (signal.aborted) return end()
    signal.addEventListener("abort", end, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", end))
  })
  return Effect.race(Effect.map(run, Option.some), aborted)
}

/**
 * Runs the scenarios one after another, because a user may have only one login at a time. Every scenario has a result,
 * even after the server became unusable or the run timed out.
 */
const runAll = (options: Options, { chosen, skipped, runContext, expectations }: Plan, ready: PreparedRun) =>
  Effect.gen(function* () {
    let full = ready.full
    const started = performance.now()
    const results: Array<ScenarioResult> = []
    let failedSetups = 0
    let silent = 0
    const done = (result: ScenarioResult) => {
      const marked = expectations.apply(result)
      results.push(marked)
      options.onScenario?.(marked)
      return marked
    }
    for (const scenario of chosen) {
      if (expires(scenario, full)) {
        done(notApplicable(scenario, cannotExpire))
        continue
      }
      const why = endOf(options, performance.now() - started, runContext.timing.run, failedSetups, silent)
      if (why !== undefined) {
        done(notTestable(full, scenario, why))
        continue
      }
      options.onStart?.(scenario)
      const played = yield* untilAborted(options.signal, runScenario(full, scenario))
      if (Option.isNone(played)) {
        done(notTestable(full, scenario, interrupted))
        continue
      }
      const result = done(played.value)
      silent = isSilent(result) ? silent + 1 : 0
      full = { ...full, accounts: yield* withFreshAccounts({ ...ready, full }, scenario) }
      failedSetups = isSetUp(result) ? 0 : failedSetups + 1
      if (options.bail === true && (result.verdict === "fail" || result.verdict === "error")) break
    }
    for (const [scenario, how] of skipped) done(notApplicable(scenario, how))
    return results
  })

const addressesOf = ({ http, ws, tcp }: Target): Report["target"] => ({
  http,
  ...(ws === undefined ? {} : { ws }),
  ...(tcp === undefined ? {} : { tcp })
})

/** Runs the scenarios. Fails if nothing can be evaluated; a server that does not conform gives a report. */
export const runEffect = (options: Options): Effect.Effect<Report, CannotRun> =>
  Effect.scoped(
    Effect.gen(function* () {
      const prepared = yield* planEffect(options)
      yield* checkReachable(prepared)
      const ready = yield* withAccounts(prepared)
      const runContext = ready.full
      const started = new Date()
      const clock = performance.now()
      options.onPlan?.(prepared.chosen.length)
      const scenarios = yield* runAll(options, prepared, ready)
      const staleEntries = prepared.expectations.stale(prepared.all, runContext.protocol)
      return {
        schemaVersion: 1,
        protocol: runContext.protocol.protocol,
        transport: runContext.transport,
        wire: runContext.wire,
        profile: runContext.profile,
        strict: runContext.strict,
        target: addressesOf(runContext.target),
        started: started.toISOString(),
        milliseconds: performance.now() - clock,
        scenarios,
        ...count(scenarios),
        stale: staleEntries.length,
        staleEntries
      }
    })
  )

/** `runEffect` as a promise. Rejects with `BadOptions`, `BadData`, `Unreachable`, `NotPrepared` or `KitFault`. */
export const run = (options: Options): Promise<Report> => Effect.runPromise(runEffect(options))

/** One scenario, to be run by a test runner. */
export interface Audit {
  /** Id of the scenario: `spark/start/new`. */
  readonly id: string
  /** Title of the scenario. */
  readonly title: string
  /** Rejects with `NotConforming` if a check fails or is not testable, and with `NotPrepared` without an account. */
  readonly run: () => Promise<void>
}

/**
 * The applicable scenarios one by one, for any test runner:
 * `for (const audit of audits(options)) it(audit.id, audit.run)`. Run them one after another; each requests its own
 * accounts. Throws `BadOptions` or `BadData`.
 */
export const audits = (options: Options): ReadonlyArray<Audit> => {
  const prepared = plan(options)
  return prepared.chosen.map((scenario) => ({
    id: scenario.id,
    title: scenario.title,
    run: async () => {
      const roles = [...new Set(Object.values(rolesOf(scenario)))]
      const result = await Effect.runPromise(
        Effect.scoped(
          Effect.gen(function* () {
            const { full } = yield* withAccounts({ ...prepared, roles })
            const played = expires(scenario, full)
              ? notApplicable(scenario, cannotExpire)
              : yield* runScenario(full, scenario)
            return prepared.expectations.apply(played)
          })
        )
      )
      options.onScenario?.(result)
      if (result.verdict === "fail" || result.verdict === "error") {
        throw new NotConforming({ message: lines(result).join("\n"), result })
      }
    }
  }))
}
