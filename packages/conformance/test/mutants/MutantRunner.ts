/**
 * Runs single scenarios through a mutant. Several runners work in parallel, each with its own server, because a user may
 * have only one login at a time.
 */
import {
  type Account,
  audits,
  type CheckResult,
  demoOrganization,
  NotConforming,
  type Options,
  type ScenarioResult
} from "../../src/index.ts"
import type { Scenario } from "../../src/scenarios/Scenario.ts"
import type { Mutant } from "./Mutant.ts"
import { type Traffic, Proxy } from "./Proxy.ts"
import { type Reference, reference } from "./Reference.ts"
import { scenarioOf } from "./takenIds.ts"
import { repetitions } from "../../../../scripts/repetitions.ts"

export type More = Partial<Pick<Options, "transport" | "wire" | "timing" | "strict" | "accounts" | "profile">>

export interface Played {
  readonly result: ScenarioResult
  readonly traffic: Traffic
}

/** The transport and wire form of scenarios that cannot run over WebSocket in the documented form. */
export const wayOf = (scenario: Scenario): More =>
  scenario.profiles?.includes("documented") === false ? { wire: "client-1.0" } : {}

/**
 * Timeouts for mutants that suppress messages, in milliseconds: short at first, and longer for a busy machine.
 */
const timings = [
  { reply: 150, close: 1_500, scenario: 10_000, run: 60_000 },
  { reply: 1_000, close: 3_000, scenario: 20_000, run: 60_000 },
  { reply: 4_000, close: 6_000, scenario: 50_000, run: 60_000 }
]

/** Timeouts for runs without faults, in which nothing waits for them. */
export const longTimeouts = { reply: 15_000, close: 15_000, scenario: 50_000, run: 300_000 }

/** With a token the kit does not log in, which is most of the cost of an HTTP scenario. */
export const tokensAt = async (http: string): Promise<{ readonly [role: string]: Account }> => {
  const names = ["admin", "demo", "alice", "bob", "carol", "dave", "erin"]
  const accounts = names.map(async (account) => {
    const body = JSON.stringify({ account, password: "123456" })
    const headers = { "content-type": "application/json" }
    const response = await fetch(`${http}/auth/login`, { method: "POST", headers, body })
    const { token, user }: { token: string; user: { id: number } } = JSON.parse(await response.text())
    return [account, { account, password: "123456", token, id: user.id }] as const
  })
  return Object.fromEntries(await Promise.all(accounts))
}

export class MutantRunner {
  readonly server: Reference
  private readonly proxy: Proxy
  private readonly accounts: NonNullable<Options["accounts"]>

  private constructor(server: Reference, proxy: Proxy, accounts: NonNullable<Options["accounts"]>) {
    this.server = server
    this.proxy = proxy
    this.accounts = accounts
  }

  /** `flags` are Node flags of the server. */
  static async open(...flags: ReadonlyArray<string>): Promise<MutantRunner> {
    const server = await reference(...flags)
    return new MutantRunner(server, await new Proxy(server.target).open(), await tokensAt(server.target.http))
  }

  async close(): Promise<void> {
    await this.proxy.close()
    await this.server.close()
  }

  /** Runs a scenario with the checks of both profiles through a mutant. */
  async play(scenario: string, mutant: Mutant, more: More = {}): Promise<Played> {
    this.proxy.become(mutant)
    const protocol = scenario.slice(0, scenario.indexOf("/"))
    const results: Array<ScenarioResult> = []
    const expires = scenarioOf(scenario).steps.some((step) => "expire" in step)
    const given = protocol !== "xuanxuan" && more.accounts === undefined
    // An expired token cannot be used by later scenarios.
    const spent = expires
      ? { accounts: this.server.accounts(given ? await tokensAt(this.server.target.http) : {}) }
      : {}
    const known = protocol === "xuanxuan" ? {} : { accounts: this.accounts }
    const [audit] = audits({
      protocol,
      target: this.proxy.target,
      profile: "all",
      organization: demoOrganization,
      only: scenario,
      timing: longTimeouts,
      ...known,
      ...wayOf(scenarioOf(scenario)),
      ...more,
      ...spent,
      onScenario: (result) => results.push(result)
    })
    await audit?.run().catch((cause: unknown) => {
      if (!(cause instanceof NotConforming)) throw cause
    })
    const [result] = results
    if (result === undefined) throw new Error(`${scenario} was not played`)
    return { result, traffic: this.proxy.traffic }
  }
}

/** Opens the runners of a test file. */
export const openRunners = (): Promise<ReadonlyArray<MutantRunner>> =>
  Promise.all(Array.from({ length: repetitions(3, 2) }, () => MutantRunner.open()))

/** A timeout does not prove detection, unless the mutant is silent: the machine may be slow. */
const isSilence = ({ evidence }: CheckResult): boolean => {
  const reason = evidence?.reason ?? ""
  return /no response|no such push|no answer|no connection/.test(reason) && !reason.includes("nearest:")
}

export interface Search extends More {
  /** The mutant does not send something that is expected. */
  readonly silent?: boolean
}

/**
 * The named checks of a scenario that do not detect the mutant. Repeats undetected ones with longer timeouts, because a
 * busy machine may not reach a check within a short one.
 */
export const undetected = async (
  runner: MutantRunner,
  scenario: string,
  mutant: () => Mutant,
  targetChecks: ReadonlyArray<string>,
  { silent = false, ...more }: Search = {}
): Promise<ReadonlyArray<string>> => {
  let left = targetChecks
  for (const timing of timings) {
    const { result } = await runner.play(scenario, mutant(), { ...more, timing })
    if (result.verdict === "error") throw new Error(`${scenario}: ${result.reason}`)
    const found = new Set(
      failed(result)
        .filter((check) => silent || !isSilence(check))
        .map(({ id }) => id)
    )
    left = left.filter((id) => !found.has(id))
    if (left.length === 0) return left
  }
  return left
}

/** Failed checks, without those that are not testable. */
export const failed = ({ checks }: ScenarioResult): ReadonlyArray<CheckResult> =>
  checks.filter(({ verdict }) => verdict === "fail" || verdict === "warn")

/** Distributes items among the runners; results are in the order of the items. */
export const distribute = async <A, B>(
  runners: ReadonlyArray<MutantRunner>,
  items: ReadonlyArray<A>,
  work: (runner: MutantRunner, item: A) => Promise<B>
): Promise<ReadonlyArray<B>> => {
  const results: Array<B> = []
  let next = 0
  const go = async (runner: MutantRunner) => {
    for (let at = next++; at < items.length; at = next++) {
      const item = items[at]
      if (item !== undefined) results[at] = await work(runner, item)
    }
  }
  // The runner is released before a failure is reported.
  const ended = await Promise.allSettled(runners.map(go))
  for (const one of ended) if (one.status === "rejected") throw one.reason
  return results
}
