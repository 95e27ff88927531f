/**
 * The frames of one connection: carried out one after the other and answered in that order, except that work can be begun
 * whose answer comes later, in its turn. Reading pauses when many wait.
 */
import * as Effect from "effect/Effect"
import type { Respond, Session, Surroundings } from "./Session.ts"
import { Underway } from "./Underway.ts"

/** What stands among the waiting frames where one was dropped. */
export type Dropped = { readonly _tag: "Garbled" } | { readonly _tag: "Oversized"; readonly limit: number }

export class FrameQueue {
  readonly #session: Session
  readonly #respond: Respond
  readonly #around: Surroundings
  readonly #waiting: Array<string | Dropped> = []
  /** Made when something is begun: an idle connection should not cost one. */
  #underway: Underway | undefined
  /** A frame that waits until what was begun before it is answered. */
  #held: Effect.Effect<void> | undefined
  #paused = false
  #running = false
  #ended = false

  constructor(session: Session, respond: Respond, around: Surroundings) {
    this.#session = session
    this.#respond = respond
    this.#around = around
  }

  /** Whether a frame is being carried out or waits for that. */
  get isBusy(): boolean {
    return this.#running || this.#held !== undefined || this.#waiting.length > 0 || this.#hasBegun
  }

  take(frame: string | Dropped): void {
    if (this.#ended) return
    this.#waiting.push(frame)
    if (this.#waiting.length >= this.#around.settings.waitingFrames && !this.#paused) {
      this.#paused = true
      this.#session.connection.pause()
    }
    if (!this.#running && this.#held === undefined) this.#next()
  }

  /** Forgets what waits. What is under way goes on. */
  clear(): void {
    this.#waiting.length = 0
    this.#held = undefined
  }

  /** The same, for good. */
  end(): void {
    this.#ended = true
    this.clear()
  }

  /** See `Session.begin`. */
  begin(begin: (settled: (conclude?: () => void) => void) => boolean, otherwise: Effect.Effect<void>): boolean {
    this.#underway ??= new Underway(this.#around, this)
    return this.#underway.add(begin, otherwise)
  }

  /** Something that was under way has been answered. */
  moveOn(): void {
    if (this.#running) return
    const held = this.#held
    if (held === undefined) return this.#next()
    if (this.#hasBegun) return
    this.#held = undefined
    this.#running = true
    this.#around.work(held, () => this.#next())
  }

  /** Whether something was begun that is not answered. */
  get #hasBegun(): boolean {
    return this.#underway?.isEmpty === false
  }

  /** Takes up frames until one is not carried out at once; that one goes on from here when it is. */
  #next(): void {
    this.#running = true
    for (;;) {
      const frame = this.#ended || this.#underway?.hasRoom === false ? undefined : this.#waiting.shift()
      if (frame === undefined) return this.#rest()
      if (typeof frame !== "string" && this.#hasBegun) {
        // It is answered after what was begun before it.
        this.#waiting.unshift(frame)
        return this.#rest()
      }
      if (typeof frame !== "string" && frame._tag === "Oversized") {
        this.clear()
        return this.#session.refuse(frame.limit)
      }
      if (this.#paused && this.#waiting.length <= this.#around.settings.waitingFrames / 2) {
        this.#paused = false
        this.#session.connection.resume()
      }
      if (typeof frame !== "string") {
        this.#session.answer(this.#session.tongue.garbled)
        continue
      }
      const work = this.#carryOut(frame)
      if (work === undefined) continue
      if (this.#hasBegun) {
        // It may see what was begun before it, and is answered after that.
        this.#held = work
        return this.#rest()
      }
      // A list of frames that are carried out at once must not become a stack of calls.
      let [done, later] = [false, false]
      this.#around.work(work, () => {
        done = true
        if (later) this.#next()
      })
      if (!done) {
        later = true
        return
      }
    }
  }

  #rest(): void {
    this.#running = false
  }

  #carryOut(frame: string): Effect.Effect<void> | undefined {
    try {
      return this.#respond(this.#session, frame)
    } catch (cause) {
      // A mistake of ours, logged where work breaks off. It may be called from another connection's commit.
      return Effect.die(cause)
    }
  }
}
