/** Options of a run, and the plan that they give. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { type Account, type Accounts, staticAccounts } from "../accounts/Accounts.ts"
import type { Organization } from "../accounts/Organization.ts"
import { applies, load, usualTransport } from "../scenarios/loadScenarios.ts"
import { type Entry, Expectations } from "./Expectations.ts"
import { anyGlob } from "../Glob.ts"
import { isArray, isObject, type Json } from "../Json.ts"
import { rolesOf, type RunContext } from "./scenario.ts"
import type { ScenarioResult } from "./Results.ts"
import {
  type Feature,
  hasStepsOf,
  type Profile,
  type Protocol,
  type Scenario,
  type Transport,
  type Wire
} from "../scenarios/Scenario.ts"
import { Redactor } from "./Redactor.ts"
import type { Target } from "../transport/Target.ts"
import type { Timing } from "./ScenarioContext.ts"

/** Which checks are evaluated: those of one profile, or all. */
export type Judged = Profile | "all"

/** Options of `run` and `audits`. */
export interface Options {
  /** Default `xuanxuan`. */
  readonly protocol?: string
  /** The server under test. */
  readonly target: Target
  /** Default: WebSocket, or `http` for a protocol without connections, which has no other transport. */
  readonly transport?: Transport
  /** Default: `documented`; `client-1.0` on TCP, which has no other. */
  readonly wire?: Wire
  /** Default `documented`. */
  readonly profile?: Judged
  /** SHOULD and MAY fail like MUST, and tolerated forms warn. */
  readonly strict?: boolean
  /** A source of accounts, or accounts by role. Default: the demo accounts, which also fill missing roles. */
  readonly accounts?: Accounts | { readonly [role: string]: Account }
  /** An organization with its users, for the scenarios about one; they are not applicable without it. */
  readonly organization?: Organization
  /** A glob over scenario ids, or several. */
  readonly only?: string | ReadonlyArray<string>
  /** Folders with further scenarios. */
  readonly sequences?: ReadonlyArray<string>
  /** Replacements for values of the scenario files at this target: `{"ha-demo": "…"}`. */
  readonly literals?: { readonly [text: string]: string | number }
  /** Expected failures. */
  readonly expected?: ReadonlyArray<Entry>
  /** Timeouts of a step, in milliseconds. */
  readonly timing?: Partial<Timing>
  /** Globs over ids of scenarios that are not run. */
  readonly skip?: string | ReadonlyArray<string>
  /** Features that the server does not have: scenarios that need one of them are not applicable. */
  readonly without?: ReadonlyArray<Feature>
  /** Ends the run: the scenarios that were not run by then have no verdict, and the report has the others. */
  readonly signal?: AbortSignal
  /** Ends after the first scenario that does not pass; later ones are not in the report. */
  readonly bail?: boolean
  /** Called once with the number of scenarios to run. */
  readonly onPlan?: (scenarios: number) => void
  /** Called before each scenario. */
  readonly onStart?: (scenario: Scenario) => void
  /** Called after each scenario. */
  readonly onScenario?: (result: ScenarioResult) => void
}

/** Invalid options; nothing was run. */
export class BadOptions extends Data.TaggedError("BadOptions")<{
  /** The option and its problem, for a person. */
  readonly message: string
}> {}

/** Milliseconds. */
export const defaultTiming: Timing = { reply: 5_000, close: 15_000, scenario: 60_000, run: 1_800_000 }

/** Why a scenario about an organization is not run. */
export const NO_ORGANIZATION = 'the configuration names no "organization" with its users'

/** The largest number of characters of exchanged messages that a run keeps. */
const MAX_CHARACTERS = 48 * 1024 * 1024

export interface Plan {
  /** Without the accounts, which are requested after the target was reached. */
  readonly runContext: Omit<RunContext, "accounts" | "expiry">
  readonly accounts: Accounts
  readonly roles: ReadonlyArray<string>
  readonly address: string
  readonly chosen: ReadonlyArray<Scenario>
  /** Scenarios that are not applicable, with the reason. */
  readonly skipped: ReadonlyArray<readonly [scenario: Scenario, reason: string]>
  readonly expectations: Expectations
  readonly all: ReadonlyArray<Scenario>
}

const replaced = (template: Json, literals: NonNullable<Options["literals"]>): Json => {
  if (typeof template === "string" || typeof template === "number") {
    const key = String(template)
    return Object.hasOwn(literals, key) ? (literals[key] ?? template) : template
  }
  if (isArray(template)) return template.map((item) => replaced(item, literals))
  if (!isObject(template)) return template
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, replaced(value, literals)]))
}

const scenarioWith = (scenario: Scenario, literals: Options["literals"]): Scenario =>
  literals === undefined ? scenario : Object.assign({}, scenario, replaced({ ...scenario }, literals))

const protocolWith = (protocol: Protocol, literals: Options["literals"]): Protocol =>
  literals === undefined ? protocol : Object.assign({}, protocol, replaced({ ...protocol }, literals))

/** Whether any check of a scenario belongs to the profile; `secrets` belongs to `hardening`. */
export const isJudged = (scenario: Scenario, profile: Judged): boolean =>
  hasStepsOf(scenario, profile) || (profile === "hardening" && scenario.profile !== "parley")

const credentials = (address: string | undefined): boolean =>
  address !== undefined && URL.canParse(address) && new URL(address).username !== ""

const addressOf = (target: Target, transport: Transport, protocol: string): string => {
  const address = { ws: target.ws, tcp: target.tcp, http: target.http }[transport]
  if (address === undefined || !URL.canParse(address)) {
    throw new BadOptions({ message: `no ${transport} address to connect to` })
  }
  if (!URL.canParse(target.http)) throw new BadOptions({ message: `${target.http} is not an http address` })
  if ([target.http, target.ws, target.tcp].some(credentials)) {
    throw new BadOptions({ message: "an address must not contain a user name or password" })
  }
  if (target.fetch !== undefined && transport !== "http") {
    throw new BadOptions({
      message: `a handler in this process supports HTTP only, and ${protocol} needs ${transport}`
    })
  }
  return address
}

/** Plans a run. Throws `BadOptions`, or `BadData` for a malformed scenario file. */
export const plan = (options: Options): Plan => {
  const { protocol, scenarios } = load(options.protocol ?? "xuanxuan", options.sequences)
  const { target } = options
  const usual = usualTransport(protocol)
  const transport = options.transport ?? usual
  if ((transport === "http") !== (usual === "http")) {
    throw new BadOptions({ message: `${protocol.protocol} is not served over ${transport}` })
  }
  const address = addressOf(target, transport, protocol.protocol)
  const wire = options.wire ?? (transport === "tcp" ? "client-1.0" : "documented")
  if (transport === "tcp" && wire !== "client-1.0") {
    throw new BadOptions({ message: "a TCP connection supports the wire form client-1.0 only" })
  }
  const profile = options.profile ?? "documented"
  const fits = anyGlob(options.only)
  const matching = scenarios.filter(({ id }) => fits(id))
  if (matching.length === 0) throw new BadOptions({ message: `no scenario matches ${String(options.only)}` })
  const wanted = matching.filter((scenario) => isJudged(scenario, profile))
  if (wanted.length === 0) {
    throw new BadOptions({ message: `nothing of ${String(options.only)} belongs to the profile ${profile}` })
  }
  const { accounts } = options
  const source =
    accounts === undefined ? staticAccounts({}) : Effect.isEffect(accounts) ? accounts : staticAccounts(accounts)
  const secrets = new Redactor()
  const ready = wanted.map((scenario) => scenarioWith(scenario, options.literals))
  for (const scenario of ready) secrets.addKeys(Object.assign({}, scenario))
  for (const value of Object.values(options.literals ?? {})) secrets.add(value, "literal")
  const { organization } = options
  for (const { name, password } of organization?.users ?? [])
    if (password !== undefined) secrets.addPassword(password, name)
  const leftOut = (options.skip ?? []).length === 0 ? () => false : anyGlob(options.skip)
  const reasonOf = (scenario: Scenario): string | undefined => {
    if (!applies(scenario, transport, wire)) return `for another transport or wire form than ${transport}, ${wire}`
    if (leftOut(scenario.id)) return "left out by --skip"
    const missing = (scenario.needs ?? []).filter((feature) => options.without?.includes(feature))
    if (missing.length > 0) return `the server does not have: ${missing.join(", ")}`
    return scenario.facts !== undefined && organization === undefined ? NO_ORGANIZATION : undefined
  }
  const chosen = ready.filter((scenario) => reasonOf(scenario) === undefined)
  return {
    runContext: {
      protocol: protocolWith(protocol, options.literals),
      wire,
      profile,
      strict: options.strict ?? false,
      transport,
      target,
      timing: { ...defaultTiming, ...options.timing },
      ...(organization === undefined ? {} : { organization }),
      budget: { characters: MAX_CHARACTERS },
      secrets
    },
    accounts: source,
    roles: [...new Set(chosen.flatMap((scenario) => Object.values(rolesOf(scenario))))],
    address,
    chosen,
    skipped: ready.flatMap((scenario) => {
      const reason = reasonOf(scenario)
      return reason === undefined ? [] : [[scenario, reason] as const]
    }),
    expectations: new Expectations(options.expected ?? [], protocol.protocol, transport),
    all: scenarios
  }
}
