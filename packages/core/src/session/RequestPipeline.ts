/**
 * Requests of one connection that were begun and wait for the disk together, so that one flush of it serves many. Each is
 * answered in its turn, whatever order their outcomes come in.
 */
import * as Effect from "effect/Effect"
import type { EngineSettings } from "../ports/Settings.ts"

class InFlight {
  /** What answers it, once that is known. */
  sendReply: (() => void) | undefined
  /** Whether it has to be done in the ordinary way, when it is its turn. */
  refused = false
  readonly fallback: Effect.Effect<void>
  /** Bytes of its frame. */
  readonly size: number

  constructor(otherwise: Effect.Effect<void>, size: number) {
    this.fallback = otherwise
    this.size = size
  }
}

export interface PipelineContext {
  readonly settings: Pick<EngineSettings, "input" | "waitingFrames">
  /** Runs an effect to its end, whatever becomes of the connection, and calls back. */
  readonly run: (effect: Effect.Effect<void>, done?: () => void) => void
  /** Counts work that needs no fiber, until `ended` is called; returns false while the engine finishes. */
  readonly begin: () => boolean
  readonly ended: () => void
}

/** The queue of the connection. */
interface Queue {
  /** Nothing more can be answered at the moment. */
  readonly proceed: () => void
  /** A request of so many bytes is answered. */
  readonly release: (size: number) => void
}

export class RequestPipeline {
  readonly #context: PipelineContext
  readonly #queue: Queue
  /** Oldest first. */
  readonly #inFlight: Array<InFlight> = []
  /** How many of them have to be done in the ordinary way: nothing may overtake those. */
  #refused = 0
  #bytes = 0
  #answering = false

  constructor(context: PipelineContext, queue: Queue) {
    this.#context = context
    this.#queue = queue
  }

  get isEmpty(): boolean {
    return this.#inFlight.length === 0
  }

  /** Whether more may be begun. */
  get hasRoom(): boolean {
    const { settings } = this.#context
    return this.#refused === 0 && this.#inFlight.length < settings.waitingFrames && this.#bytes <= settings.input
  }

  /** See `Session.begin`; `size` are the bytes of its frame. */
  add(
    begin: (settled: (conclude?: () => void) => void) => boolean,
    otherwise: Effect.Effect<void>,
    size: number
  ): boolean {
    if (!this.hasRoom || !this.#context.begin()) return false
    const one = new InFlight(otherwise, size)
    this.#inFlight.push(one)
    this.#bytes += size
    let begins = false
    try {
      begins = begin((conclude) => {
        one.sendReply = conclude
        if (conclude === undefined) {
          one.refused = true
          this.#refused++
        }
        if (!this.#answering) this.#answer()
      })
    } finally {
      // Also where it throws: nothing would ever answer it, and all that comes later would wait for it.
      if (!begins && this.#inFlight.at(-1) === one) {
        this.#inFlight.pop()
        this.#bytes -= size
        this.#context.ended()
      }
    }
    return begins
  }

  #answer(): void {
    this.#answering = true
    for (let first = this.#inFlight[0]; first !== undefined; first = this.#inFlight[0]) {
      if (first.refused) {
        // `answering` stays: it goes on from here when this one is done.
        return this.#context.run(first.fallback, () => {
          this.#refused--
          this.#done()
          this.#answer()
        })
      }
      if (first.sendReply === undefined) break
      try {
        first.sendReply()
      } catch (cause) {
        // The others of this commit are none the worse for it; it is logged as what breaks off elsewhere.
        this.#context.run(Effect.die(cause))
      }
      this.#done()
    }
    this.#answering = false
    this.#queue.proceed()
  }

  #done(): void {
    const size = this.#inFlight.shift()?.size ?? 0
    this.#bytes -= size
    this.#queue.release(size)
    this.#context.ended()
  }
}
