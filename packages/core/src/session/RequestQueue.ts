/**
 * Queue of one connection's frames: handled and answered in order, except that started work may be answered later, in
 * order. Reading pauses when many frames, or many bytes, are queued, and no frame is handled while the client has not
 * read the replies to earlier ones.
 */
import * as Effect from "effect/Effect"
import { FRAME_OVERHEAD, INPUT_ALLOWANCE, type InputAccount, type InputBudget } from "../limits/InputBudget.ts"
import type { Serializer } from "../delivery/Serializer.ts"
import type { Connection, Rejection } from "../ports/Connection.ts"
import type { Frame } from "../ports/Frame.ts"
import type { EngineSettings } from "../ports/Settings.ts"
import { type PipelineContext, RequestPipeline } from "./RequestPipeline.ts"

/** Placeholder in the queue for a dropped frame. */
export type RejectedFrame = { readonly _tag: "InvalidUtf8" } | { readonly _tag: "Oversized"; readonly limit: number }

/** Maximum number of unread bytes before the next frame is handled: at most a share of the send buffer. */
const MAX_UNREAD = 256 * 1024
const MAX_UNREAD_SHARE = 1 / 4

/** The session whose frames are queued. */
interface QueuedSession {
  readonly connection: Connection
  readonly serializer: Pick<Serializer, "invalidUtf8">
  readonly reply: (frame: string | Frame) => void
  /** Replies to an oversized frame (`limit` in bytes) and closes. */
  readonly closeOversized: (limit: number) => void
  readonly reject: (reason: Rejection) => void
}

/** Handles a frame. Returns undefined if it was handled synchronously, or started by `RequestQueue.start`. */
export type HandleFrame<Session> = (session: Session, frame: string) => Effect.Effect<void> | undefined

export interface QueueContext extends PipelineContext {
  readonly input: InputBudget
  readonly settings: Pick<EngineSettings, "input" | "sendBuffer" | "waitingFrames">
  /** Runs an effect for a frame to its end, and calls back; does nothing while the engine shuts down. */
  readonly work: (effect: Effect.Effect<void>, done: () => void) => void
}

export class RequestQueue<Session extends QueuedSession> {
  readonly #session: Session
  readonly #handleFrame: HandleFrame<Session>
  readonly #context: QueueContext
  readonly #input: InputAccount
  readonly #frames: Array<string | RejectedFrame> = []
  /** Sizes of the queued frames in bytes, with overhead. */
  readonly #sizes: Array<number> = []
  /** Bytes of all queued frames, and of a partial frame. */
  #bytes = 0
  #partial = 0
  /** Bytes of the running frame that are charged to the budget, and bytes not charged yet (see `#runIdle`). */
  #runningBytes = 0
  #uncharged = 0
  /** Created with the first started request, to keep idle connections small. */
  #pipeline: RequestPipeline | undefined
  /** A frame that waits until all started requests are answered. */
  #held: Effect.Effect<void> | undefined
  #isPaused = false
  #isRunning = false
  /** Whether handling waits until the client has read its replies. */
  #isDraining = false
  #ended = false

  constructor(session: Session, handleFrame: HandleFrame<Session>, context: QueueContext) {
    this.#session = session
    this.#handleFrame = handleFrame
    this.#context = context
    this.#input = context.input.open(session.connection.address)
  }

  /** Whether a frame is running or queued. */
  get isBusy(): boolean {
    return this.#isRunning || this.#held !== undefined || this.#frames.length > 0 || this.#hasStarted
  }

  /** Queues a frame. `bytes` is its size in UTF-8, 0 for a dropped one. */
  enqueue(frame: string | RejectedFrame, bytes = 0): void {
    if (this.#ended) return
    const size = bytes + FRAME_OVERHEAD
    if (typeof frame === "string" && this.#isIdle) return this.#runIdle(frame, size)
    this.#frames.push(frame)
    this.#sizes.push(size)
    this.#bytes += size
    const fits = this.#input.charge(size)
    if (!this.#enforceLimits(fits, false)) return
    if (!this.#isRunning && this.#held === undefined && !this.#isDraining) this.#next()
  }

  /** Updates the size of the transport's unfinished frame in bytes. */
  partial(bytes: number): void {
    if (this.#ended) return
    const more = bytes - this.#partial
    this.#partial = bytes
    if (more > 0) this.#enforceLimits(this.#input.charge(more), true)
    else this.#input.release(-more)
  }

  /** Updates the limits when the connection gains or loses its user. */
  authenticate(isAuthenticated: boolean): void {
    this.#input.authenticate(isAuthenticated)
  }

  /** Drops the queued frames. Running ones continue. */
  clear(): void {
    this.#input.release(this.#bytes)
    this.#bytes = 0
    this.#frames.length = 0
    this.#sizes.length = 0
    if (this.#held === undefined) return
    this.#held = undefined
    this.#finishWork()
  }

  /** Drops the queued frames and accepts no more. */
  end(): void {
    if (this.#ended) return
    this.clear()
    this.partial(0)
    this.#ended = true
    this.#input.close()
  }

  /**
   * Starts a request that is answered later, in order; see `ClientSession.trySend`. `start` starts it and returns
   * whether it did; `fallback` runs in its turn if it completes without a reply.
   */
  start(start: (onComplete: (sendReply?: () => void) => void) => boolean, fallback: Effect.Effect<void>): boolean {
    this.#pipeline ??= new RequestPipeline(this.#context, this)
    this.#chargeWork()
    const size = this.#runningBytes
    if (!this.#pipeline.add(start, fallback, size)) return false
    this.#runningBytes -= size
    return true
  }

  /** Releases the memory of an answered request. */
  release(size: number): void {
    this.#input.release(size)
  }

  /** Continues after replies to started requests. */
  proceed(): void {
    if (this.#isRunning || this.#isDraining) return
    const held = this.#held
    if (held === undefined) return this.#next()
    if (this.#hasStarted) return
    this.#held = undefined
    this.#isRunning = true
    this.#context.work(held, () => {
      this.#finishWork()
      this.#next()
    })
  }

  /** Whether the next frame of a user can be handled immediately; the likeliest conditions to fail come first. */
  get #isIdle(): boolean {
    return (
      !this.#isRunning &&
      this.#frames.length === 0 &&
      this.#held === undefined &&
      !this.#isDraining &&
      !this.#isPaused &&
      this.#input.isAuthenticated &&
      this.#pipeline?.hasRoom !== false &&
      this.#session.connection.buffered() <= this.#maxUnread
    )
  }

  /**
   * Handles a frame immediately. It is charged to the input budget only if it does not complete within this call.
   */
  #runIdle(frame: string, size: number): void {
    this.#isRunning = true
    this.#uncharged = size
    const work = this.#tryHandle(frame)
    if (work === undefined) {
      this.#uncharged = 0
      this.#finishWork()
    } else {
      this.#chargeWork()
      if (!this.#runWork(work)) return
    }
    if (this.#frames.length > 0) this.#next()
    else this.#stop()
  }

  #chargeWork(): void {
    const size = this.#uncharged
    if (size === 0) return
    this.#uncharged = 0
    this.#runningBytes += size
    this.#input.charge(size)
  }

  /** Whether started requests are unanswered. */
  get #hasStarted(): boolean {
    return this.#pipeline?.isEmpty === false
  }

  /** Handles frames until one does not complete synchronously; its completion continues the queue. */
  #next(): void {
    this.#isRunning = true
    for (;;) {
      const frame = this.#ended || this.#pipeline?.hasRoom === false ? undefined : this.#frames[0]
      // Dropped frames are answered after earlier started requests.
      if (frame === undefined || (typeof frame !== "string" && this.#hasStarted)) return this.#stop()
      if (this.#session.connection.buffered() > this.#maxUnread) return this.#drain()
      this.#frames.shift()
      const size = this.#sizes.shift() ?? 0
      this.#bytes -= size
      this.#runningBytes += size
      if (typeof frame !== "string" && frame._tag === "Oversized") {
        this.clear()
        this.#finishWork()
        return this.#session.closeOversized(frame.limit)
      }
      this.#resumeWhenLow()
      if (typeof frame !== "string") {
        this.#session.reply(this.#session.serializer.invalidUtf8)
        this.#finishWork()
        continue
      }
      const work = this.#tryHandle(frame)
      if (work === undefined) {
        this.#finishWork()
        continue
      }
      if (!this.#runWork(work)) return
    }
  }

  /** Returns whether the work has completed; if not, its completion continues with the next frame. */
  #runWork(work: Effect.Effect<void>): boolean {
    if (this.#hasStarted) {
      // It may depend on started requests, and is answered after them.
      this.#held = work
      this.#stop()
      return false
    }
    // A series of frames that complete synchronously must not nest calls.
    let done = false
    let later = false
    this.#context.work(work, () => {
      this.#finishWork()
      done = true
      if (later) this.#next()
    })
    later = !done
    return done
  }

  #stop(): void {
    this.#isRunning = false
  }

  /** Releases the memory of the running frame, except for started requests. */
  #finishWork(): void {
    if (this.#runningBytes === 0) return
    this.#input.release(this.#runningBytes)
    this.#runningBytes = 0
  }

  /** Resolves when the client has read its replies; undefined if it has. */
  get drained(): Effect.Effect<void> | undefined {
    const { connection } = this.#session
    const low = this.#maxUnread
    if (connection.buffered() <= low) return undefined
    return Effect.callback((resume) => connection.onDrained(low, () => resume(Effect.void)))
  }

  get #maxUnread(): number {
    return Math.min(MAX_UNREAD, this.#context.settings.sendBuffer * MAX_UNREAD_SHARE)
  }

  /** Continues once the client has read its replies, or the connection has ended. */
  #drain(): void {
    this.#isRunning = false
    this.#isDraining = true
    this.#session.connection.onDrained(this.#maxUnread, () => {
      this.#isDraining = false
      this.proceed()
    })
  }

  /**
   * Pauses reading when the queue is full. If the budget is exhausted, rejects an unauthenticated connection, or one
   * with an unfinished frame, whose memory a pause would not free, unless it is within the allowance. Returns whether
   * the connection stays.
   */
  #enforceLimits(fits: boolean, isPartial: boolean): boolean {
    const input = this.#input
    if (!fits && (isPartial || !input.isAuthenticated) && input.held > INPUT_ALLOWANCE) {
      this.#session.reject({ _tag: "InputExhausted" })
      return false
    }
    if (this.#isPaused || this.#frames.length === 0) return true
    const isFull =
      this.#frames.length >= this.#context.settings.waitingFrames || this.#bytes + this.#partial > input.limit || !fits
    if (isFull) {
      this.#isPaused = true
      this.#session.connection.pause()
    }
    return true
  }

  #resumeWhenLow(): void {
    if (!this.#isPaused) return
    const { length } = this.#frames
    const isLow =
      length <= this.#context.settings.waitingFrames / 2 && this.#bytes + this.#partial <= this.#input.limit / 2
    // An unfinished frame alone never keeps reading paused: its rest could not be read.
    if (length > 0 && !isLow) return
    this.#isPaused = false
    this.#session.connection.resume()
  }

  #tryHandle(frame: string): Effect.Effect<void> | undefined {
    try {
      return this.#handleFrame(this.#session, frame)
    } catch (cause) {
      // A defect, logged by the caller of the effect. This may run in another connection's commit.
      return Effect.die(cause)
    }
  }
}
