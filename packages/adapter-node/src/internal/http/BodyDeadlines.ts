/**
 * Deadlines of incoming request bodies. A body without files must arrive within the time; a file upload must make progress
 * within it, so that slow uploads succeed and stopped ones are ended.
 */

/** Minimum bytes per second of an upload. */
const MIN_RATE = 1024
const TICK = 1000

export interface ArrivingBody {
  /** Whether progress extends the deadline. */
  readonly isFile: boolean
  /** Returns a count of received bytes; only differences matter, so it may start at any value. */
  readonly bytes: () => number
  /** Whether the server has unread bytes, so that the client is not at fault. */
  readonly isHeldUp: () => boolean
  /** Called once, unless the body was removed first. */
  readonly overdue: () => void
}

interface Progress {
  ticks: number
  bytes: number
}

export class BodyDeadlines {
  readonly #ticks: number
  readonly #every: (milliseconds: number, tick: () => void) => () => void
  readonly #bodies = new Map<ArrivingBody, Progress>()
  /** Set while a body is arriving. */
  #stop: (() => void) | undefined

  /** `time`: milliseconds; `every`: as in the options of connections. */
  constructor(time: number, every: (milliseconds: number, tick: () => void) => () => void) {
    this.#ticks = Math.max(1, Math.ceil(time / TICK))
    this.#every = every
  }

  add(body: ArrivingBody): void {
    this.#bodies.set(body, { ticks: 0, bytes: body.bytes() })
    this.#stop ??= this.#every(TICK, () => this.#tick())
  }

  /** Removes a complete or abandoned body. */
  remove(body: ArrivingBody): void {
    this.#bodies.delete(body)
    if (this.#bodies.size > 0) return
    this.#stop?.()
    this.#stop = undefined
  }

  #tick(): void {
    for (const [body, progress] of Array.from(this.#bodies)) {
      if (body.isHeldUp()) continue
      progress.ticks++
      if (progress.ticks < this.#ticks) continue
      const bytes = body.bytes()
      if (body.isFile && bytes - progress.bytes >= this.#ticks * MIN_RATE) {
        this.#bodies.set(body, { ticks: 0, bytes })
        continue
      }
      this.remove(body)
      body.overdue()
    }
  }
}
