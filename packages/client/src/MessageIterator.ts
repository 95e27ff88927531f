/** Messages as an async iterator: requesting the next message confirms the one before. */
import { type Consumer, RELEASED } from "./Inbox.ts"
import type { Incoming } from "./protocol.ts"

interface CurrentMessage {
  readonly message: Incoming
  readonly confirm: () => void
  readonly release: () => void
}

interface Reader {
  readonly resolve: (result: IteratorResult<Incoming, undefined>) => void
  readonly reject: (error: unknown) => void
}

/** Ends with `end`: pending and further `next()` calls are then done, or reject with its error. */
export class MessageIterator implements AsyncIterableIterator<Incoming, undefined> {
  readonly #unsubscribe: () => void
  #current: CurrentMessage | undefined
  /** Whether `next()` returned the current message. */
  #returned = false
  #readers: Array<Reader> = []
  #ended = false
  #error: unknown

  constructor(consume: (consumer: Consumer) => () => void) {
    this.#unsubscribe = consume(
      (message) =>
        new Promise<void>((resolve, reject) => {
          this.#current = { message, confirm: resolve, release: () => reject(RELEASED) }
          this.#returned = false
          this.#drain()
        })
    )
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Incoming, undefined>> {
    if (this.#returned) {
      this.#returned = false
      const current = this.#current
      this.#current = undefined
      current?.confirm()
    }
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject })
      this.#drain()
    })
  }

  /** Ends the iterator. The current message is not confirmed: the next consumer gets it again. */
  return(): Promise<IteratorResult<Incoming, undefined>> {
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  end(error?: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    this.#unsubscribe()
    this.#current?.release()
    this.#current = undefined
    this.#returned = false
    this.#drain()
  }

  #drain(): void {
    if (this.#ended) {
      for (const { resolve, reject } of this.#readers.splice(0)) {
        if (this.#error === undefined) resolve({ done: true, value: undefined })
        else reject(this.#error)
      }
      return
    }
    if (this.#current === undefined || this.#returned) return
    const reader = this.#readers.shift()
    if (reader === undefined) return
    this.#returned = true
    reader.resolve({ done: false, value: this.#current.message })
  }
}
