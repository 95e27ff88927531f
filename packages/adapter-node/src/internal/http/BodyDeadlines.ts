/**
 * Deadlines of request bodies that are on their way. A body that is no file must come whole within the time; one of files must
 * make progress in it, so that a slow line can upload a large file and a stopped one holds nothing.
 */

/** Bytes of a file for each second of the time, at least. */
const RATE = 1024
const TICK = 1000

export interface ArrivingBody {
  /** Whether it may take as long as it makes progress. */
  readonly isFile: boolean
  /** Bytes that came so far, counted from anywhere. */
  readonly bytes: () => number
  /** Whether the server has yet to read what came: that is no fault of the client. */
  readonly isHeldUp: () => boolean
  /** Called once, unless the body was removed before. */
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
  /** Only while a body is on its way. */
  #stop: (() => void) | undefined

  /** `time` in milliseconds; `every` as in `Options` of connections. */
  constructor(time: number, every: (milliseconds: number, tick: () => void) => () => void) {
    this.#ticks = Math.max(1, Math.ceil(time / TICK))
    this.#every = every
  }

  add(body: ArrivingBody): void {
    this.#bodies.set(body, { ticks: 0, bytes: body.bytes() })
    this.#stop ??= this.#every(TICK, () => this.#tick())
  }

  /** The body is whole, or nobody waits for it any more. */
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
      if (body.isFile && bytes - progress.bytes >= this.#ticks * RATE) {
        this.#bodies.set(body, { ticks: 0, bytes })
        continue
      }
      this.remove(body)
      body.overdue()
    }
  }
}
