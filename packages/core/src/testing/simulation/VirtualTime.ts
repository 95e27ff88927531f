/**
 * Virtual time: a clock that moves from event to event, and the scheduler of all fibers. Everything that happens at one
 * moment is done before the clock moves, in an order that depends on nothing but the program.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"

/** Wall clock at the start: 2024-01-01T00:00:00Z, in milliseconds since 1970. */
const START = 1_704_067_200_000
/** Rounds of one moment after which the program is considered to run in circles. */
const MAX_ROUNDS = 100_000

interface Timer {
  readonly at: number
  readonly number: number
  readonly run: () => void
}

const isBefore = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.number < b.number)

/** Lets all microtasks run: a fiber of the default scheduler continues in a later turn of the event loop. */
const laterTurn = (): Promise<void> => Effect.runPromise(Effect.yieldNow)

/** A clock and a scheduler without real time. */
export class VirtualTime {
  #now = 0
  #step = 0
  #count = 0
  /** A binary heap. */
  readonly #timers: Array<Timer> = []
  #tasks: Array<() => void> = []

  /** Milliseconds since the start; never moves back. */
  get now(): number {
    return this.#now
  }

  /** Moves the wall clock by this number of milliseconds, as an operator does; `now` and timers are unaffected. */
  stepClock(milliseconds: number): void {
    this.#step += milliseconds
  }

  /** Calls back after this number of milliseconds, and returns a function that prevents it. */
  after(milliseconds: number, callback: () => void): () => void {
    let isCancelled = false
    this.#push({
      at: this.#now + Math.max(0, milliseconds),
      number: this.#count++,
      run: () => isCancelled || callback()
    })
    return () => {
      isCancelled = true
    }
  }

  /** The clock of fibers. */
  readonly clock: Clock.Clock = this.#makeClock()

  /** The scheduler of fibers. */
  readonly scheduler: Scheduler.Scheduler = this.#makeScheduler()

  #makeClock(): Clock.Clock {
    const millis = (): number => START + Math.floor(this.#now + this.#step)
    const monotonic = (): bigint => BigInt(Math.floor(this.#now * 1e6))
    return {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: () => BigInt(millis()) * 1_000_000n,
      currentTimeNanos: Effect.sync(() => BigInt(millis()) * 1_000_000n),
      monotonicTimeNanosUnsafe: monotonic,
      monotonicTimeNanos: Effect.sync(monotonic),
      sleep: (duration) =>
        Effect.callback((resume) => {
          const milliseconds = Duration.toMillis(duration)
          if (milliseconds === Infinity) return undefined
          const cancel = this.after(milliseconds, () => resume(Effect.void))
          return Effect.sync(cancel)
        })
    }
  }

  #makeScheduler(): Scheduler.Scheduler {
    return new Scheduler.MixedScheduler("async", (task) => {
      let isCancelled = false
      this.#tasks.push(() => isCancelled || task())
      return () => {
        isCancelled = true
      }
    })
  }

  /** Runs everything that needs no time. */
  async settle(): Promise<void> {
    for (let rounds = 0; rounds < MAX_ROUNDS; rounds++) {
      await laterTurn()
      if (this.#tasks.length === 0) return
      const tasks = this.#tasks
      this.#tasks = []
      for (const task of tasks) task()
    }
    throw new Error(`the program does not wait: at ${this.#now} ms`)
  }

  /** Runs all events of the next milliseconds. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds
    await this.settle()
    for (let next = this.#timers[0]; next !== undefined && next.at <= end; next = this.#timers[0]) {
      this.#pop()
      this.#now = next.at
      next.run()
      await this.settle()
    }
    this.#now = end
  }

  /** Waits in virtual time for a promise. Throws after this number of milliseconds. */
  async until<A>(promise: Promise<A>, milliseconds = 60_000): Promise<A> {
    let isDone = false
    const done = promise.finally(() => {
      isDone = true
    })
    done.catch(() => undefined)
    const end = this.#now + milliseconds
    await this.settle()
    while (!isDone) {
      const next = this.#timers[0]
      if (next === undefined || next.at > end) throw new Error(`nothing happened within ${milliseconds} ms`)
      await this.advance(next.at - this.#now)
    }
    return done
  }

  #push(timer: Timer): void {
    const heap = this.#timers
    let at = heap.push(timer) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(timer, heap[parent] as Timer)) break
      heap[at] = heap[parent] as Timer
      at = parent
    }
    heap[at] = timer
  }

  #pop(): void {
    const heap = this.#timers
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Timer, heap[child] as Timer)) child++
      if (!isBefore(heap[child] as Timer, last)) break
      heap[at] = heap[child] as Timer
      at = child
    }
    heap[at] = last
  }
}
