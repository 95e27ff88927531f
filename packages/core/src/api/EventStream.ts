/** The engine's events, by callback or by iteration. */
import * as Effect from "effect/Effect"
import { type EventOf, eventOf, type EventType, type ParleyEvent, pushOf } from "./Events.ts"
import { cancellable } from "./Cancellable.ts"
import { ParleyError } from "./ParleyError.ts"
import { onAbort, type AbortSignalLike } from "./AbortSignalLike.ts"
import type { EngineServices } from "./EngineServices.ts"

/** Maximum number of events buffered for an iteration. */
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

  /** Calls listeners in the turn of the broadcast. Errors of a listener are logged, and do not affect the others. */
  on<T extends EventType>(type: T, listener: (event: EventOf<T>) => unknown): () => void {
    return this.#listen((event) => (event.type === type ? listener(event as EventOf<T>) : undefined))
  }

  events({ signal }: { readonly signal?: AbortSignalLike } = {}): AsyncIterableIterator<ParleyEvent, void, undefined> {
    return cancellable((cancelled) => this.#events([signal, cancelled]))
  }

  async *#events(signals: ReadonlyArray<AbortSignalLike | undefined>): AsyncGenerator<ParleyEvent, void, undefined> {
    const buffer: Array<ParleyEvent> = []
    let overflowed = false
    let ended = this.#services.isClosed()
    let wake = (): void => {}
    const end = (): void => {
      ended = true
      wake()
    }
    const releases = [
      this.#listen((event) => {
        if (buffer.length < MAX_BUFFERED_EVENTS) buffer.push(event)
        else overflowed = true
        wake()
      }),
      this.#services.onClose(end),
      ...signals.map((signal) => onAbort(signal, end))
    ]
    try {
      while (!ended) {
        const event = buffer.shift()
        if (event !== undefined) yield event
        else if (overflowed) {
          throw new ParleyError("Overflowed", `More than ${MAX_BUFFERED_EVENTS} events are waiting to be read.`)
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
        const { hub } = this.#services
        for (const event of [eventOf(announcement), pushOf(announcement, (user) => hub.isOnline(user))]) {
          if (event !== undefined) for (const one of this.#listeners) this.#emit(one, event)
        }
      }
    })
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#unobserve?.()
      this.#unobserve = undefined
    }
  }

  #emit(listener: Listener, event: ParleyEvent): void {
    const logFailure = (cause: unknown): void => {
      this.#services.run(Effect.logError("A listener failed.", cause)).catch(() => {})
    }
    try {
      const returned = listener(event)
      if (returned instanceof Promise) returned.catch(logFailure)
    } catch (cause) {
      logFailure(cause)
    }
  }
}
