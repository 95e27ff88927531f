/** What stands behind `?` in a request, for every protocol that comes in by HTTP. */
import type { HttpServerRequest } from "effect/http/HttpServerRequest"

export interface Query {
  /** The last value of that name. */
  readonly get: (name: string) => string | undefined
  /** All values of that name, in order. */
  readonly all: (name: string) => ReadonlyArray<string>
  /** Each name once, in the order of first use. */
  readonly names: () => ReadonlyArray<string>
}

/** A query or a form body: `a=1&b=2`. What is not well encoded stands as it is. */
export const parseQuery = (text: string): Query => {
  const values = new Map<string, Array<string>>()
  for (const pair of text === "" ? [] : text.split("&")) {
    const equals = pair.indexOf("=")
    const name = decoded(equals < 0 ? pair : pair.slice(0, equals))
    const value = decoded(equals < 0 ? "" : pair.slice(equals + 1))
    const known = values.get(name)
    if (known === undefined) values.set(name, [value])
    else known.push(value)
  }
  return {
    get: (name) => values.get(name)?.at(-1),
    all: (name) => values.get(name) ?? [],
    names: () => [...values.keys()]
  }
}

export const queryOf = (request: HttpServerRequest): Query => {
  const at = request.url.indexOf("?")
  return parseQuery(at < 0 ? "" : request.url.slice(at + 1))
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll("+", " "))
  } catch {
    return text
  }
}
