/**
 * Fence around a node that cannot reach the store which it shares: other nodes may have changed what it has in memory, so it
 * serves neither reads nor writes until it has read their changes. A single node is never fenced.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Clock from "effect/Clock"
import { StorageFailed } from "./Store.ts"

/** Milliseconds since the last contact with a shared store after which a node is fenced. */
export const FENCE_MS = 5000

/**
 * Milliseconds for which requests of an overdue node wait before they are refused: a process that was busy or suspended gets its
 * replies from the store after its timers have run.
 */
export const FENCE_GRACE_MS = 500
const CHECK_MS = 20

/** State of the fence. The link between nodes changes it; everything else only reads it. */
export class FenceState {
  /** Whether requests are refused. A plain field, since each message reads it. */
  isFenced = false
  /** Time from which on the node has to be fenced, in milliseconds of the monotonic clock. */
  deadline = Number.POSITIVE_INFINITY
  readonly #now: () => number

  /** `now`: milliseconds of the monotonic clock. */
  constructor(now: () => number = () => 0) {
    this.#now = now
  }

  /** Whether requests must not be served: exact even if the process was suspended, and its timers are late. */
  get isClosed(): boolean {
    return this.isFenced || (this.deadline !== Number.POSITIVE_INFINITY && this.#now() >= this.deadline)
  }

  /** Fails if requests must not be served. Those of a node that is overdue, and not fenced yet, wait shortly. */
  check(operation: string): Effect.Effect<void, StorageFailed> {
    return Effect.gen({ self: this }, function* () {
      for (let waited = 0; !this.isFenced && this.isClosed && waited < FENCE_GRACE_MS; waited += CHECK_MS) {
        yield* Effect.sleep(CHECK_MS)
      }
      if (this.isClosed) yield* fenced(operation)
    })
  }
}

/** The fence of this node. */
export class Fence extends Context.Service<Fence, FenceState>()("@parley/core/Fence") {
  static readonly layer: Layer.Layer<Fence> = Layer.effect(
    Fence,
    Effect.map(Clock.Clock, (clock) => new FenceState(() => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)))
  )
}

/** Whether an effect may use the store of a fenced node: the reads after which it serves again. */
export const PassesFence: Context.Reference<boolean> = Context.Reference("@parley/core/PassesFence", {
  defaultValue: () => false
})

/** Failure of the operations of a fenced node. */
export const fenced = (operation: string): StorageFailed =>
  new StorageFailed({ operation, cause: new Error(`the database was not reached for ${FENCE_MS / 1000} s`) })
