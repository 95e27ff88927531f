/** Order of a query's conversations: keys with commas between them, `-` before a descending one. */
import { type Document, timeOf, valueAt } from "./where.ts"

/** Maximum number of keys. */
export const MAX_SORT = 10

/** Values of different kinds are ordered by kind: absent ones first, then numbers, texts, times, and all others. */
const rank = (value: unknown): number => {
  if (value === undefined || value === null) return 0
  if (typeof value === "number" || typeof value === "boolean") return 1
  if (typeof value === "string") return 2
  return timeOf(value) === undefined ? 4 : 3
}

const comparable = (value: unknown): number | string =>
  typeof value === "string" ? value : typeof value === "object" ? (timeOf(value) ?? 0) : Number(value)

const compare = (one: unknown, other: unknown): number => {
  const ranks = rank(one) - rank(other)
  if (ranks !== 0 || rank(one) === 0) return ranks
  const [a, b] = [comparable(one), comparable(other)]
  return a < b ? -1 : a > b ? 1 : 0
}

/** Returns a comparison for `sort`; undefined if it has too many keys. */
export const orderBy = (sort: string): ((one: Document, other: Document) => number) | undefined => {
  const keys = sort
    .split(",")
    .map((key) => key.trim())
    .filter((key) => key !== "" && key !== "-")
    .map((key) =>
      key.startsWith("-") ? { path: key.slice(1).split("."), sign: -1 } : { path: key.split("."), sign: 1 }
    )
  if (keys.length > MAX_SORT) return undefined
  return (one, other) => {
    for (const { path, sign } of keys) {
      const order = compare(valueAt(one, path), valueAt(other, path)) * sign
      if (order !== 0) return order
    }
    return 0
  }
}
