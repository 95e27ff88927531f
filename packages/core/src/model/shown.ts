/** Maximum number of characters of a text that are shown. */
const MAX_SHOWN = 40

/** Quotes at most 40 characters of a text, on one line. */
const quoted = (text: string): string => JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text)

/** Returns the name of an object's class; undefined for a plain object. */
const classOf = (value: object): string | undefined => {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return undefined
  const { constructor } = value
  return typeof constructor === "function" && !/^(Object)?$/.test(constructor.name) ? constructor.name : undefined
}

/**
 * Describes a value in the error that refuses it: short, on one line, and without the contents of lists and objects,
 * which may be secret.
 */
export const shown = (value: unknown): string => {
  if (value === null) return "null"
  switch (typeof value) {
    case "string":
      return quoted(value)
    case "function":
      return "a function"
    case "symbol":
      return "a symbol"
    case "bigint":
      return `${value}n`
    case "object": {
      if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list"
      if (typeof Reflect.get(value, "then") === "function") return "a promise"
      const name = classOf(value)
      return name === undefined ? "an object" : `an object of the class ${name}`
    }
    default:
      return `${value as number | boolean | undefined}`
  }
}
