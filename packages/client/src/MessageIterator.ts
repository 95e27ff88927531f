/** Messages one by one, as an iterator: the next one is asked for when the one before was taken. */
import { type Consumer, RELEASED } from "./Inbox.ts"
import type { Incoming } from "./protocol.ts"

interface CurrentMessage {
  readonly message: Incoming
  readonly take: () => void
  readonly giveBack: () => void
}

interface Reader {
  readonly resolve: (result: IteratorResult<Incoming, undefined>) => void
  readonly reject: (error: unknown) => void
}

/** `end` tells readers that nothing more comes, because of this error if there is one. */
export class MessageIterator implements AsyncIterableIterator<Incoming, undefined> {
  readonly #leave: () => void
  #current: CurrentMessage | undefined
  /** The message in hand was given to a reader. */
  #shown = false
  #readers: Array<Reader> = []
  #over = false
  #error: unknown

  constructor(consume: (consumer: Consumer) => () => void) {
    this.#leave = consume(
      (message) =>
        new Promise<void>((resolve, reject) => {
          this.#current = { message, take: resolve, giveBack: () => reject(RELEASED) }
          this.#shown = false
          this.#show()
        })
    )
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Incoming, undefined>> {
    if (this.#shown) {
      this.#shown = false
      const hand = this.#current
      this.#current = undefined
      hand?.take()
    }
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject })
      this.#show()
    })
  }

  /** The message in hand is not taken: it comes again to whoever asks next. */
  return(): Promise<IteratorResult<Incoming, undefined>> {
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  end(error?: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#error = error
    this.#leave()
    this.#current?.giveBack()
    this.#current = undefined
    this.#shown = false
    this.#show()
  }

  #show(): void {
    if (this.#over) {
      for (const { resolve, reject } of this.#readers.splice(0)) {
        if (this.#error === undefined) resolve({ done: true, value: undefined })
        else reject(this.#error)
      }
      return
    }
    if (this.#current === undefined || this.#shown) return
    const reader = this.#readers.shift()
    if (reader === undefined) return
    this.#shown = true
    reader.resolve({ done: false, value: this.#current.message })
  }
}
