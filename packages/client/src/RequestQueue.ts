/** Pending requests: bounded, each with a timeout, in order. */
import type { PendingRequest } from "./Connection.ts"
import { ParleyError, type RefusedMessage } from "./ParleyError.ts"
import type { Clock } from "./backoff.ts"
import { listOf, type Packet } from "./protocol.ts"

/** Options of every request. */
export interface RequestOptions {
  /** Aborts waiting for the reply. The request may still be executed. */
  readonly signal?: AbortSignal | undefined
  /** Maximum wait for the reply, in milliseconds, across reconnects; 0 for no limit. */
  readonly timeout?: number | undefined
}

export interface RequestSettings {
  /** Clock and timers. */
  readonly clock: Clock
  /** Maximum requests without a reply. */
  readonly limit: number
  /** Default maximum wait for a reply, in milliseconds; 0 for no limit. */
  readonly timeout: number
}

export class RequestQueue {
  readonly #settings: RequestSettings
  /** Functions that reject one request each. */
  readonly #unanswered = new Set<(error: ParleyError) => void>()
  #waiting: Array<PendingRequest> = []
  #error: ParleyError | undefined

  constructor(settings: RequestSettings) {
    this.#settings = settings
  }

  /** Adds a request, which is sent when `next` returns it. Resolves with the server's reply if it is a success. */
  add(
    { module, method, params }: Pick<PendingRequest, "module" | "method" | "params">,
    options: RequestOptions = {}
  ): Promise<Packet> {
    const { clock, limit, timeout: defaultTimeout } = this.#settings
    const { signal, timeout = defaultTimeout } = options
    return new Promise((resolve, reject) => {
      if (this.#error !== undefined) return reject(this.#error)
      if (signal?.aborted === true) return reject(abortedBy(signal, method))
      if (this.#unanswered.size >= limit) {
        return reject(new ParleyError("full", `${limit} requests are pending already`, { method }))
      }
      let timer: unknown
      const settle = (): void => {
        request.settled = true
        this.#unanswered.delete(fail)
        clock.clearTimeout(timer)
        signal?.removeEventListener("abort", abort)
      }
      const fail = (error: ParleyError): void => {
        settle()
        // Removed now, to free its memory: a message may be large.
        this.#waiting = this.#waiting.filter((one) => one !== request)
        reject(error)
      }
      const abort = (): void => fail(abortedBy(signal, method))
      const expire = (): void => fail(new ParleyError("timeout", `${method} had no reply in ${timeout} ms`, { method }))
      const onReply = (packet: Packet): void => {
        if (request.settled) return
        settle()
        if (packet.result === "success") return resolve(packet)
        const { message = `the server replied ${packet.result}`, data } = packet
        const refused = data === undefined ? [] : listOf<RefusedMessage>(data)
        reject(new ParleyError("refused", message, { method, refused, repeated: request.sent > 1 }))
      }
      const request: PendingRequest = { module, method, params, sent: 0, settled: false, onReply }
      this.#unanswered.add(fail)
      signal?.addEventListener("abort", abort)
      if (timeout > 0) timer = clock.setTimeout(expire, timeout)
      this.#waiting.push(request)
    })
  }

  /** Removes and returns the next request to send. */
  next(): PendingRequest | undefined {
    return this.#waiting.shift()
  }

  /** Puts requests back that had no reply, before all others. */
  requeue(requests: ReadonlyArray<PendingRequest>): void {
    this.#waiting = [...requests, ...this.#waiting]
  }

  /** Rejects all pending and further requests. */
  end(error: ParleyError): void {
    this.#error = error
    this.#waiting = []
    for (const fail of this.#unanswered) fail(error)
  }
}

const abortedBy = (signal: AbortSignal | undefined, method: string): ParleyError =>
  new ParleyError("aborted", `${method} was aborted`, { method, cause: signal?.reason })
