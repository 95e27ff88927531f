/** Long lists are worked through in slices, between which other work is let through: no request holds the process up. */
import * as Effect from "effect/Effect"

/** Items of one slice where each takes about a microsecond. */
const SLICE = 1000

/**
 * Goes on in a turn of the event loop of its own. What begins in a callback of I/O and yields once goes on at the end of the
 * same turn, before anything that others have sent meanwhile is read.
 */
export const nextTurn: Effect.Effect<void> = Effect.andThen(Effect.yieldNow, Effect.yieldNow)

/** Maps each item, `slice` of them at a time. `map` sees what has changed between two slices. */
export const mapInSlices = <A, B>(
  items: ReadonlyArray<A>,
  map: (item: A, index: number) => B,
  slice = SLICE
): Effect.Effect<ReadonlyArray<B>> =>
  items.length <= slice
    ? Effect.sync(() => items.map(map))
    : Effect.gen(function* () {
        const mapped: Array<B> = []
        for (const [index, item] of items.entries()) {
          if (index > 0 && index % slice === 0) yield* Effect.yieldNow
          mapped.push(map(item, index))
        }
        return mapped
      })
