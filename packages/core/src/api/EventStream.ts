/** Listening to an engine's events: by callback, or by iterating. */
import * as Effect from "effect/Effect"
import { type EventOf, eventOf, type EventType, type ParleyEvent } from "./Events.ts"
import { cancellable } from "./Cancellable.ts"
import { ParleyError } from "./ParleyError.ts"
import { onAbort, type AbortSignalLike } from "./AbortSignalLike.ts"
import type { EngineServices } from "./EngineServices.ts"

/** Events that may wait for who iterates, at most. */
export const MAX_BUFFERED_EVENTS = 10_000

type Listener = (event: ParleyEvent) => unknown

export class EventStream {
  readonly #services: EngineServices
  readonly #listeners = new Set<Listener>()
  #unobserve: (() => void) | undefined

  constructor(services: EngineServices) {
    this.#services = services
    services.onClose(() => {
      this.#unobserve?.()
      this.#unobserve = undefined
      this.#listeners.clear()
    })
  }

  /** Events are told in the turn in which they are announced. What a listener throws is logged, and harms nobody. */
  on<T extends EventType>(type: T, listener: (event: EventOf<T>) => unknown): () => void {
    return this.#listen((event) => (event.type === type ? listener(event as EventOf<T>) : undefined))
  }

  events({ signal }: { readonly signal?: AbortSignalLike } = {}): AsyncIterableIterator<ParleyEvent, void, undefined> {
    return cancellable((left) => this.#events([signal, left]))
  }

  async *#events(signals: ReadonlyArray<AbortSignalLike | undefined>): AsyncGenerator<ParleyEvent, void, undefined> {
    const waiting: Array<ParleyEvent> = []
    let overflowed = false
    let ended = this.#services.isClosed()
    let wake = (): void => {}
    const end = (): void => {
      ended = true
      wake()
    }
    const releases = [
      this.#listen((event) => {
        if (waiting.length < MAX_BUFFERED_EVENTS) waiting.push(event)
        else overflowed = true
        wake()
      }),
      this.#services.onClose(end),
      ...signals.map((signal) => onAbort(signal, end))
    ]
    try {
      while (!ended) {
        const event = waiting.shift()
        if (event !== undefined) yield event
        else if (overflowed) {
          throw new ParleyError("Overflowed", `More than ${MAX_BUFFERED_EVENTS} events waited to be taken.`)
        } else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      for (const release of releases) release()
    }
  }

  #listen(listener: Listener): () => void {
    if (this.#services.isClosed()) return () => {}
    this.#listeners.add(listener)
    this.#unobserve ??= this.#services.hub.observe({
      broadcast: (announcement) => {
        const event = eventOf(announcement)
        if (event !== undefined) for (const one of this.#listeners) this.#emit(one, event)
      },
      remoteAppend: () => {}
    })
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#unobserve?.()
      this.#unobserve = undefined
    }
  }

  #emit(listener: Listener, event: ParleyEvent): void {
    const complain = (cause: unknown): void => {
      this.#services.run(Effect.logError("A listener failed.", cause)).catch(() => {})
    }
    try {
      const told = listener(event)
      if (told instanceof Promise) told.catch(complain)
    } catch (cause) {
      complain(cause)
    }
  }
}
