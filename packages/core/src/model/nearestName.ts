/** Maximum edit distance of a suggested name, and maximum number of compared characters. */
const MAX_DISTANCE = 3
const MAX_COMPARED = 64

/** Returns the known name with the smallest edit distance, at most 3 and half its length; undefined if there is none. */
export const nearestName = (name: string, known: Iterable<string>): string | undefined => {
  let best: { readonly name: string; readonly distance: number } | undefined
  for (const other of known) {
    const distance = editDistance(name.slice(0, MAX_COMPARED).toLowerCase(), other.toLowerCase())
    if (distance <= MAX_DISTANCE && distance <= other.length / 2 && (best === undefined || distance < best.distance)) {
      best = { name: other, distance }
    }
  }
  return best?.name
}

const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
