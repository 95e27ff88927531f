/** What a run is asked to do, and what that means for the scenarios that there are. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { type Account, type Accounts, staticAccounts } from "../accounts/Accounts.ts"
import { applies, load, usualTransport } from "../scenarios/loadScenarios.ts"
import { type Entry, Expectations } from "./Expectations.ts"
import { anyGlob } from "../Glob.ts"
import { isArray, isObject, type Json } from "../Json.ts"
import { rolesOf, type RunContext } from "./scenario.ts"
import type { ScenarioResult } from "./Results.ts"
import { profileOf, type Protocol, type Scenario, type Transport, type Wire } from "../scenarios/Scenario.ts"
import { Redactor } from "../report/Redactor.ts"
import type { Target } from "../transport/Target.ts"
import type { Timing } from "./ScenarioContext.ts"

/** Which demands are judged: the documents', this project's own, or both. */
export type Judged = "documented" | "hardening" | "all"

export interface Options {
  /** Default `xuanxuan`. */
  readonly protocol?: string
  readonly target: Target
  /** Default: WebSocket, or `http` for a protocol without connections, which has no other. */
  readonly transport?: Transport
  /** Default: `documented`, but `client-1.0` on TCP, where there is no way to choose. */
  readonly wire?: Wire
  /** Default `documented`. */
  readonly profile?: Judged
  /** What is only recommended or optional fails like the rest, and what is only tolerated warns. */
  readonly strict?: boolean
  /** A source of accounts, or accounts by role. Default: the demo users, which also stand in for missing roles. */
  readonly accounts?: Accounts | { readonly [role: string]: Account }
  /** A glob over scenario ids, or several. */
  readonly only?: string | ReadonlyArray<string>
  /** Folders with further scenarios. */
  readonly sequences?: ReadonlyArray<string>
  /** Values of the scenario files, as texts, and what stands for them at this target: `{"ha-demo": "…"}`. */
  readonly literals?: { readonly [text: string]: string | number }
  /** What is known not to pass. */
  readonly expected?: ReadonlyArray<Entry>
  readonly timing?: Partial<Timing>
  /** Ends after the first scenario that does not pass; what was not played is not in the report. */
  readonly bail?: boolean
  /** Called once, with how many scenarios will be played. */
  readonly onPlan?: (scenarios: number) => void
  /** Called before each scenario that is played. */
  readonly onStart?: (scenario: Scenario) => void
  /** Called after each scenario. */
  readonly onScenario?: (result: ScenarioResult) => void
}

/** The options ask for something that cannot be: nothing was run. */
export class BadOptions extends Data.TaggedError("BadOptions")<{ readonly message: string }> {}

/** Milliseconds. */
export const defaultTiming: Timing = { reply: 5_000, close: 15_000, scenario: 60_000, run: 1_800_000 }

/** What was said in a run is kept up to this many characters. */
const mostCharacters = 48 * 1024 * 1024

export interface Plan {
  /** Without the accounts, which are asked for when the target is known to be there. */
  readonly stage: Omit<RunContext, "accounts" | "expiry">
  readonly accounts: Accounts
  readonly roles: ReadonlyArray<string>
  readonly address: string
  readonly chosen: ReadonlyArray<Scenario>
  readonly skipped: ReadonlyArray<Scenario>
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

/** Whether anything in a scenario is for this profile to judge. */
export const isJudged = (scenario: Scenario, profile: Judged): boolean =>
  profile === "all" || scenario.steps.some((step) => "check" in step && profileOf(scenario, step) === profile)

const credentials = (address: string | undefined): boolean =>
  address !== undefined && URL.canParse(address) && new URL(address).username !== ""

const addressOf = (target: Target, transport: Transport, protocol: string): string => {
  const address = { ws: target.ws, tcp: target.tcp, http: target.http }[transport]
  if (address === undefined || !URL.canParse(address)) {
    throw new BadOptions({ message: `no ${transport} address to connect to` })
  }
  if (!URL.canParse(target.http)) throw new BadOptions({ message: `${target.http} is no http address` })
  if ([target.http, target.ws, target.tcp].some(credentials)) {
    throw new BadOptions({ message: "an address must not have a user name and password in it" })
  }
  if (target.fetch !== undefined && transport !== "http") {
    throw new BadOptions({ message: `a handler in this process speaks HTTP only, and ${protocol} needs ${transport}` })
  }
  return address
}

/** Throws `BadOptions`, or `BadData` where a scenario file is at fault. */
export const plan = (options: Options): Plan => {
  const { protocol, scenarios } = load(options.protocol ?? "xuanxuan", options.sequences)
  const { target } = options
  const usual = usualTransport(protocol)
  const transport = options.transport ?? usual
  if ((transport === "http") !== (usual === "http")) {
    throw new BadOptions({ message: `${protocol.protocol} is not spoken over ${transport}` })
  }
  const address = addressOf(target, transport, protocol.protocol)
  const wire = options.wire ?? (transport === "tcp" ? "client-1.0" : "documented")
  if (transport === "tcp" && wire !== "client-1.0") {
    throw new BadOptions({ message: "a TCP connection has no way to choose a wire form: it is client-1.0" })
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
  const chosen = ready.filter((scenario) => applies(scenario, transport, wire))
  return {
    stage: {
      protocol: protocolWith(protocol, options.literals),
      wire,
      profile,
      strict: options.strict ?? false,
      transport,
      target,
      timing: { ...defaultTiming, ...options.timing },
      budget: { characters: mostCharacters },
      secrets
    },
    accounts: source,
    roles: [...new Set(chosen.flatMap((scenario) => Object.values(rolesOf(scenario))))],
    address,
    chosen,
    skipped: ready.filter((scenario) => !applies(scenario, transport, wire)),
    expectations: new Expectations(options.expected ?? [], protocol.protocol, transport),
    all: scenarios
  }
}
