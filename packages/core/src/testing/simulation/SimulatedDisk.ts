/**
 * Wraps a store so that its operations take virtual time and fail as a disk does: a crash loses the commits that are not
 * written yet, a commit fails before or after it has taken effect, and reads fail. Written batches stay for the next start.
 */
import * as Effect from "effect/Effect"
import { StorageFailed, type Store, type WriteBatch, type WriteResult } from "../../ports/Store.ts"
import type { SeededRandom } from "./SeededRandom.ts"
import type { VirtualTime } from "./VirtualTime.ts"

/** A batch that was written, and its results; its caller may have got an error, or nothing. */
export interface Committed {
  /** The batch. */
  readonly batch: WriteBatch
  /** Results of its writes. */
  readonly results: ReadonlyArray<WriteResult>
  /** Virtual time in milliseconds. */
  readonly at: number
}

/** Fault of the next commit: it fails without effect, or after they have taken effect. */
export type CommitFault = "lost" | "unknown"

type Commit = Store["Service"]["commit"]

interface Waiting {
  readonly batch: WriteBatch
  readonly begin: () => void
}

/** Milliseconds. */
const MAX_LATENCY = 4

const failed = (operation: string): StorageFailed =>
  new StorageFailed({ operation, cause: new Error("a simulated fault of the disk") })

/** A disk under a store. */
export class SimulatedDisk {
  readonly #time: VirtualTime
  readonly #random: SeededRandom
  readonly #durable: Store["Service"]
  readonly #onCommitted: (committed: Committed) => void
  readonly #faults: Array<CommitFault> = []
  #failingReads = 0
  /** Number of starts; operations of an earlier one never end. */
  #start = 0
  #waiting: Array<Waiting> = []
  #isWriting = false

  /** `durable` keeps what was written. `onCommitted` is called in the order of the commits, at the moment of the write. */
  constructor(
    time: VirtualTime,
    random: SeededRandom,
    durable: Store["Service"],
    onCommitted: (committed: Committed) => void = () => undefined
  ) {
    this.#time = time
    this.#random = random
    this.#durable = durable
    this.#onCommitted = onCommitted
  }

  /** The next commit fails. */
  failCommit(fault: CommitFault): void {
    this.#faults.push(fault)
  }

  /** The next reads fail. */
  failReads(count: number): void {
    this.#failingReads += count
  }

  /** Ends all faults. */
  repair(): void {
    this.#faults.length = 0
    this.#failingReads = 0
  }

  /** The process ends: commits that wait are lost, and no operation of the present store continues. */
  crash(): void {
    this.#start++
    this.#waiting = []
    this.#isWriting = false
  }

  /** Returns the store for one start of a server. */
  open(): Store["Service"] {
    const start = this.#start
    const isOver = (): boolean => this.#start !== start
    const latency = (): number => this.#random.next() * MAX_LATENCY

    const read = <A, E>(name: string, effect: Effect.Effect<A, E>): Effect.Effect<A, E | StorageFailed> =>
      Effect.flatMap(this.#wait(latency, isOver), (): Effect.Effect<A, E | StorageFailed> => {
        if (this.#failingReads === 0) return effect
        this.#failingReads--
        return Effect.fail(failed(name))
      })

    const commit: Commit = (batch) =>
      Effect.callback((resume) => {
        if (isOver()) return
        this.#waiting.push({
          batch,
          begin: () => {
            this.#time.after(latency(), () => {
              if (isOver()) return
              const fault = this.#faults.shift()
              const written = fault === "lost" ? Effect.fail(failed("commit")) : this.#durable.commit(batch)
              // The write itself takes no virtual time: stores are called one after the other.
              Effect.runCallback(Effect.exit(written), {
                onExit: (exit) => {
                  if (exit._tag === "Failure" || isOver()) return
                  const result = exit.value
                  if (result._tag === "Success") {
                    this.#onCommitted({ batch, results: result.value, at: this.#time.now })
                  }
                  this.#time.after(latency(), () => {
                    if (!isOver()) resume(fault === "unknown" ? Effect.fail(failed("commit")) : result)
                  })
                  this.#next()
                }
              })
            })
          }
        })
        if (!this.#isWriting) this.#next()
      })

    const members = Object.entries(this.#durable).map(([name, member]: readonly [string, unknown]) => {
      if (name === "commit") return [name, commit]
      // The fast path without a fiber is a matter of the wrapped store.
      if (name === "appendMessage") return [name, undefined]
      if (typeof member === "function") {
        const operation = member as (...input: ReadonlyArray<unknown>) => Effect.Effect<unknown, StorageFailed>
        return [name, (...input: ReadonlyArray<unknown>) => read(name, operation(...input))]
      }
      return [name, Effect.isEffect(member) ? read(name, member as Effect.Effect<unknown, StorageFailed>) : member]
    })
    const store = Object.fromEntries(members) as { -readonly [K in keyof Store["Service"]]: Store["Service"][K] }
    if (store.appendMessage === undefined) delete store.appendMessage
    return store
  }

  /** Begins the next commit: they take effect in the order of their calls. */
  #next(): void {
    const next = this.#waiting.shift()
    this.#isWriting = next !== undefined
    next?.begin()
  }

  #wait(latency: () => number, isOver: () => boolean): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (isOver()) return undefined
      const cancel = this.#time.after(latency(), () => {
        if (!isOver()) resume(Effect.void)
      })
      return Effect.sync(cancel)
    })
  }
}
