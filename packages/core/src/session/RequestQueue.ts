/**
 * The frames of one connection: carried out one after the other and answered in that order, except that work can be begun
 * whose answer comes later, in its turn. Reading pauses when many wait, or many bytes, and no frame is taken up while the
 * client has not taken the answers to those before it.
 */
import * as Effect from "effect/Effect"
import { FRAME_OVERHEAD, INPUT_ALLOWANCE, type InputAccount, type InputBudget } from "../limits/InputBudget.ts"
import type { Serializer } from "../delivery/Serializer.ts"
import type { Connection, Rejection } from "../ports/Connection.ts"
import type { Frame } from "../ports/Frame.ts"
import type { EngineSettings } from "../ports/Settings.ts"
import { type PipelineContext, RequestPipeline } from "./RequestPipeline.ts"

/** What stands among the waiting frames where one was dropped. */
export type RejectedFrame = { readonly _tag: "InvalidUtf8" } | { readonly _tag: "Oversized"; readonly limit: number }

/** Bytes of answers that may wait for the client before its next frame is taken up: a part of its send buffer at most. */
const UNSENT = 256 * 1024
const UNSENT_SHARE = 1 / 4

/** The session whose frames are queued. */
interface QueuedSession {
  readonly connection: Connection
  readonly serializer: Pick<Serializer, "invalidUtf8">
  readonly answer: (frame: string | Frame) => void
  /** Answers for a frame that was too large (`limit` in bytes), which is the last one. */
  readonly refuse: (limit: number) => void
  readonly reject: (reason: Rejection) => void
}

/** Handles a frame. Returns nothing to run if that was done at once, or was started by `RequestQueue.start`. */
export type HandleFrame<Session> = (session: Session, frame: string) => Effect.Effect<void> | undefined

export interface QueueContext extends PipelineContext {
  readonly input: InputBudget
  readonly settings: Pick<EngineSettings, "input" | "sendBuffer" | "waitingFrames">
  /** Runs an effect for a frame to its end, and calls back; nothing is taken up while the engine finishes. */
  readonly work: (effect: Effect.Effect<void>, done: () => void) => void
}

export class RequestQueue<Session extends QueuedSession> {
  readonly #session: Session
  readonly #respond: HandleFrame<Session>
  readonly #context: QueueContext
  readonly #input: InputAccount
  readonly #waiting: Array<string | RejectedFrame> = []
  /** Bytes of each of them, with its overhead. */
  readonly #sizes: Array<number> = []
  /** Bytes of all that wait, and of a frame that has come in part. */
  #bytes = 0
  #partial = 0
  /** Bytes of the frame in work that count in the budget, and those that do not: see `#takeAtOnce`. */
  #inWork = 0
  #uncharged = 0
  /** Made when something is begun: an idle connection should not cost one. */
  #pipeline: RequestPipeline | undefined
  /** A frame that waits until what was begun before it is answered. */
  #held: Effect.Effect<void> | undefined
  #paused = false
  #running = false
  /** Waits until the client has taken its answers. */
  #draining = false
  #ended = false

  constructor(session: Session, respond: HandleFrame<Session>, context: QueueContext) {
    this.#session = session
    this.#respond = respond
    this.#context = context
    this.#input = context.input.open(session.connection.address)
  }

  /** Whether a frame is being carried out or waits for that. */
  get isBusy(): boolean {
    return this.#running || this.#held !== undefined || this.#waiting.length > 0 || this.#hasBegun
  }

  /** Bytes of the frame in UTF-8; nothing for one that was dropped. */
  enqueue(frame: string | RejectedFrame, bytes = 0): void {
    if (this.#ended) return
    const size = bytes + FRAME_OVERHEAD
    if (typeof frame === "string" && this.#isIdle) return this.#takeAtOnce(frame, size)
    this.#waiting.push(frame)
    this.#sizes.push(size)
    this.#bytes += size
    const fits = this.#input.charge(size)
    if (!this.#bound(fits, false)) return
    if (!this.#running && this.#held === undefined && !this.#draining) this.#next()
  }

  /** The transport holds these bytes of an unfinished frame. */
  partial(bytes: number): void {
    if (this.#ended) return
    const more = bytes - this.#partial
    this.#partial = bytes
    if (more > 0) this.#bound(this.#input.charge(more), true)
    else this.#input.release(-more)
  }

  /** The connection has a user, or has none any more. */
  authenticate(isAuthenticated: boolean): void {
    this.#input.authenticate(isAuthenticated)
  }

  /** Forgets what waits. What is under way goes on. */
  clear(): void {
    this.#input.release(this.#bytes)
    this.#bytes = 0
    this.#waiting.length = 0
    this.#sizes.length = 0
    if (this.#held === undefined) return
    this.#held = undefined
    this.#finishWork()
  }

  /** The same, for good. */
  end(): void {
    if (this.#ended) return
    this.clear()
    this.partial(0)
    this.#ended = true
    this.#input.close()
  }

  /** See `Session.begin`. */
  start(begin: (settled: (conclude?: () => void) => void) => boolean, otherwise: Effect.Effect<void>): boolean {
    this.#pipeline ??= new RequestPipeline(this.#context, this)
    this.#chargeWork()
    const size = this.#inWork
    if (!this.#pipeline.add(begin, otherwise, size)) return false
    this.#inWork -= size
    return true
  }

  /** Something that was begun is answered, and no longer in memory. */
  release(size: number): void {
    this.#input.release(size)
  }

  /** Something that was under way has been answered. */
  proceed(): void {
    if (this.#running || this.#draining) return
    const held = this.#held
    if (held === undefined) return this.#next()
    if (this.#hasBegun) return
    this.#held = undefined
    this.#running = true
    this.#context.work(held, () => {
      this.#finishWork()
      this.#next()
    })
  }

  /** Whether the next frame of a user is taken up at once: the order of conditions is that of how often they fail. */
  get #isIdle(): boolean {
    return (
      !this.#running &&
      this.#waiting.length === 0 &&
      this.#held === undefined &&
      !this.#draining &&
      !this.#paused &&
      this.#input.isAuthenticated &&
      this.#pipeline?.hasRoom !== false &&
      this.#session.connection.buffered() <= this.#unsent
    )
  }

  /** A frame that is done within this call never waits, so it is not counted; once it has to wait for anything, it is. */
  #takeAtOnce(frame: string, size: number): void {
    this.#running = true
    this.#uncharged = size
    const work = this.#execute(frame)
    if (work === undefined) {
      this.#uncharged = 0
      this.#finishWork()
    } else {
      this.#chargeWork()
      if (!this.#perform(work)) return
    }
    if (this.#waiting.length > 0) this.#next()
    else this.#rest()
  }

  #chargeWork(): void {
    const size = this.#uncharged
    if (size === 0) return
    this.#uncharged = 0
    this.#inWork += size
    this.#input.charge(size)
  }

  /** Whether something was begun that is not answered. */
  get #hasBegun(): boolean {
    return this.#pipeline?.isEmpty === false
  }

  /** Takes up frames until one is not carried out at once; that one goes on from here when it is. */
  #next(): void {
    this.#running = true
    for (;;) {
      const frame = this.#ended || this.#pipeline?.hasRoom === false ? undefined : this.#waiting[0]
      // What is no frame is answered after what was begun before it.
      if (frame === undefined || (typeof frame !== "string" && this.#hasBegun)) return this.#rest()
      if (this.#session.connection.buffered() > this.#unsent) return this.#drain()
      this.#waiting.shift()
      const size = this.#sizes.shift() ?? 0
      this.#bytes -= size
      this.#inWork += size
      if (typeof frame !== "string" && frame._tag === "Oversized") {
        this.clear()
        this.#finishWork()
        return this.#session.refuse(frame.limit)
      }
      this.#resumeWhenLow()
      if (typeof frame !== "string") {
        this.#session.answer(this.#session.serializer.invalidUtf8)
        this.#finishWork()
        continue
      }
      const work = this.#execute(frame)
      if (work === undefined) {
        this.#finishWork()
        continue
      }
      if (!this.#perform(work)) return
    }
  }

  /** Returns whether the work is done already; if it is not, the next frame is taken up when it is. */
  #perform(work: Effect.Effect<void>): boolean {
    if (this.#hasBegun) {
      // It may see what was begun before it, and is answered after that.
      this.#held = work
      this.#rest()
      return false
    }
    // A list of frames that are carried out at once must not become a stack of calls.
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

  #rest(): void {
    this.#running = false
  }

  /** Nothing of the frame in work is in memory any more, but for what was begun. */
  #finishWork(): void {
    if (this.#inWork === 0) return
    this.#input.release(this.#inWork)
    this.#inWork = 0
  }

  /** See `Session.drained`. */
  get drained(): Effect.Effect<void> | undefined {
    const { connection } = this.#session
    const low = this.#unsent
    if (connection.buffered() <= low) return undefined
    return Effect.callback((resume) => connection.onDrained(low, () => resume(Effect.void)))
  }

  get #unsent(): number {
    return Math.min(UNSENT, this.#context.settings.sendBuffer * UNSENT_SHARE)
  }

  /** Takes up the next frame once the client has taken its answers, or the connection has ended. */
  #drain(): void {
    this.#running = false
    this.#draining = true
    this.#session.connection.onDrained(this.#unsent, () => {
      this.#draining = false
      this.proceed()
    })
  }

  /**
   * Pauses reading when as much waits as may. Where the pools have no room, a connection without a user goes, and so does one
   * with an unfinished frame, which no pause makes smaller; but none that holds next to nothing. Returns whether it stays.
   */
  #bound(fits: boolean, isPartial: boolean): boolean {
    const input = this.#input
    if (!fits && (isPartial || !input.isAuthenticated) && input.held > INPUT_ALLOWANCE) {
      this.#session.reject({ _tag: "InputExhausted" })
      return false
    }
    if (this.#paused || this.#waiting.length === 0) return true
    const isFull =
      this.#waiting.length >= this.#context.settings.waitingFrames || this.#bytes + this.#partial > input.limit || !fits
    if (isFull) {
      this.#paused = true
      this.#session.connection.pause()
    }
    return true
  }

  #resumeWhenLow(): void {
    if (!this.#paused) return
    const { length } = this.#waiting
    const isLow =
      length <= this.#context.settings.waitingFrames / 2 && this.#bytes + this.#partial <= this.#input.limit / 2
    // An unfinished frame by itself never keeps reading paused: the rest of it would not come.
    if (length > 0 && !isLow) return
    this.#paused = false
    this.#session.connection.resume()
  }

  #execute(frame: string): Effect.Effect<void> | undefined {
    try {
      return this.#respond(this.#session, frame)
    } catch (cause) {
      // A mistake of ours, logged where work breaks off. It may be called from another connection's commit.
      return Effect.die(cause)
    }
  }
}
