/** The open connections. When the server begins to close, their clients are asked to reconnect. */
import * as Effect from "effect/Effect"
import type { ClientConnections } from "./ClientConnections.ts"

export class OpenConnections {
  readonly #open = new Set<ClientConnections>()
  readonly #waiting = new Set<() => void>()
  #isDraining = false

  /** Whether new connections are not accepted any more. */
  get isDraining(): boolean {
    return this.#isDraining
  }

  add(connection: ClientConnections): void {
    this.#open.add(connection)
  }

  readonly ended = (connection: ClientConnections): void => {
    this.#open.delete(connection)
    if (this.#open.size > 0) return
    for (const done of this.#waiting) done()
    this.#waiting.clear()
  }

  /** Asks all clients to reconnect, and waits until they have left. */
  readonly drain: Effect.Effect<void> = Effect.callback((resume) => {
    this.#isDraining = true
    for (const connection of this.#open) connection.goAway()
    if (this.#open.size === 0) return resume(Effect.void)
    const done = (): void => resume(Effect.void)
    this.#waiting.add(done)
    return Effect.sync(() => this.#waiting.delete(done))
  })
}
