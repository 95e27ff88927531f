/** Runs a protocol's scenarios against a server by its addresses. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { applies, glob, load, usualTransport } from "./Catalogue.ts"
import { dial, Unreachable } from "./Dial.ts"
import { perform, type Stage } from "./Perform.ts"
import { lines, type Report, report, type ScenarioResult } from "./Report.ts"
import type { Profile, Scenario, Transport } from "./Scenario.ts"
import type { Account, Target, Timing } from "./World.ts"

export interface Options {
  /** Default `xuanxuan`. */
  readonly protocol?: string
  readonly target: Target
  /** Default: WebSocket, or `http` for a protocol without connections, which has no other. */
  readonly transport?: Transport
  /** Default: `documented`, but `client-1.0` on TCP, where there is no way to choose. */
  readonly profile?: Profile
  /** By role; those that are missing are the demo users. */
  readonly accounts?: { readonly [role: string]: Account }
  /** A glob over scenario ids, or several. */
  readonly only?: string | ReadonlyArray<string>
  readonly timing?: Partial<Timing>
  /** Called after each scenario. */
  readonly onScenario?: (result: ScenarioResult) => void
}

/** The options ask for something that cannot be: nothing was run. */
export class BadOptions extends Data.TaggedError("BadOptions")<{ readonly message: string }> {}

/** A scenario did not pass; the message is what a person needs to see. */
export class NotConforming extends Data.TaggedError("NotConforming")<{
  readonly message: string
  readonly result: ScenarioResult
}> {}

/** Milliseconds. */
export const defaultTiming: Timing = { reply: 5_000, close: 15_000, scenario: 60_000 }

/** The users that a server under judgement has unless it is told otherwise; `admin` is a system administrator. */
export const demoAccounts: { readonly [role: string]: Account } = Object.fromEntries(
  ["admin", "demo", "alice", "bob", "carol", "dave", "erin"].map((account) => [
    account,
    { account, password: "123456" }
  ])
)

interface Plan {
  readonly stage: Stage
  readonly address: string
  readonly chosen: ReadonlyArray<Scenario>
  readonly skipped: ReadonlyArray<Scenario>
}

const plan = (options: Options): Plan => {
  const { protocol, scenarios } = load(options.protocol ?? "xuanxuan")
  const { target } = options
  const usual = usualTransport(protocol)
  const transport = options.transport ?? usual
  if ((transport === "http") !== (usual === "http")) {
    throw new BadOptions({ message: `${protocol.protocol} is not spoken over ${transport}` })
  }
  const address = { ws: target.ws, tcp: target.tcp, http: target.http }[transport]
  const profile = options.profile ?? (transport === "tcp" ? "client-1.0" : "documented")
  if (address === undefined || !URL.canParse(address)) {
    throw new BadOptions({ message: `no ${transport} address to connect to` })
  }
  if (!URL.canParse(target.http)) throw new BadOptions({ message: `${target.http} is no http address` })
  if (transport === "tcp" && profile !== "client-1.0") {
    throw new BadOptions({ message: "a TCP connection has no way to choose a profile: it is client-1.0" })
  }
  const globs = [options.only ?? "**"].flat().map(glob)
  const wanted = scenarios.filter(({ id }) => globs.some((fits) => fits(id)))
  if (wanted.length === 0) throw new BadOptions({ message: `no scenario matches ${String(options.only)}` })
  const timing = { ...defaultTiming, ...options.timing }
  const accounts = { ...demoAccounts, ...options.accounts }
  return {
    stage: { protocol, profile, transport, target, timing, accounts },
    address,
    chosen: wanted.filter((scenario) => applies(scenario, transport, profile)),
    skipped: wanted.filter((scenario) => !applies(scenario, transport, profile))
  }
}

const planned = (options: Options) =>
  Effect.try({
    try: () => plan(options),
    catch: (cause) => (cause instanceof BadOptions ? cause : new Kaput({ message: String(cause) }))
  })

/** The kit cannot work: its own files are wrong. */
export class Kaput extends Data.TaggedError("Kaput")<{ readonly message: string }> {}

/** Whether anybody is there at all; what is answered does not matter. */
const knock = (address: string, patience: number): Effect.Effect<void, Unreachable> =>
  Effect.tryPromise({
    try: async (signal) => {
      const until = AbortSignal.any([signal, AbortSignal.timeout(patience)])
      const response = await fetch(address, { signal: until, redirect: "manual" })
      await response.body?.cancel()
    },
    catch: (cause) => {
      const why = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
      return new Unreachable({ address, message: why instanceof Error ? why.message : String(why) })
    }
  })

const greyed = ({ id, title }: Scenario): ScenarioResult => ({
  id,
  title,
  verdict: "not-applicable",
  checks: [],
  milliseconds: 0,
  exchanges: []
})

/**
 * Plays the scenarios one after another: a user may have one live login only, so two that share an actor would disturb
 * each other. Fails where nothing can be judged; a server that does not conform is a report.
 */
export const runEffect = (options: Options): Effect.Effect<Report, BadOptions | Unreachable | Kaput> =>
  Effect.gen(function* () {
    const { stage, address, chosen, skipped } = yield* planned(options)
    yield* stage.transport === "http"
      ? knock(address, stage.timing.reply)
      : Effect.scoped(dial(address, () => undefined))
    const results = yield* Effect.forEach(chosen, (scenario) =>
      perform(stage, scenario).pipe(Effect.tap((result) => Effect.sync(() => options.onScenario?.(result))))
    )
    const grey = skipped.map(greyed)
    for (const result of grey) options.onScenario?.(result)
    return report(stage.protocol.protocol, stage.transport, stage.profile, [...results, ...grey])
  })

/** `runEffect` as a promise, rejected with `BadOptions`, `Unreachable` or `Kaput`. */
export const run = (options: Options): Promise<Report> => Effect.runPromise(runEffect(options))

export interface Audit {
  readonly id: string
  readonly title: string
  /** Rejected with `NotConforming` where a check does not pass. */
  readonly run: () => Promise<void>
}

/**
 * The applicable scenarios one by one, for any test runner:
 * `for (const audit of audits(options)) it(audit.id, audit.run)`. Run them one after another. Throws `BadOptions`.
 */
export const audits = (options: Options): ReadonlyArray<Audit> => {
  const { stage, chosen } = plan(options)
  return chosen.map((scenario) => ({
    id: scenario.id,
    title: scenario.title,
    run: async () => {
      const result = await Effect.runPromise(perform(stage, scenario))
      options.onScenario?.(result)
      if (result.verdict !== "pass") throw new NotConforming({ message: lines(result).join("\n"), result })
    }
  }))
}
