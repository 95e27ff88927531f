/** The configuration file, `conformance.config.json`. */
import { existsSync, readFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import * as Schema from "effect/Schema"
import { Account } from "./accounts/Accounts.ts"
import { Organization } from "./accounts/Organization.ts"
import { BadOptions } from "./run/plan.ts"
import { Feature, Transport, Wire } from "./scenarios/Scenario.ts"

const Texts = Schema.Union([Schema.NonEmptyString, Schema.Array(Schema.NonEmptyString)])
const Milliseconds = Schema.Int.check(Schema.isGreaterThan(0))

export const AccountSource = Schema.Union([
  Schema.Struct({ mode: Schema.Literal("demo") }),
  Schema.Struct({ mode: Schema.Literal("static"), file: Schema.NonEmptyString }),
  Schema.Struct({ mode: Schema.Literal("static"), accounts: Schema.Record(Schema.String, Account) }),
  Schema.Struct({
    mode: Schema.Literal("http"),
    base: Schema.NonEmptyString,
    reset: Schema.optionalKey(Schema.Boolean)
  }),
  Schema.Struct({ mode: Schema.Literal("exec"), command: Texts, reset: Schema.optionalKey(Schema.Boolean) }),
  Schema.Struct({ mode: Schema.Literal("signup") })
])
export type AccountSource = typeof AccountSource.Type

/** An optional field with the description that editors show. */
const field = <S extends Schema.Top>(schema: S, description: string) =>
  Schema.optionalKey(schema.annotate({ description }))

export const Config = Schema.Struct({
  $schema: Schema.optionalKey(Schema.String),
  protocol: field(Texts, "One protocol, or several: xuanxuan, spark, hisihi, ha, youdu."),
  url: field(Schema.NonEmptyString, "The server's HTTP address, without a path."),
  ws: field(Schema.NonEmptyString, "Its WebSocket address. Default: /ws at url."),
  tcp: field(Schema.NonEmptyString, "Its raw TCP address: tcp://host:port."),
  transport: field(
    Schema.Union([Transport, Schema.Array(Transport)]),
    "Default: ws for xuanxuan, http for the others."
  ),
  wire: field(Wire, "The wire form of xuanxuan over WebSocket; over TCP it is client-1.0."),
  profile: field(
    Schema.Literals(["documented", "hardening", "parley", "all"]),
    "Which checks are evaluated: those of one profile, or all. Default: documented."
  ),
  strict: field(Schema.Boolean, "SHOULD and MAY fail like MUST, and a tolerated form warns."),
  only: field(Texts, "Globs over scenario ids: xuanxuan/message/*, spark/**."),
  skip: field(Texts, "Globs over ids of scenarios that are not run."),
  without: field(Schema.Union([Feature, Schema.Array(Feature)]), "Features that the server does not have."),
  insecure: field(Schema.Boolean, "Accepts a certificate that no authority has signed."),
  accounts: field(AccountSource, "The account source. Default: the demo accounts."),
  organization: field(
    Organization,
    "An organization of the server with its users, for hisihi. Without it the scenarios about its users are not run."
  ),
  sequences: field(Texts, "Folders with further scenarios."),
  literals: field(
    Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite])),
    "Replacements for values of the scenario files at this server, such as an app key."
  ),
  expectedFailures: field(Schema.NonEmptyString, "The file of expected failures."),
  reports: field(
    Schema.Record(Schema.String, Schema.NonEmptyString),
    "Format to file; the formats are json, junit, tap, html, markdown and badge."
  ),
  timing: field(
    Schema.Struct({
      reply: field(Milliseconds, "Timeout of a response or a push, in milliseconds. Default: 5000."),
      close: field(Milliseconds, "Timeout of a close by the server, in milliseconds. Default: 15000."),
      scenario: field(Milliseconds, "Timeout of a scenario, in milliseconds. Default: 60000."),
      run: field(Milliseconds, "Timeout of a run, in milliseconds. Default: 1800000.")
    }),
    "Deadlines."
  )
}).annotate({ identifier: "Config", title: "Configuration of the conformance kit" })
export type Config = typeof Config.Type

export const configName = "conformance.config.json"
export const configSchema = "https://unpkg.com/@parley/conformance/schema/config.schema.json"

const decode = Schema.decodeUnknownSync(Config, { onExcessProperty: "error", errors: "all" })

/** A configuration whose paths are absolute. Throws `BadOptions`. */
export const readConfig = (file: string): Config => {
  let config: Config
  try {
    config = decode(JSON.parse(readFileSync(file, "utf8")))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replaceAll(/\n\s+/g, " ") : String(cause)
    throw new BadOptions({ message: `${file}: ${why}` })
  }
  const from = (path: string) => resolve(dirname(file), path)
  const { accounts, sequences, expectedFailures, reports } = config
  return {
    ...config,
    ...(accounts !== undefined && "file" in accounts ? { accounts: { ...accounts, file: from(accounts.file) } } : {}),
    ...(sequences === undefined ? {} : { sequences: [sequences].flat().map(from) }),
    ...(expectedFailures === undefined ? {} : { expectedFailures: from(expectedFailures) }),
    ...(reports === undefined
      ? {}
      : { reports: Object.fromEntries(Object.entries(reports).map(([form, path]) => [form, from(path)])) })
  }
}

/** The named configuration file, or the folder's own, or an empty configuration. Throws `BadOptions`. */
export const findConfig = (named: string | undefined, folder: string): Config => {
  if (named !== undefined) return readConfig(resolve(folder, named))
  const usual = resolve(folder, configName)
  return existsSync(usual) ? readConfig(usual) : {}
}
