/** Shrinks a failing history: drops steps while it still fails. */

/**
 * Returns a shortest list of steps that still fails, of those that can be reached by dropping one part after another:
 * halves first, then smaller parts, then single steps. `fails` is called at most `limit` times.
 */
export const shrink = async <A>(
  steps: ReadonlyArray<A>,
  fails: (steps: ReadonlyArray<A>) => Promise<boolean>,
  limit = 1000
): Promise<ReadonlyArray<A>> => {
  let left = steps
  let calls = 0
  for (let size = Math.ceil(left.length / 2); size > 0;) {
    let isShorter = false
    for (let start = 0; start < left.length && calls < limit;) {
      const shorter = [...left.slice(0, start), ...left.slice(start + size)]
      calls++
      if (await fails(shorter)) {
        left = shorter
        isShorter = true
      } else start += size
    }
    if (calls >= limit) return left
    // Single steps are tried again until none can be dropped.
    if (size > 1) size = Math.floor(size / 2)
    else if (!isShorter) size = 0
  }
  return left
}
