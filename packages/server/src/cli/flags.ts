/** Configuration flags, read together with the environment and the configuration file. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Flag from "effect/cli/Flag"
import type { Setting } from "@parley/core/Settings"
import { type Configuration, configure } from "../config/Configuration.ts"
import { Misconfigured, readConfigurationFile } from "../config/ConfigurationFile.ts"
import { serveDeclarations } from "../config/ServeOptions.ts"

const declarations = new Map(serveDeclarations.map((declaration) => [declaration.key, declaration]))

/** Declares a flag as text for every kind of value: flags, variables and the file are validated in one place. */
const settingFlag = (key: string, name: string, metavar: string) => {
  const { description = "", defaultText = "", environment = "" } = declarations.get(key) ?? {}
  return Flag.String(name).pipe(
    Flag.withDescription(`${description} Default: ${defaultText || "none"}. Environment: ${environment}`),
    Flag.withMetavar(metavar),
    Flag.optional
  )
}

export const configFlag = Flag.String("config").pipe(
  Flag.withDescription("JSON file with settings by key. Environment: PARLEY_CONFIG"),
  Flag.withMetavar("file"),
  Flag.optional
)

export const databaseFlag = settingFlag("database", "database", "url")

export const createFlag = Flag.Boolean("create").pipe(
  Flag.withDescription("Create the database if it does not exist"),
  Flag.withDefault(false)
)

const keyAndValue = (text: string): Option.Option<readonly [string, string]> => {
  const [, key, value] = /^([^=]+)=(.+)$/s.exec(text) ?? []
  return key === undefined || value === undefined ? Option.none() : Option.some([key, value])
}

export const serveFlags = {
  host: settingFlag("host", "host", "address"),
  port: settingFlag("port", "port", "number"),
  tcpPort: settingFlag("tcpPort", "tcp-port", "number|off"),
  metricsPort: settingFlag("metricsPort", "metrics-port", "number|off"),
  trustedProxies: settingFlag("trustedProxies", "trusted-proxies", "list"),
  origins: settingFlag("origins", "origins", "list"),
  visibility: settingFlag("visibility", "visibility", "all|organisation"),
  database: databaseFlag,
  bus: settingFlag("bus", "bus", "url"),
  files: settingFlag("files", "files", "folder|url"),
  auditLog: settingFlag("auditLog", "audit-log", "file"),
  demo: Flag.Boolean("demo").pipe(
    Flag.withDescription(
      "Add demonstration users, keys and apps, whose passwords are public: on a loopback address only, and never with trusted proxies; --no-demo disables it. Default: false. Environment: PARLEY_DEMO"
    ),
    Flag.optional
  ),
  config: configFlag,
  set: Flag.String("set").pipe(
    Flag.withDescription("Any other setting by its key, see docs/configuration.md; may be repeated"),
    Flag.withMetavar("key=value"),
    Flag.filterMap(keyAndValue, () => "key=value"),
    Flag.atLeast(1),
    Flag.map((pairs): Readonly<Record<string, string>> => Object.fromEntries(pairs)),
    Flag.optional
  )
}

export interface ServeFlags {
  readonly host?: Option.Option<string>
  readonly port?: Option.Option<string>
  readonly tcpPort?: Option.Option<string>
  readonly metricsPort?: Option.Option<string>
  readonly trustedProxies?: Option.Option<string>
  readonly origins?: Option.Option<string>
  readonly visibility?: Option.Option<string>
  readonly database?: Option.Option<string>
  readonly bus?: Option.Option<string>
  readonly files?: Option.Option<string>
  readonly auditLog?: Option.Option<string>
  readonly demo?: Option.Option<boolean>
  readonly config: Option.Option<string>
  readonly set?: Option.Option<Readonly<Record<string, string>>>
}

/** Returns the configuration in force for these flags and the environment of this process. */
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
