/** Options of the runs, from flags, environment variables and configuration file, in this order of precedence. */
import { type Accounts, fileAccounts, staticAccounts } from "../accounts/Accounts.ts"
import { load, protocols, usualTransport } from "../scenarios/loadScenarios.ts"
import { type AccountSource, type Config, findConfig } from "../Config.ts"
import { execAccounts } from "../accounts/ExecAccounts.ts"
import { checkEntries, type Entry, readEntries } from "../run/Expectations.ts"
import { httpAccounts } from "../accounts/HttpAccounts.ts"
import { BadOptions, type Options } from "../run/plan.ts"
import { type Wanted, wantedReport } from "../report/Reports.ts"
import { Feature, type Transport } from "../scenarios/Scenario.ts"
import { signUpAccounts } from "../run/SignUp.ts"
import type { Flags, Host } from "./Host.ts"

const prefix = "PARLEY_CONFORMANCE_"
/** Flags that can be set by environment variables. */
const fromEnvironment = [
  "protocol",
  "url",
  "ws",
  "tcp",
  "transport",
  "wire",
  "profile",
  "strict",
  "only",
  "skip",
  "without",
  "insecure",
  "accounts",
  "reset",
  "sequences",
  "literal",
  "expected",
  "report",
  "timeout",
  "bail",
  "config"
]

const features: ReadonlyArray<Feature> = Feature.literals

/** Splits comma-separated lists. */
const split = (texts: ReadonlyArray<string>): ReadonlyArray<string> =>
  texts
    .flatMap((text) => text.split(","))
    .map((text) => text.trim())
    .filter((text) => text !== "")

const checkEnvironment = ({ env }: Host): void => {
  const known = new Set(fromEnvironment.map((name) => `${prefix}${name.toUpperCase()}`))
  const wrong = Object.keys(env).filter((name) => name.startsWith(prefix) && !known.has(name))
  if (wrong.length > 0)
    throw new BadOptions({ message: `unknown ${wrong.join(", ")}; known are ${[...known].join(", ")}` })
}

/** Flags, with environment variables for those that are missing. */
const withEnvironment = (flags: Flags, { env }: Host): Pick<Flags, "text" | "texts" | "on"> => {
  const value = (flag: string): string | undefined => {
    const found = fromEnvironment.includes(flag) ? env[`${prefix}${flag.toUpperCase()}`] : undefined
    return found === "" ? undefined : found
  }
  const texts = (flag: string): ReadonlyArray<string> => {
    const own = flags.texts(flag)
    if (own.length > 0) return own
    const text = value(flag)
    return text === undefined ? [] : [text]
  }
  return {
    texts,
    text: (flag) => texts(flag)[0],
    on: (flag) => flags.on(flag) || ["1", "true", "yes"].includes((value(flag) ?? "").toLowerCase())
  }
}

const oneOf = <A extends string>(flag: string, value: string, known: ReadonlyArray<A>): A => {
  const found = known.find((one) => one === value)
  if (found === undefined)
    throw new BadOptions({ message: `--${flag} must be one of ${known.join(", ")}, not ${value}` })
  return found
}

const sourceOf = (text: string, reset: boolean): AccountSource => {
  if (text === "demo" || text === "signup") return { mode: text }
  if (/^https?:/.test(text)) return { mode: "http", base: text, reset }
  return text.startsWith("exec:") ? { mode: "exec", command: text.slice(5), reset } : { mode: "static", file: text }
}

/** The accounts of a source; sign-up needs the target. */
const accountsOf = (source: AccountSource, options: Omit<Options, "accounts">): Accounts => {
  switch (source.mode) {
    case "demo":
      return staticAccounts({})
    case "static":
      return "file" in source ? fileAccounts(source.file) : staticAccounts(source.accounts)
    case "http":
      return httpAccounts(source.base, { reset: source.reset ?? false })
    case "exec":
      return execAccounts(source.command, { reset: source.reset ?? false })
    default:
      return signUpAccounts(options)
  }
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, "")

const urlOf = (text: string | undefined): string => {
  if (text === undefined || !/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw new BadOptions({ message: "--url must be the server's http address" })
  }
  return withoutSlash(text)
}

const literalsOf = (texts: ReadonlyArray<string>): { readonly [text: string]: string } =>
  Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf("=")
      if (at < 1) throw new BadOptions({ message: `--literal ${text}: expected <text>=<value>` })
      return [text.slice(0, at), text.slice(at + 1)]
    })
  )

export interface Settings {
  /** One run for each protocol and transport. */
  readonly runs: ReadonlyArray<Options>
  readonly reports: ReadonlyArray<Wanted>
  readonly expectedFile: string | undefined
  readonly entries: ReadonlyArray<Entry>
}

interface Choice {
  /** Whether a protocol must be named; otherwise all of them are the default. */
  readonly protocolNeeded: boolean
  /** Accepts entries without a reason, for a file that is about to be written. */
  readonly lenientEntries?: boolean
}

const transportsOf = (
  protocol: string,
  sequences: ReadonlyArray<string>,
  wanted: ReadonlyArray<Transport>
): ReadonlyArray<Transport | undefined> => {
  if (wanted.length === 0) return [undefined]
  const usual = usualTransport(load(protocol, sequences).protocol)
  const possible = wanted.filter((transport) => (transport === "http") === (usual === "http"))
  if (possible.length > 0) return possible
  throw new BadOptions({ message: `${protocol} is not served over ${wanted.join(", ")}` })
}

/** Throws `BadOptions`, `BadExpectations` or `BadData`. */
export const settings = (flags: Flags, host: Host, choice: Choice): Settings => {
  checkEnvironment(host)
  const values = withEnvironment(flags, host)
  const config: Config = findConfig(values.text("config"), host.folder)
  const list = (flag: string, other: string | ReadonlyArray<string> | undefined): ReadonlyArray<string> => {
    const own = split(values.texts(flag))
    return own.length > 0 ? own : [other ?? []].flat()
  }
  const sequences = list("sequences", config.sequences)
  const known = protocols(sequences)
  const named = list("protocol", config.protocol)
  if (named.length === 0 && choice.protocolNeeded) {
    throw new BadOptions({ message: `--protocol is missing: one of ${known.join(", ")}` })
  }
  const chosen = named.length === 0 ? known : named.map((name) => oneOf("protocol", name, known))
  const http = urlOf(values.text("url") ?? config.url)
  const target = {
    http,
    ws: values.text("ws") ?? config.ws ?? `${http.replace(/^http/, "ws")}/ws`,
    tcp: values.text("tcp") ?? config.tcp
  }
  const transports = list("transport", config.transport).map((one) =>
    oneOf<Transport>("transport", one, ["ws", "tcp", "http"])
  )
  const wire = values.text("wire") ?? config.wire
  const profile = values.text("profile") ?? config.profile ?? "documented"
  const reply = values.text("timeout") === undefined ? config.timing?.reply : Number(values.text("timeout"))
  if (reply !== undefined && !(reply > 0))
    throw new BadOptions({ message: "--timeout must be a number of milliseconds" })
  const only = list("only", config.only)
  const skip = list("skip", config.skip)
  const without = list("without", config.without).map((one) => oneOf<Feature>("without", one, features))
  if (values.on("insecure") || config.insecure === true) host.acceptAnyCertificate()
  const literals = { ...config.literals, ...literalsOf(values.texts("literal")) }
  const expectedFile = values.text("expected") ?? config.expectedFailures
  const entries = expectedFile === undefined ? [] : readEntries(expectedFile)
  if (choice.lenientEntries !== true) checkEntries(entries, expectedFile ?? "")
  const base = {
    target,
    sequences,
    profile: oneOf("profile", profile, ["documented", "hardening", "parley", "all"]),
    strict: values.on("strict") || config.strict === true,
    bail: values.on("bail"),
    signal: host.signal,
    ...(skip.length === 0 ? {} : { skip }),
    ...(without.length === 0 ? {} : { without }),
    expected: entries,
    timing: { ...config.timing, ...(reply === undefined ? {} : { reply }) },
    ...(Object.keys(literals).length === 0 ? {} : { literals }),
    ...(config.organization === undefined ? {} : { organization: config.organization }),
    ...(wire === undefined ? {} : { wire: oneOf("wire", wire, ["documented", "client-1.0"]) })
  }
  const from = values.text("accounts")
  const source = from === undefined ? (config.accounts ?? { mode: "demo" }) : sourceOf(from, values.on("reset"))
  const runs = chosen.flatMap((protocol) =>
    transportsOf(protocol, sequences, transports).map((transport): Options => {
      const mine = only.filter((glob) => chosen.length === 1 || glob.startsWith(`${protocol}/`) || glob.startsWith("*"))
      const options = {
        ...base,
        protocol,
        ...(transport === undefined ? {} : { transport }),
        ...(only.length === 0 ? {} : { only: mine })
      }
      return { ...options, accounts: accountsOf(source, options) }
    })
  )
  const wanted = values.texts("report").map(wantedReport)
  const reports =
    wanted.length > 0
      ? wanted
      : Object.entries(config.reports ?? {}).map(([form, file]) => wantedReport(`${form}=${file}`))
  return {
    runs: runs.filter(({ only: globs }) => globs === undefined || globs.length > 0),
    reports,
    expectedFile,
    entries
  }
}
