/**
 * Contact of this node with the store that it shares: renews the lease each second, fences the node when the store was not reached
 * in time, and ends that when it has caught up.
 */
import * as Effect from "effect/Effect"
import { FENCE_GRACE_MS, FENCE_MS, type FenceState } from "../ports/Fence.ts"
import type { StorageFailed } from "../ports/Store.ts"

/** Milliseconds between two renewals of the lease. */
const RENEWAL_MS = 1000
/** Milliseconds between two checks of a fenced node. */
const CHECK_MS = 500
/** Milliseconds without contact after which a node closes its connections. */
const CLOSE_MS = 10_000

/** Times of the latest contacts, by the monotonic clock. */
export class StoreContact {
  readonly #fence: FenceState
  /** Start of the latest renewal that succeeded. */
  #renewedAt: number
  /** Start of the first read of the journal since the latest one that succeeded. */
  #readingSince = Number.POSITIVE_INFINITY
  #fencedAt = 0

  constructor(fence: FenceState, now: number) {
    this.#fence = fence
    this.#renewedAt = now
    this.#update()
  }

  get isFenced(): boolean {
    return this.#fence.isFenced
  }

  /** Time from which on the node has to be fenced. */
  get deadline(): number {
    return this.#fence.deadline
  }

  /** A renewal that began at this time has succeeded. */
  renewed(at: number): void {
    this.#renewedAt = at
    this.#update()
  }

  /** Reads the journal: what is in memory is as old as the latest read. Waiting for its turn does not count. */
  readingJournal(read: Effect.Effect<void, StorageFailed>, now: () => number): Effect.Effect<void, StorageFailed> {
    return Effect.suspend(() => {
      this.#readingSince = Math.min(this.#readingSince, now())
      this.#update()
      return Effect.map(read, () => {
        this.#readingSince = Number.POSITIVE_INFINITY
        this.#update()
      })
    })
  }

  /** Fences the node. */
  fence(now: number): Effect.Effect<void> {
    this.#fence.isFenced = true
    this.#fencedAt = now
    return Effect.logError("the database is unreachable: this node refuses all requests")
  }

  /** Ends the fence of a node that has caught up. */
  resume(now: number): Effect.Effect<void> {
    if (!this.#fence.isFenced) return Effect.void
    this.#fence.isFenced = false
    const seconds = Math.round((now - this.#fencedAt) / 1000)
    return Effect.annotateLogs(Effect.logInfo("the database is reachable: this node serves again"), { seconds })
  }

  #update(): void {
    this.#fence.deadline = Math.min(this.#renewedAt, this.#readingSince) + FENCE_MS
  }
}

interface Actions {
  /** Renews the lease, by which the store is reached. */
  readonly renew: Effect.Effect<void, StorageFailed>
  /** Starts to read what others have changed, after which the node serves again. */
  readonly catchUp: () => void
  /** Drops what is not refused while the node is fenced. */
  readonly onFenced: Effect.Effect<void>
  readonly closeConnections: Effect.Effect<void>
  readonly now: () => number
}

/** Keeps the contact until interrupted. */
export const keepContact = (
  contact: StoreContact,
  { renew, catchUp, onFenced, closeConnections, now }: Actions
): Effect.Effect<never> => {
  const renewing = Effect.gen(function* () {
    for (;;) {
      const at = now()
      const isRenewed = yield* Effect.match(renew, { onFailure: () => false, onSuccess: () => true })
      if (isRenewed) {
        contact.renewed(at)
        if (contact.isFenced) catchUp()
      }
      yield* Effect.sleep(Math.max(0, RENEWAL_MS - (now() - at)))
    }
  })
  const watching = Effect.gen(function* () {
    let isClosing = false
    let isOverdue = false
    for (;;) {
      const left = contact.deadline - now()
      if (contact.isFenced) {
        if (isClosing && left <= FENCE_MS - CLOSE_MS) {
          isClosing = false
          yield* closeConnections
        }
        yield* Effect.sleep(CHECK_MS)
      } else if (left > 0) {
        isOverdue = false
        yield* Effect.sleep(left)
      } else if (!isOverdue) {
        // A process that was busy may have a reply of the store that it has not read yet.
        isOverdue = true
        yield* Effect.sleep(FENCE_GRACE_MS)
      } else {
        isOverdue = false
        isClosing = true
        yield* contact.fence(now())
        yield* onFenced
      }
    }
  })
  return Effect.andThen(Effect.forkChild(renewing), watching)
}
