/** What was asked and is not answered: bounded, each with its time, in the order in which it was asked. */
import type { PendingRequest } from "./Connection.ts"
import { ParleyError, type RefusedMessage } from "./ParleyError.ts"
import type { Clock } from "./backoff.ts"
import { listOf, type Packet } from "./protocol.ts"

export interface RequestOptions {
  /** Ends the waiting. What was asked may be done all the same. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds to wait for the answer, over reconnects; 0 for ever. */
  readonly timeout?: number | undefined
}

export interface RequestSettings {
  readonly clock: Clock
  /** Requests without an answer, at most. */
  readonly limit: number
  /** Milliseconds to wait where nothing is said. */
  readonly timeout: number
}

export class RequestQueue {
  readonly #settings: RequestSettings
  /** Fails one of them. */
  readonly #unanswered = new Set<(error: ParleyError) => void>()
  #waiting: Array<PendingRequest> = []
  #error: ParleyError | undefined

  constructor(settings: RequestSettings) {
    this.#settings = settings
  }

  /** Waits for `next` to take it, and answers with what the server answered, if it did what was asked. */
  add(
    { module, method, params }: Pick<PendingRequest, "module" | "method" | "params">,
    options: RequestOptions = {}
  ): Promise<Packet> {
    const { clock, limit, timeout: usual } = this.#settings
    const { signal, timeout = usual } = options
    return new Promise((resolve, reject) => {
      if (this.#error !== undefined) return reject(this.#error)
      if (signal?.aborted === true) return reject(abortedBy(signal, method))
      if (this.#unanswered.size >= limit) {
        return reject(new ParleyError("full", `${limit} requests wait for an answer`, { method }))
      }
      let timer: unknown
      const settle = (): void => {
        asked.settled = true
        this.#unanswered.delete(fail)
        clock.clearTimeout(timer)
        signal?.removeEventListener("abort", abort)
      }
      const fail = (error: ParleyError): void => {
        settle()
        // A message may be large: it does not wait for its turn to be forgotten.
        this.#waiting = this.#waiting.filter((one) => one !== asked)
        reject(error)
      }
      const abort = (): void => fail(abortedBy(signal, method))
      const late = (): void =>
        fail(new ParleyError("timeout", `${method} was not answered in ${timeout} ms`, { method }))
      const answer = (packet: Packet): void => {
        if (asked.settled) return
        settle()
        if (packet.result === "success") return resolve(packet)
        const { message = `the server answered ${packet.result}`, data } = packet
        const refused = data === undefined ? [] : listOf<RefusedMessage>(data)
        reject(new ParleyError("refused", message, { method, refused, repeated: asked.sent > 1 }))
      }
      const asked: PendingRequest = { module, method, params, sent: 0, settled: false, answer }
      this.#unanswered.add(fail)
      signal?.addEventListener("abort", abort)
      if (timeout > 0) timer = clock.setTimeout(late, timeout)
      this.#waiting.push(asked)
    })
  }

  /** The next to be asked. */
  next(): PendingRequest | undefined {
    return this.#waiting.shift()
  }

  /** These were asked in vain, and are asked again before all others. */
  requeue(asked: ReadonlyArray<PendingRequest>): void {
    this.#waiting = [...asked, ...this.#waiting]
  }

  /** No answers come any more. */
  end(error: ParleyError): void {
    this.#error = error
    this.#waiting = []
    for (const fail of this.#unanswered) fail(error)
  }
}

const abortedBy = (signal: AbortSignal | undefined, method: string): ParleyError =>
  new ParleyError("aborted", `${method} was given up`, { method, cause: signal?.reason })
