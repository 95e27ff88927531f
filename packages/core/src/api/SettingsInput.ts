/** Settings from a host, by the keys of the configuration file, validated against the declared ones. */
import { nearestName } from "../model/nearestName.ts"
import { shown } from "../model/shown.ts"
import { type EngineSettings, engineSettings, type Setting, type SettingValues, withBounds } from "../ports/Settings.ts"
import { ParleyError } from "./ParleyError.ts"

type Value = string | number | boolean

type Declared = typeof engineSettings

/** The engine's settings by key, as in the configuration file (`{ "limits.frame": 65536 }`), and those of protocols. */
export type SettingsInput = {
  readonly [Name in keyof Declared as Declared[Name]["key"]]?: SettingValues[Name] | undefined
} & { readonly [key: `${string}.${string}`]: Value | undefined }

/**
 * Defaults of embedded engines that differ from those of the reference server: a user of a web application has several
 * tabs, of which each has its own login.
 */
const EMBEDDED_DEFAULTS: Partial<SettingValues> = { sessions: "multi" }

const invalid = (key: string, problem: string): ParleyError =>
  new ParleyError("Invalid", `The setting ${key} ${problem}.`.replace(/\?\.$/, "?"), {
    reason: { _tag: "Invalid", field: key, problem }
  })

const acceptedValues = (setting: Setting): string => {
  switch (setting.kind) {
    case "integer":
      return setting.max === Number.MAX_SAFE_INTEGER
        ? `an integer from ${setting.min}`
        : `an integer from ${setting.min} to ${setting.max}`
    case "choice":
      return `one of ${setting.options.map((option) => JSON.stringify(option)).join(", ")}`
    case "text":
      return "a string"
    case "boolean":
      return "true or false"
  }
}

const isValid = (setting: Setting, value: unknown): value is Value => {
  switch (setting.kind) {
    case "integer":
      return Number.isSafeInteger(value) && Number(value) >= setting.min && Number(value) <= setting.max
    case "choice":
      return setting.options.some((option) => option === value)
    case "text":
      return typeof value === "string"
    case "boolean":
      return typeof value === "boolean"
  }
}

/**
 * Returns all settings with defaults: the engine's by name, and those that `declared` adds by key. Throws a
 * `ParleyError`.
 */
export const resolveSettings = (
  input: SettingsInput,
  declared: ReadonlyArray<Setting>
): { readonly engine: EngineSettings; readonly dialects: Readonly<Record<string, Value>> } => {
  const names = new Map<string, Setting>(Object.entries(engineSettings))
  const known = new Map([...names.values(), ...declared].map((setting): [string, Setting] => [setting.key, setting]))
  const values = new Map<string, Value>()
  for (const [key, value] of Object.entries<unknown>(input)) {
    if (value === undefined) continue
    const setting = known.get(key)
    if (setting === undefined) {
      const nearest = names.get(key)?.key ?? nearestName(key, known.keys())
      throw invalid(key, `is unknown${nearest === undefined ? "" : `; did you mean ${nearest}?`}`)
    }
    if (!isValid(setting, value)) {
      throw invalid(key, `must be ${acceptedValues(setting)}, not ${shown(value)}`)
    }
    values.set(key, value)
  }
  const engine = Object.fromEntries(
    Array.from(names, ([name, setting]) => [
      name,
      values.get(setting.key) ?? EMBEDDED_DEFAULTS[name as keyof SettingValues] ?? setting.default
    ])
  )
  return {
    engine: withBounds(engine as SettingValues),
    dialects: Object.fromEntries(declared.map(({ key, default: fallback }) => [key, values.get(key) ?? fallback]))
  }
}
