/** Settings from a host, validated against the declared ones. */
import { type EngineSettings, engineSettings, type Setting, type SettingValues, withBounds } from "../ports/Settings.ts"
import { ParleyError } from "./ParleyError.ts"

type Value = string | number | boolean

/** The engine's settings by name (`{ sessions: "multi" }`), and those of protocols by their dotted key. */
export type SettingsInput = Partial<SettingValues> & { readonly [key: `${string}.${string}`]: Value }

const invalid = (key: string, problem: string): ParleyError =>
  new ParleyError("Invalid", `The setting ${key} ${problem}.`, { reason: { _tag: "Invalid", field: key, problem } })

const problemOf = (setting: Setting, value: unknown): string | undefined => {
  switch (setting.kind) {
    case "integer":
      return typeof value === "number" && Number.isInteger(value) && value >= setting.min && value <= setting.max
        ? undefined
        : `must be an integer from ${setting.min} to ${setting.max}`
    case "choice":
      return setting.options.some((option) => option === value)
        ? undefined
        : `must be one of ${setting.options.join(", ")}`
    case "text":
      return typeof value === "string" ? undefined : "must be a text"
    case "boolean":
      return typeof value === "boolean" ? undefined : "must be true or false"
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
  const named = new Map<string, Setting>(Object.entries(engineSettings))
  const byKey = new Map(declared.map((setting): [string, Setting] => [setting.key, setting]))
  const values = new Map<string, Value>()
  for (const [key, value] of Object.entries(input)) {
    if (value === undefined) continue
    const setting = named.get(key) ?? byKey.get(key)
    if (setting === undefined) throw invalid(key, "is unknown")
    const problem = problemOf(setting, value)
    if (problem !== undefined) throw invalid(key, problem)
    values.set(key, value)
  }
  const engine = Object.fromEntries(Array.from(named, ([name, setting]) => [name, values.get(name) ?? setting.default]))
  return {
    engine: withBounds(engine as SettingValues),
    dialects: Object.fromEntries(declared.map(({ key, default: fallback }) => [key, values.get(key) ?? fallback]))
  }
}
