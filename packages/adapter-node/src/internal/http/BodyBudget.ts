/**
 * Counts bodies of HTTP requests in the input budget, from the arrival of their bytes to the end of the response. A body over
 * the budget is refused, and the rest of it is dropped.
 */
import { INPUT_ALLOWANCE, type InputAccount } from "@parley/core/InputBudget"

const TOTAL_EXHAUSTED = "Too many request bodies in flight; retry later."
const ADDRESS_EXHAUSTED = "Too many request bodies in flight from this address; retry later."

/** Status and message of a refused body. */
export interface BodyRefusal {
  readonly status: 429 | 503
  readonly message: string
}

export class BodyBudget {
  readonly #account: InputAccount
  readonly #limit: number
  #isCounted = true

  /** `limit`: maximum bytes of a buffered body. */
  constructor(account: InputAccount, limit: number) {
    this.#account = account
    this.#limit = limit
  }

  /** Counts received bytes; returns a refusal if the budget is exhausted. */
  add(bytes: number): BodyRefusal | undefined {
    const account = this.#account
    const more = Math.min(bytes, this.#limit - account.held)
    if (!this.#isCounted || more <= 0 || account.charge(more) || account.held <= INPUT_ALLOWANCE) return undefined
    return account.isNetworkExhausted
      ? { status: 429, message: ADDRESS_EXHAUSTED }
      : { status: 503, message: TOTAL_EXHAUSTED }
  }

  /** Moves the body to the pools of authenticated users. */
  authenticate(): void {
    this.#account.authenticate(true)
  }

  /** Stops counting: the body is streamed, not buffered. */
  stream(): void {
    this.#isCounted = false
    this.#account.release(this.#account.held)
  }

  /** Releases the budget at the end of the request. */
  end(): void {
    this.stream()
    this.#account.close()
  }
}
