/** Checks that a target is ready for a run: reachability, clock, protocols and accounts, each with a fix. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Account, roleOf } from "./accounts/Accounts.ts"
import { load } from "./scenarios/loadScenarios.ts"
import { openConnection } from "./transport/connect.ts"
import { requestOf } from "./run/http.ts"
import { isObject, parse } from "./Json.ts"
import { isAbout } from "./transport/Connection.ts"
import { runScenario, type RunContext } from "./run/scenario.ts"
import { NO_ORGANIZATION, type Options, plan, type Plan } from "./run/plan.ts"
import type { Request } from "./Reproduce.ts"
import { probe } from "./run.ts"
import type { Protocol, Scenario } from "./scenarios/Scenario.ts"
import { reads } from "./match/Variables.ts"

export interface Finding {
  readonly good: boolean
  /** Informational: neither good nor bad. */
  readonly note?: true
  readonly what: string
  /** How to fix it; present when `good` is false. */
  readonly fix?: string
}

/** The timeout of each probe, in milliseconds. */
const timeout = 3_000
/**
 * The largest accepted clock skew, in seconds: tokens, signatures and recent times are compared with this machine's
 * clock.
 */
const mostSkew = 60

const good = (what: string): Finding => ({ good: true, what })
const bad = (what: string, fix: string): Finding => ({ good: false, what, fix })
const note = (what: string): Finding => ({ good: true, note: true, what })

const clock = (response: Response, startedAt: number): Finding => {
  const date = Date.parse(response.headers.get("date") ?? "")
  if (Number.isNaN(date)) return note("the server sends no Date header, so its clock cannot be compared")
  // The header has whole seconds, and the response took time.
  const skew = Math.round((date - (startedAt + Date.now()) / 2) / 1000)
  const message = `its clock is ${Math.abs(skew)} s ${skew < 0 ? "behind" : "ahead"}`
  if (Math.abs(skew) <= 1) return good("its clock agrees with this machine's")
  return Math.abs(skew) <= mostSkew
    ? good(message)
    : bad(message, "set both clocks by NTP: tokens and times are compared")
}

const reachable = (http: string): Effect.Effect<ReadonlyArray<Finding>> => {
  const startedAt = Date.now()
  return probe(http, timeout).pipe(
    Effect.map((response) => [good(`${http} responds (${response.status})`), clock(response, startedAt)]),
    Effect.catch(({ message }) =>
      Effect.succeed([bad(`${http} does not respond: ${message}`, "start the server, or correct --url")])
    )
  )
}

/** Whether the server responds in any way to the protocol's barrier request on a connection. */
const speaks = (protocol: Protocol, address: string): Effect.Effect<boolean | string> =>
  Effect.scoped(
    openConnection(address, () => undefined, timeout).pipe(
      Effect.flatMap((connection) => {
        connection.send(JSON.stringify(protocol.barrier))
        const about = protocol.barrier ?? { module: "", method: "" }
        return connection.next(
          ({ body }) => (isAbout(body, about.module, about.method) || isAbout(body, "null", "null") ? true : undefined),
          timeout
        )
      }),
      Effect.map((seen) => seen === true),
      Effect.catch(({ message }) => Effect.succeed(message))
    )
  )

/** The first request of the documented scenarios, with this token as its only variable. */
const firstRequest = ({ protocol, scenarios }: ReturnType<typeof load>, http: string, token: string) => {
  for (const { steps } of scenarios) {
    for (const step of steps) {
      if (!("http" in step) || step.source.doc !== protocol.protocol) continue
      const names = [...reads({ ...step })].map((name) => [name, name.endsWith(".token") ? token : "0"] as const)
      return requestOf(step, http, new Map(names))
    }
  }
  return undefined
}

/** The status of a JSON response; `undefined` for any other response or none. */
const statusOf = (request: Request): Effect.Effect<number | undefined> =>
  Effect.tryPromise(async (signal) => {
    // The body is empty, so the request has no effect.
    const body = request.method === "GET" || request.method === "HEAD" ? {} : { body: "{}" }
    const headers = { ...Object.fromEntries(request.headers), "content-type": "application/json" }
    const response = await fetch(request.url, { method: request.method, headers, signal, redirect: "manual", ...body })
    const text = (await response.text()).slice(0, 100_000)
    return isObject(parse(text)) ? response.status : undefined
  }).pipe(
    Effect.timeoutOption(timeout),
    Effect.map(Option.getOrUndefined),
    Effect.catch(() => Effect.succeed(undefined))
  )

/** Whether a protocol is served at an address. Changes nothing: no request is authorized. */
export const detect = (options: Options): Effect.Effect<boolean> =>
  Effect.suspend(() => {
    const scenarioSet = load(options.protocol ?? "", options.sequences)
    const { target } = options
    if (scenarioSet.protocol.barrier !== undefined) {
      const address = options.transport === "tcp" ? target.tcp : target.ws
      if (address === undefined) return Effect.succeed(false)
      return speaks(scenarioSet.protocol, address).pipe(Effect.map((seen) => seen === true))
    }
    const request = firstRequest(scenarioSet, target.http, "0")
    if (request === undefined) return Effect.succeed(false)
    return statusOf(request).pipe(Effect.map((status) => status !== undefined && status !== 404 && status !== 405))
  })

const loginOf = (protocol: string, role: string): Scenario => ({
  id: `${protocol}/doctor/login`,
  title: "",
  actors: [role],
  steps: []
})

/** Whether the server accepts an account's token: it may refuse the empty request, but not with 401. */
const tokenFinding = (plan: Plan, role: string, token: string): Effect.Effect<Finding> =>
  Effect.suspend(() => {
    const { protocol, target } = plan.runContext
    const name = protocol.protocol
    const request = firstRequest({ protocol, scenarios: plan.all }, target.http, token)
    const status = request === undefined ? Effect.succeed(undefined) : statusOf(request)
    return status.pipe(
      Effect.map((found) =>
        found === 401
          ? bad(`${name}: the token of ${role} is refused (401)`, "give a valid token: --accounts")
          : good(`${name}: the token of ${role} is not refused`)
      )
    )
  })

const tokenHint = (account: Account): string =>
  account.token === undefined
    ? "; a token in the account makes this login unnecessary"
    : "; beside its token the account needs its id, or the kit logs in to learn it"

const accountFindings = (prepared: Plan): Effect.Effect<ReadonlyArray<Finding>> => {
  const { accounts, roles, runContext } = prepared
  const name = runContext.protocol.protocol
  const needsLogin = runContext.protocol.routines["login"] !== undefined
  return Effect.scoped(
    Effect.gen(function* () {
      const provider = yield* accounts
      const found: Array<Finding> = []
      for (const role of roles) {
        const account = yield* provider.actor(role, roleOf(role))
        runContext.secrets.addPassword(account.password ?? "", role)
        runContext.secrets.add(account.token, `${role}.token`)
        if (!needsLogin) continue
        if (runContext.transport === "http" && account.token !== undefined) {
          found.push(yield* tokenFinding(prepared, role, account.token))
        }
        const full: RunContext = { ...runContext, accounts: { [role]: account }, expiry: provider.expiry }
        const result = yield* runScenario(full, loginOf(name, role))
        const failed = result.checks.find(({ verdict }) => verdict !== "pass")
        if (failed === undefined && account.token !== undefined && runContext.transport === "http") continue
        const fix = `create ${account.account} with this password, or give other accounts: --accounts`
        const token = runContext.transport === "http" ? tokenHint(account) : ""
        found.push(
          failed === undefined
            ? good(`${name}: ${role} logs in as ${account.account}`)
            : bad(
                `${name}: ${role} cannot log in as ${account.account}: ${failed.evidence?.reason ?? ""}`,
                `${fix}${token}`
              )
        )
      }
      if (!needsLogin) found.push(good(`${name}: needs no login`))
      return found
    })
  ).pipe(
    Effect.catch(({ message }) =>
      Effect.succeed([bad(`${name}: ${runContext.secrets.hide(message)}`, "correct the account source: --accounts")])
    )
  )
}

/** The first request of the planned scenarios whose response shows the users of the organization. */
const organizationStep = ({ chosen }: Plan) =>
  chosen
    .flatMap(({ facts, steps }) => (facts === undefined ? [] : steps))
    .find((step) => "http" in step && step.http.method === "GET" && reads({ ...step }).has("organization.contacts"))

/** Whether the server lists the users of the organization that the configuration names. */
const organizationFindings = (prepared: Plan): Effect.Effect<ReadonlyArray<Finding>> => {
  const { runContext, skipped } = prepared
  const name = runContext.protocol.protocol
  const left = skipped.filter(([, reason]) => reason === NO_ORGANIZATION).map(([{ id }]) => id)
  if (left.length > 0) return Effect.succeed([note(`${name}: ${NO_ORGANIZATION}, so ${left.join(", ")} is not run`)])
  const step = organizationStep(prepared)
  const { organization } = runContext
  if (step === undefined || organization === undefined) return Effect.succeed([])
  const full: RunContext = { ...runContext, profile: "all", accounts: {}, expiry: undefined }
  const scenario = {
    id: `${name}/doctor/organization`,
    title: "",
    actors: [],
    facts: ["organization"],
    steps: [step]
  } as const
  return runScenario(full, scenario).pipe(
    Effect.map(({ checks }) => {
      const failed = checks.find(({ verdict }) => verdict !== "pass")
      if (failed === undefined) return [good(`${name}: organization ${organization.id} lists its users`)]
      return [
        bad(
          `${name}: organization ${organization.id} does not list its users: ${failed.evidence?.reason ?? ""}`,
          'correct "organization" in the configuration, or remove it: its scenarios are then not run'
        )
      ]
    })
  )
}

/** Findings about the planned runs. `named`: the user named the protocols, so a missing one is a fault. */
export const examine = (runs: ReadonlyArray<Options>, named: boolean): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.gen(function* () {
    const [first] = runs
    if (first === undefined) return []
    const findings = [...(yield* reachable(first.target.http))]
    if (findings.some((finding) => !finding.good && finding.what.includes("does not respond"))) return findings
    const seen: Array<Options> = []
    for (const options of runs) {
      const protocol = options.protocol ?? ""
      const where = options.transport === "tcp" ? options.target.tcp : undefined
      const address =
        where ??
        (load(protocol, options.sequences).protocol.barrier === undefined ? options.target.http : options.target.ws)
      const found = yield* detect(options)
      if (found) seen.push(options)
      const what = `${protocol} is ${found ? "" : "not "}served at ${address ?? "no address"}`
      if (found) findings.push(good(what))
      else if (named) findings.push(bad(what, "serve the protocol there, or correct --url, --ws or --tcp"))
      else findings.push(note(what))
    }
    if (seen.length === 0 && !named)
      findings.push(bad("no known protocol is served", "correct --url, or name one with --protocol"))
    for (const options of seen) {
      const prepared = plan(options)
      findings.push(...(yield* accountFindings(prepared)), ...(yield* organizationFindings(prepared)))
    }
    return findings
  })
