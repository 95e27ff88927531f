/** Listening to an engine's events: by callback, or by iterating. */
import * as Effect from "effect/Effect"
import { type EventOf, eventOf, type EventType, type ParleyEvent } from "./Events.ts"
import { leavable } from "./Cancellable.ts"
import { ParleyError } from "./ParleyError.ts"
import { onAbort, type Signal } from "./AbortSignalLike.ts"
import type { Works } from "./EngineServices.ts"

/** Events that may wait for who iterates, at most. */
export const WAITING_EVENTS = 10_000

type Listener = (event: ParleyEvent) => unknown

export class Feed {
  readonly #works: Works
  readonly #listeners = new Set<Listener>()
  #unobserve: (() => void) | undefined

  constructor(works: Works) {
    this.#works = works
    works.onClose(() => {
      this.#unobserve?.()
      this.#unobserve = undefined
      this.#listeners.clear()
    })
  }

  /** Events are told in the turn in which they are announced. What a listener throws is logged, and harms nobody. */
  on<T extends EventType>(type: T, listener: (event: EventOf<T>) => unknown): () => void {
    return this.#listen((event) => (event.type === type ? listener(event as EventOf<T>) : undefined))
  }

  events({ signal }: { readonly signal?: Signal } = {}): AsyncIterableIterator<ParleyEvent, void, undefined> {
    return leavable((left) => this.#events([signal, left]))
  }

  async *#events(signals: ReadonlyArray<Signal | undefined>): AsyncGenerator<ParleyEvent, void, undefined> {
    const waiting: Array<ParleyEvent> = []
    let overflowed = false
    let ended = this.#works.isClosed()
    let wake = (): void => {}
    const end = (): void => {
      ended = true
      wake()
    }
    const releases = [
      this.#listen((event) => {
        if (waiting.length < WAITING_EVENTS) waiting.push(event)
        else overflowed = true
        wake()
      }),
      this.#works.onClose(end),
      ...signals.map((signal) => onAbort(signal, end))
    ]
    try {
      while (!ended) {
        const event = waiting.shift()
        if (event !== undefined) yield event
        else if (overflowed) {
          throw new ParleyError("Overflowed", `More than ${WAITING_EVENTS} events waited to be taken.`)
        } else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      for (const release of releases) release()
    }
  }

  #listen(listener: Listener): () => void {
    if (this.#works.isClosed()) return () => {}
    this.#listeners.add(listener)
    this.#unobserve ??= this.#works.hub.observe({
      announced: (announcement) => {
        const event = eventOf(announcement)
        if (event !== undefined) for (const one of this.#listeners) this.#tell(one, event)
      },
      hinted: () => {}
    })
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#unobserve?.()
      this.#unobserve = undefined
    }
  }

  #tell(listener: Listener, event: ParleyEvent): void {
    const complain = (cause: unknown): void => {
      this.#works.run(Effect.logError("A listener failed.", cause)).catch(() => {})
    }
    try {
      const told = listener(event)
      if (told instanceof Promise) told.catch(complain)
    } catch (cause) {
      complain(cause)
    }
  }
}
