/** Runs a protocol's scenarios against a server. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as EffectScope from "effect/Scope"
import { type Account, NotPrepared, type Provider, roleOf } from "../accounts/Accounts.ts"
import { openConnection, Unreachable } from "../transport/connect.ts"
import { perform, rolesOf, type RunContext, unplayed } from "./scenario.ts"
import { BadOptions, type Options, plan, type Plan } from "./plan.ts"
import { count, type Report, type ScenarioResult } from "./Results.ts"
import { BadData, type Scenario } from "../scenarios/Scenario.ts"
import type { Target } from "../transport/Target.ts"
import { lines } from "../report/Text.ts"

/** A scenario did not pass; the message is what a person needs to see. */
export class NotConforming extends Data.TaggedError("NotConforming")<{
  readonly message: string
  readonly result: ScenarioResult
}> {}

/** The kit cannot work: its own files are wrong. */
export class HarnessFault extends Data.TaggedError("Kaput")<{ readonly message: string }> {}

/** Why nothing can be judged. */
export type CannotRun = BadOptions | BadData | Unreachable | NotPrepared | HarnessFault

const planned = (options: Options) =>
  Effect.try({
    try: () => plan(options),
    catch: (cause) =>
      cause instanceof BadOptions || cause instanceof BadData ? cause : new HarnessFault({ message: String(cause) })
  })

/** Whether anybody is there at all; what is answered does not matter. */
export const probe = (address: string, patience: number): Effect.Effect<Response, Unreachable> =>
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
    Effect.timeoutOption(patience),
    Effect.flatMap((answered) =>
      Option.isSome(answered)
        ? Effect.succeed(answered.value)
        : Effect.fail(new Unreachable({ address, message: `no answer within ${patience} ms` }))
    )
  )

const reach = ({ stage, address }: Plan): Effect.Effect<unknown, Unreachable> => {
  if (stage.target.fetch !== undefined) return Effect.void
  if (stage.transport === "http") return probe(address, stage.timing.reply)
  return Effect.scoped(openConnection(address, () => undefined, stage.timing.reply))
}

/** Asks a provider for the account of each of the roles. */
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

/** The stage with its accounts, which live as long as the scope. */
const staged = ({ stage, accounts, roles }: Plan): Effect.Effect<PreparedRun, NotPrepared, EffectScope.Scope> =>
  Effect.gen(function* () {
    const provider = yield* accounts
    if (provider.reset !== undefined) yield* provider.reset
    const known = yield* accountsOf(provider, roles, stage.secrets)
    return { full: { ...stage, accounts: known, expiry: provider.expiry }, provider }
  })

/** The accounts with new ones for those whose token, given and not got by a login, a scenario has let expire. */
const renewed = (
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

const notPlayed = ({ id, title }: Scenario, reason: string): ScenarioResult => ({
  id,
  title,
  verdict: "not-applicable",
  checks: [],
  milliseconds: 0,
  exchanges: [],
  reason
})

const cannotExpire = "the accounts come from where no token can be let expire"

const expires = (scenario: Scenario, { expiry }: RunContext): boolean =>
  expiry === undefined && scenario.steps.some((step) => "expire" in step)

/** After so many scenarios in a row that could not be set up, the others would not be either. */
const patienceWithSetups = 10

const isSetUp = ({ checks }: ScenarioResult): boolean =>
  checks.every(({ id, verdict }) => !id.endsWith("#setup") || verdict !== "fail")

/**
 * Plays one scenario after the other: a user may have one live login only, so two that share an actor would disturb each
 * other. Every scenario has a result, also once the server has stopped to be of use or the time is up.
 */
const playAll = (options: Options, { chosen, skipped, stage, expectations }: Plan, ready: PreparedRun) =>
  Effect.gen(function* () {
    let full = ready.full
    const started = performance.now()
    const results: Array<ScenarioResult> = []
    let inVain = 0
    const done = (result: ScenarioResult) => {
      const marked = expectations.apply(result)
      results.push(marked)
      options.onScenario?.(marked)
      return marked
    }
    for (const scenario of chosen) {
      if (expires(scenario, full)) {
        done(notPlayed(scenario, cannotExpire))
        continue
      }
      const late = performance.now() - started > stage.timing.run
      if (late || inVain >= patienceWithSetups) {
        const why = late ? `the run took longer than ${stage.timing.run} ms` : `${inVain} in a row could not be set up`
        done(unplayed(full, scenario, why))
        continue
      }
      options.onStart?.(scenario)
      const result = done(yield* perform(full, scenario))
      full = { ...full, accounts: yield* renewed({ ...ready, full }, scenario) }
      inVain = isSetUp(result) ? 0 : inVain + 1
      if (options.bail === true && (result.verdict === "fail" || result.verdict === "error")) break
    }
    const how = `for another transport or wire form than ${stage.transport}, ${stage.wire}`
    for (const scenario of skipped) done(notPlayed(scenario, how))
    return results
  })

const addressesOf = ({ http, ws, tcp }: Target): Report["target"] => ({
  http,
  ...(ws === undefined ? {} : { ws }),
  ...(tcp === undefined ? {} : { tcp })
})

/** Fails where nothing can be judged; a server that does not conform is a report. */
export const runEffect = (options: Options): Effect.Effect<Report, CannotRun> =>
  Effect.scoped(
    Effect.gen(function* () {
      const prepared = yield* planned(options)
      yield* reach(prepared)
      const ready = yield* staged(prepared)
      const stage = ready.full
      const started = new Date()
      const clock = performance.now()
      options.onPlan?.(prepared.chosen.length)
      const scenarios = yield* playAll(options, prepared, ready)
      const staleEntries = prepared.expectations.stale(prepared.all, stage.protocol)
      return {
        schemaVersion: 1,
        protocol: stage.protocol.protocol,
        transport: stage.transport,
        wire: stage.wire,
        profile: stage.profile,
        strict: stage.strict,
        target: addressesOf(stage.target),
        started: started.toISOString(),
        milliseconds: performance.now() - clock,
        scenarios,
        ...count(scenarios),
        stale: staleEntries.length,
        staleEntries
      }
    })
  )

/** `runEffect` as a promise, rejected with `BadOptions`, `BadData`, `Unreachable`, `NotPrepared` or `Kaput`. */
export const run = (options: Options): Promise<Report> => Effect.runPromise(runEffect(options))

export interface Audit {
  readonly id: string
  readonly title: string
  /** Rejected with `NotConforming` where a check fails or is not testable, and with `NotPrepared` without an account. */
  readonly run: () => Promise<void>
}

/**
 * The applicable scenarios one by one, for any test runner:
 * `for (const audit of audits(options)) it(audit.id, audit.run)`. Run them one after another; each asks for its accounts
 * anew. Throws `BadOptions` or `BadData`.
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
            const { full } = yield* staged({ ...prepared, roles })
            const played = expires(scenario, full) ? notPlayed(scenario, cannotExpire) : yield* perform(full, scenario)
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
