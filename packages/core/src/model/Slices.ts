/** Processes long lists in slices and yields between them, so that no request blocks the process. */
import * as Effect from "effect/Effect"

/** Items in one slice, for work that takes about a microsecond per item. */
const DEFAULT_SLICE_SIZE = 1000

/**
 * Continues in a later turn of the event loop. After an I/O callback, a single yield continues at the end of the same turn,
 * before pending input is read.
 */
export const nextTurn: Effect.Effect<void> = Effect.andThen(Effect.yieldNow, Effect.yieldNow)

/** Maps each item, `slice` at a time. `map` sees changes made between two slices. */
export const mapInSlices = <A, B>(
  items: ReadonlyArray<A>,
  map: (item: A, index: number) => B,
  slice = DEFAULT_SLICE_SIZE
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
