/** The flags that say how the server is set up, and reading them together with the environment and the file. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Flag from "effect/cli/Flag"
import type { Setting } from "@parley/core/Settings"
import { type Configuration, configure } from "../config/Configuration.ts"
import { Misconfigured, readConfigurationFile } from "../config/ConfigurationFile.ts"
import { serveDeclarations } from "../config/ServeOptions.ts"

const declared = new Map(serveDeclarations.map((declaration) => [declaration.key, declaration]))

/** As text, whatever it is: flags, variables and the file are checked in one place, with one wording. */
const own = (key: string, name: string, metavar: string) => {
  const { description = "", defaultText: shown = "", environment = "" } = declared.get(key) ?? {}
  const usual = shown === "" ? "none" : shown
  return Flag.String(name).pipe(
    Flag.withDescription(`${description} Default: ${usual}. Environment: ${environment}`),
    Flag.withMetavar(metavar),
    Flag.optional
  )
}

export const configFlag = Flag.String("config").pipe(
  Flag.withDescription("A JSON file with settings by key. Environment: PARLEY_CONFIG"),
  Flag.withMetavar("file"),
  Flag.optional
)

export const databaseFlag = own("database", "database", "url")

export const createFlag = Flag.Boolean("create").pipe(
  Flag.withDescription("Make the database if it does not exist"),
  Flag.withDefault(false)
)

export const serveFlags = {
  host: own("host", "host", "address"),
  port: own("port", "port", "number"),
  tcpPort: own("tcpPort", "tcp-port", "number|off"),
  trustedProxies: own("trustedProxies", "trusted-proxies", "list"),
  origins: own("origins", "origins", "list"),
  database: databaseFlag,
  files: own("files", "files", "folder"),
  auditLog: own("auditLog", "audit-log", "file"),
  demo: Flag.Boolean("demo").pipe(
    Flag.withDescription(
      "Add users, keys and apps to look around with, whose passwords everybody knows; for this machine alone; --no-demo does not. Default: no. Environment: PARLEY_DEMO"
    ),
    Flag.optional
  ),
  config: configFlag,
  set: Flag.KeyValuePair("set").pipe(
    Flag.withDescription("Any other setting by its key, as in docs/configuration.md; may be repeated"),
    Flag.withMetavar("key=value"),
    Flag.optional
  )
}

export interface ServeFlags {
  readonly host?: Option.Option<string>
  readonly port?: Option.Option<string>
  readonly tcpPort?: Option.Option<string>
  readonly trustedProxies?: Option.Option<string>
  readonly origins?: Option.Option<string>
  readonly database?: Option.Option<string>
  readonly files?: Option.Option<string>
  readonly auditLog?: Option.Option<string>
  readonly demo?: Option.Option<boolean>
  readonly config: Option.Option<string>
  readonly set?: Option.Option<Readonly<Record<string, string>>>
}

/** The configuration in force for these flags in this process. */
export const readConfiguration = Effect.fnUntraced(function* (
  dialectSettings: ReadonlyArray<Setting>,
  { config, set, ...flags }: ServeFlags
) {
  const environment = process.env
  const path = Option.getOrElse(config, () => environment["PARLEY_CONFIG"] ?? "")
  const file = path === "" ? undefined : { name: path, content: yield* readConfigurationFile(path) }
  const given: Record<string, string> = { ...(set === undefined ? {} : Option.getOrElse(set, () => ({}))) }
  for (const [key, flag] of Object.entries<Option.Option<string | boolean> | undefined>(flags)) {
    if (flag !== undefined && Option.isSome(flag)) given[key] = String(flag.value)
  }
  const configuration: Configuration = yield* Effect.fromResult(
    configure(dialectSettings, { flags: given, environment, file })
  ).pipe(Effect.mapError((message) => new Misconfigured({ message })))
  return configuration
})
