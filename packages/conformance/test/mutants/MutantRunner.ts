/**
 * Plays single scenarios through a mutant. Several lanes go at once, each with a server of its own, since a user may
 * have one live login.
 */
import {
  type Account,
  audits,
  type CheckResult,
  NotConforming,
  type Options,
  type ScenarioResult
} from "../../src/index.ts"
import type { Scenario } from "../../src/scenarios/Scenario.ts"
import type { Mutant } from "./Mutant.ts"
import { type Traffic, Proxy } from "./Proxy.ts"
import { type Reference, reference } from "./Reference.ts"
import { scenarioOf } from "./takenIds.ts"

export type More = Partial<Pick<Options, "transport" | "wire" | "timing" | "strict" | "accounts" | "profile">>

export interface Played {
  readonly result: ScenarioResult
  readonly traffic: Traffic
}

/** Of a scenario that no lane can play over WebSocket in the documented form, the way in which it is played. */
export const wayOf = (scenario: Scenario): More =>
  scenario.profiles?.includes("documented") === false ? { wire: "client-1.0" } : {}

/**
 * Mutants of what does not come wait for it each time: short at first, and longer where the machine is busy.
 * Milliseconds.
 */
const timings = [
  { reply: 150, close: 1_500, scenario: 10_000, run: 60_000 },
  { reply: 1_000, close: 3_000, scenario: 20_000, run: 60_000 },
  { reply: 4_000, close: 6_000, scenario: 50_000, run: 60_000 }
]

/** Nothing waits for the deadline where all is well, so it may be long. */
export const longTimeouts = { reply: 15_000, close: 15_000, scenario: 50_000, run: 300_000 }

/** Where a token is enough the kit does not log in, which is most of what a scenario over HTTP costs. */
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

  /** `flags` are Node's own, for the server. */
  static async open(...flags: ReadonlyArray<string>): Promise<MutantRunner> {
    const server = await reference(...flags)
    return new MutantRunner(server, await new Proxy(server.target).open(), await tokensAt(server.target.http))
  }

  async close(): Promise<void> {
    await this.proxy.close()
    await this.server.close()
  }

  /** All of a scenario's checks, of both profiles, with the server made wrong by the mutant. */
  async play(scenario: string, mutant: Mutant, more: More = {}): Promise<Played> {
    this.proxy.become(mutant)
    const protocol = scenario.slice(0, scenario.indexOf("/"))
    const results: Array<ScenarioResult> = []
    const expires = scenarioOf(scenario).steps.some((step) => "expire" in step)
    const given = protocol !== "xuanxuan" && more.accounts === undefined
    // A token that is let expire is of no more use to the scenarios that come later.
    const spent = expires
      ? { accounts: this.server.accounts(given ? await tokensAt(this.server.target.http) : {}) }
      : {}
    const known = protocol === "xuanxuan" ? {} : { accounts: this.accounts }
    const [audit] = audits({
      protocol,
      target: this.proxy.target,
      profile: "all",
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

/** That nothing came says nothing of a mutant, unless that is what is wrong with it: the machine may be slow. */
const isSilence = ({ evidence }: CheckResult): boolean => {
  const reason = evidence?.reason ?? ""
  return /no response|no such push|no answer|no connection/.test(reason) && !reason.includes("nearest:")
}

export interface Search extends More {
  /** The mutant is silent where something is due. */
  readonly silent?: boolean
}

/**
 * Those of a scenario's named checks that the mutant does not make fail. A busy machine can be too slow for a short
 * deadline, and then a check is not reached: so those that are missed are looked for again with a longer one.
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

/** Checks that were found wanting: what an earlier step took away does not count. */
export const failed = ({ checks }: ScenarioResult): ReadonlyArray<CheckResult> =>
  checks.filter(({ verdict }) => verdict === "fail" || verdict === "warn")

/** Gives every item to the next free lane; results are in the order of the items. */
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
  // A lane is free again before anybody hears of a failure.
  const ended = await Promise.allSettled(runners.map(go))
  for (const one of ended) if (one.status === "rejected") throw one.reason
  return results
}
