/** Parses the query of a request, for every protocol over HTTP. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

/** Maximum number of parameters in a query. */
const MAX_PARAMETERS = 10_000

export interface Query {
  /** Returns the last value of that name. */
  readonly get: (name: string) => string | undefined
  /** Returns all values of that name, in order. */
  readonly all: (name: string) => ReadonlyArray<string>
  /** Returns each name once, in the order of first use. */
  readonly names: () => ReadonlyArray<string>
}

/** `problem` completes "the query …". */
export class UnreadableQuery extends Data.TaggedError("UnreadableQuery")<{ readonly problem: string }> {
  /** Complete sentence. */
  get sentence(): string {
    return `The query ${this.problem}.`
  }
}

export const EMPTY_QUERY: Query = { get: () => undefined, all: () => [], names: () => [] }

/** Builds a query from decoded pairs. */
export const queryFrom = (pairs: Iterable<readonly [name: string, value: string]>): Query => {
  const values = new Map<string, Array<string>>()
  for (const [name, value] of pairs) {
    const existing = values.get(name)
    if (existing === undefined) values.set(name, [value])
    else existing.push(value)
  }
  return {
    get: (name) => values.get(name)?.at(-1),
    all: (name) => values.get(name) ?? [],
    names: () => [...values.keys()]
  }
}

/**
 * Parses a query or a form body, `a=1&b=2`, of at most `limit` parameters, in linear time. The failure completes "the query
 * …" or "the body …". Source: URL Standard, 5.1, `application/x-www-form-urlencoded` parsing; bytes that are not UTF-8,
 * which the standard replaces, are refused.
 */
export const parseQuery = (text: string, limit: number): Result.Result<Query, string> => {
  const pairs: Array<readonly [string, string]> = []
  let from = 0
  while (from <= text.length) {
    const ampersand = text.indexOf("&", from)
    const to = ampersand < 0 ? text.length : ampersand
    if (to > from) {
      if (pairs.length >= limit) return Result.fail(`has more than ${limit} parameters`)
      const equals = text.indexOf("=", from)
      const split = equals < 0 || equals > to ? to : equals
      const name = decode(text.slice(from, split))
      const value = decode(text.slice(Math.min(split + 1, to), to))
      if (name === undefined || value === undefined) return Result.fail("is not UTF-8 once it is decoded")
      pairs.push([name, value])
    }
    from = to + 1
  }
  return Result.succeed(queryFrom(pairs))
}

/** Parses the query of a URL. */
export const queryIn = (url: string): Effect.Effect<Query, UnreadableQuery> => {
  const at = url.indexOf("?")
  if (at < 0) return Effect.succeed(EMPTY_QUERY)
  const query = parseQuery(url.slice(at + 1), MAX_PARAMETERS)
  return Result.isSuccess(query)
    ? Effect.succeed(query.success)
    : Effect.fail(new UnreadableQuery({ problem: query.failure }))
}

/** Decodes percent-encoding. A `%` that does not begin an escape is kept. Undefined if the bytes are not UTF-8. */
const decode = (text: string): string | undefined => {
  const spaced = text.includes("+") ? text.replaceAll("+", " ") : text
  if (!spaced.includes("%")) return spaced
  try {
    return decodeURIComponent(spaced.replaceAll(/%(?![0-9A-Fa-f]{2})/g, "%25"))
  } catch {
    return undefined
  }
}
