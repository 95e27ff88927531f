/** Resolves the configuration: flags override the environment, the environment the configuration file, the file defaults. */
import * as Result from "effect/Result"
import { nearestName } from "@parley/core/nearestName"
import {
  type EngineSettings,
  engineSettings,
  type Setting,
  type SettingValues,
  withBounds
} from "@parley/core/Settings"
import { type Declaration, fromSetting, readAs, type Value } from "./Declaration.ts"
import { busProblem, parseDatabase, parseFiles, serveDeclarations, type ServeOptions } from "./ServeOptions.ts"

/** Raw values by source. */
export interface ConfigurationSources {
  /** By key: `{ port: "8080", "limits.frame": "65536" }`. */
  readonly flags: Readonly<Record<string, string>>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The configuration file's name and its parsed JSON. */
  readonly file: { readonly name: string; readonly content: unknown } | undefined
}

export interface Configuration {
  readonly serve: ServeOptions
  readonly engine: EngineSettings
  /** The values of all dialects' settings, by key. */
  readonly dialects: Readonly<Record<string, Value>>
}

/** All declarations, in the order of the documentation. */
export const declarations = (dialectSettings: ReadonlyArray<Setting>): ReadonlyArray<Declaration> => [
  ...serveDeclarations,
  ...Object.values(engineSettings).map(fromSetting),
  ...dialectSettings.map(fromSetting)
]

/** Returns the configuration in force, or a one-line error. */
export const configure = (
  dialectSettings: ReadonlyArray<Setting>,
  sources: ConfigurationSources
): Result.Result<Configuration, string> =>
  Result.gen(function* () {
    const all = declarations(dialectSettings)
    const values = yield* resolve(all, sources)
    return {
      serve: yield* serveOptions(values),
      engine: withBounds(
        Object.fromEntries(
          Object.entries(engineSettings).map(([name, setting]) => [name, values.get(setting.key)])
        ) as SettingValues
      ),
      dialects: Object.fromEntries(
        dialectSettings.map((setting) => [setting.key, values.get(setting.key) ?? setting.default])
      )
    }
  })

/** Returns the value of every declaration, by key. */
const resolve = (
  all: ReadonlyArray<Declaration>,
  sources: ConfigurationSources
): Result.Result<ReadonlyMap<string, Value>, string> =>
  Result.gen(function* () {
    const known = new Map(all.map((declaration) => [declaration.key, declaration]))
    for (const key of Object.keys(sources.flags)) {
      if (!known.has(key)) return yield* Result.fail(`--set: ${unknownKey(key, known.keys())}`)
    }
    const inFile = sources.file === undefined ? new Map<string, unknown>() : yield* flatten(sources.file, known)
    const values = new Map<string, Value>()
    for (const declaration of all) {
      const { key, environment } = declaration
      const flag = sources.flags[key]
      const variable = sources.environment[environment]
      if (flag !== undefined) {
        const name = declaration.flag === undefined ? `--set ${key}` : (declaration.flag.split(/[ ,]/)[0] ?? key)
        values.set(key, yield* readAs(declaration, flag, "text", name))
      } else if (variable !== undefined && variable !== "") {
        // Container tools set an empty variable for "not set".
        values.set(key, yield* readAs(declaration, variable, "text", environment))
      } else if (sources.file !== undefined && inFile.has(key)) {
        values.set(key, yield* readAs(declaration, inFile.get(key), "json", `${sources.file.name}: ${key}`))
      } else {
        values.set(key, declaration.default)
      }
    }
    return values
  })

/** Returns the file's values by dotted key. Keys may be nested, dotted, or both; each may occur once. */
const flatten = (
  file: { readonly name: string; readonly content: unknown },
  known: ReadonlyMap<string, Declaration>
): Result.Result<Map<string, unknown>, string> => {
  const found = new Map<string, unknown>()
  const walk = (value: unknown, path: string): string | undefined => {
    if (typeof value === "object" && value !== null && !Array.isArray(value) && !known.has(path)) {
      for (const [key, inner] of Object.entries(value)) {
        const problem = walk(inner, path === "" ? key : `${path}.${key}`)
        if (problem !== undefined) return problem
      }
      return undefined
    }
    if (path === "") return "must hold one JSON object"
    if (!known.has(path)) return unknownKey(path, known.keys())
    if (found.has(path)) return `${path} is given twice`
    found.set(path, value)
    return undefined
  }
  const problem = walk(file.content, "")
  return problem === undefined ? Result.succeed(found) : Result.fail(`${file.name}: ${problem}`)
}

const unknownKey = (key: string, known: Iterable<string>): string => {
  const nearest = nearestName(key, known)
  return `unknown key ${JSON.stringify(key)}${nearest === undefined ? "" : `, did you mean ${nearest}?`}`
}

const entriesIn = (value: Value | undefined): ReadonlyArray<string> =>
  String(value ?? "")
    .split(",")
    .filter((entry) => entry !== "")

const serveOptions = (values: ReadonlyMap<string, Value>): Result.Result<ServeOptions, string> => {
  const database = parseDatabase(String(values.get("database")))
  if (database._tag === "Invalid") return Result.fail(`database ${database.problem}`)
  const bus = String(values.get("bus"))
  const busFault = busProblem(bus, database)
  if (busFault !== undefined) return Result.fail(`bus ${busFault}`)
  const files = parseFiles((key) => String(values.get(key)))
  if (typeof files === "string") return Result.fail(files)
  const tcpPort = values.get("tcpPort")
  const metricsPort = values.get("metricsPort")
  return Result.succeed({
    host: String(values.get("host")),
    port: Number(values.get("port")),
    tcpPort: tcpPort === "off" ? undefined : Number(tcpPort),
    metricsPort: metricsPort === "off" ? undefined : Number(metricsPort),
    trustedProxies: entriesIn(values.get("trustedProxies")),
    origins: entriesIn(values.get("origins")),
    visibility: values.get("visibility") === "organisation" ? "organisation" : "all",
    database,
    bus,
    files,
    auditLog: String(values.get("auditLog")),
    demo: values.get("demo") === true
  })
}
