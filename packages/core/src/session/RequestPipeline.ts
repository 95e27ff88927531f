/**
 * Requests of one connection that were begun and wait for the disk together, so that one flush of it serves many. Each is
 * answered in its turn, whatever order their outcomes come in.
 */
import * as Effect from "effect/Effect"
import type { Surroundings } from "./ClientSession.ts"

class Begun {
  /** What answers it, once that is known. */
  conclude: (() => void) | undefined
  /** Whether it has to be done in the ordinary way, when it is its turn. */
  refused = false
  readonly otherwise: Effect.Effect<void>
  /** Bytes of its frame. */
  readonly size: number

  constructor(otherwise: Effect.Effect<void>, size: number) {
    this.otherwise = otherwise
    this.size = size
  }
}

type Around = Pick<Surroundings, "begin" | "ended" | "run"> & {
  readonly settings: Pick<Surroundings["settings"], "input" | "waitingFrames">
}

/** The queue of the connection. */
interface Queue {
  /** Nothing more can be answered at the moment. */
  readonly moveOn: () => void
  /** A request of so many bytes is answered. */
  readonly release: (size: number) => void
}

export class Underway {
  readonly #around: Around
  readonly #queue: Queue
  /** Oldest first. */
  readonly #begun: Array<Begun> = []
  /** How many of them have to be done in the ordinary way: nothing may overtake those. */
  #refused = 0
  #bytes = 0
  #answering = false

  constructor(around: Around, queue: Queue) {
    this.#around = around
    this.#queue = queue
  }

  get isEmpty(): boolean {
    return this.#begun.length === 0
  }

  /** Whether more may be begun. */
  get hasRoom(): boolean {
    const { settings } = this.#around
    return this.#refused === 0 && this.#begun.length < settings.waitingFrames && this.#bytes <= settings.input
  }

  /** See `Session.begin`; `size` are the bytes of its frame. */
  add(
    begin: (settled: (conclude?: () => void) => void) => boolean,
    otherwise: Effect.Effect<void>,
    size: number
  ): boolean {
    if (!this.hasRoom || !this.#around.begin()) return false
    const one = new Begun(otherwise, size)
    this.#begun.push(one)
    this.#bytes += size
    let begins = false
    try {
      begins = begin((conclude) => {
        one.conclude = conclude
        if (conclude === undefined) {
          one.refused = true
          this.#refused++
        }
        if (!this.#answering) this.#answer()
      })
    } finally {
      // Also where it throws: nothing would ever answer it, and all that comes later would wait for it.
      if (!begins && this.#begun.at(-1) === one) {
        this.#begun.pop()
        this.#bytes -= size
        this.#around.ended()
      }
    }
    return begins
  }

  #answer(): void {
    this.#answering = true
    for (let first = this.#begun[0]; first !== undefined; first = this.#begun[0]) {
      if (first.refused) {
        // `answering` stays: it goes on from here when this one is done.
        return this.#around.run(first.otherwise, () => {
          this.#refused--
          this.#done()
          this.#answer()
        })
      }
      if (first.conclude === undefined) break
      try {
        first.conclude()
      } catch (cause) {
        // The others of this commit are none the worse for it; it is logged as what breaks off elsewhere.
        this.#around.run(Effect.die(cause))
      }
      this.#done()
    }
    this.#answering = false
    this.#queue.moveOn()
  }

  #done(): void {
    const size = this.#begun.shift()?.size ?? 0
    this.#bytes -= size
    this.#queue.release(size)
    this.#around.ended()
  }
}
