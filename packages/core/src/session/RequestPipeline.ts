/**
 * Started requests of one connection that wait for the disk together, so that one flush serves many. Replies are sent
 * in the order of the requests, regardless of the order in which they complete.
 */
import * as Effect from "effect/Effect"
import type { EngineSettings } from "../ports/Settings.ts"

class InFlight {
  /** Sends its reply, once the outcome is known. */
  sendReply: (() => void) | undefined
  /** Whether its fallback must run, in order. */
  needsFallback = false
  readonly fallback: Effect.Effect<void>
  /** Size of its frame in bytes. */
  readonly size: number

  constructor(fallback: Effect.Effect<void>, size: number) {
    this.fallback = fallback
    this.size = size
  }
}

export interface PipelineContext {
  readonly settings: Pick<EngineSettings, "input" | "waitingFrames">
  /** Runs an effect to its end, even after the connection has ended, and calls back. */
  readonly run: (effect: Effect.Effect<void>, done?: () => void) => void
  /** Counts work without a fiber, until `ended` is called; returns false while the engine shuts down. */
  readonly begin: () => boolean
  readonly ended: () => void
}

/** The request queue of the connection. */
interface Queue {
  /** Called when no more replies can be sent at the moment. */
  readonly proceed: () => void
  /** Called when a request of this size has been answered. */
  readonly release: (size: number) => void
}

export class RequestPipeline {
  readonly #context: PipelineContext
  readonly #queue: Queue
  /** Oldest first. */
  readonly #inFlight: Array<InFlight> = []
  /** Number of requests whose fallback must run: no later reply may overtake them. */
  #fallbacks = 0
  #bytes = 0
  #isReplying = false

  constructor(context: PipelineContext, queue: Queue) {
    this.#context = context
    this.#queue = queue
  }

  get isEmpty(): boolean {
    return this.#inFlight.length === 0
  }

  /** Whether another request may be started. */
  get hasRoom(): boolean {
    const { settings } = this.#context
    return this.#fallbacks === 0 && this.#inFlight.length < settings.waitingFrames && this.#bytes <= settings.input
  }

  /** See `RequestQueue.start`; `size` is the size of its frame in bytes. */
  add(
    start: (onComplete: (sendReply?: () => void) => void) => boolean,
    fallback: Effect.Effect<void>,
    size: number
  ): boolean {
    if (!this.hasRoom || !this.#context.begin()) return false
    const request = new InFlight(fallback, size)
    this.#inFlight.push(request)
    this.#bytes += size
    let isStarted = false
    try {
      isStarted = start((sendReply) => {
        request.sendReply = sendReply
        if (sendReply === undefined) {
          request.needsFallback = true
          this.#fallbacks++
        }
        if (!this.#isReplying) this.#sendReplies()
      })
    } finally {
      // A request that was not started, or threw, is removed: otherwise all later replies would wait for it.
      if (!isStarted && this.#inFlight.at(-1) === request) {
        this.#inFlight.pop()
        this.#bytes -= size
        this.#context.ended()
      }
    }
    return isStarted
  }

  #sendReplies(): void {
    this.#isReplying = true
    for (let first = this.#inFlight[0]; first !== undefined; first = this.#inFlight[0]) {
      if (first.needsFallback) {
        // `#isReplying` stays true: replies continue after the fallback.
        return this.#context.run(first.fallback, () => {
          this.#fallbacks--
          this.#onReplied()
          this.#sendReplies()
        })
      }
      if (first.sendReply === undefined) break
      try {
        first.sendReply()
      } catch (cause) {
        // Other requests of this commit are not affected; the defect is logged.
        this.#context.run(Effect.die(cause))
      }
      this.#onReplied()
    }
    this.#isReplying = false
    this.#queue.proceed()
  }

  #onReplied(): void {
    const size = this.#inFlight.shift()?.size ?? 0
    this.#bytes -= size
    this.#queue.release(size)
    this.#context.ended()
  }
}
