/**
 * The bodies of HTTP requests in the budget of clients' input. Each counts as its bytes come, until its response is over; a
 * body beyond the budget is refused, and nothing more of it is kept.
 */
import { INPUT_ALLOWANCE, type InputAccount } from "@parley/core/InputBudget"

const TOTAL_EXHAUSTED = "Too many request bodies are under way; please try again later."
const ADDRESS_EXHAUSTED = "Too many request bodies from this address are under way; please try again later."

/** A refusal of a body: its status and its message. */
export interface BodyRefusal {
  readonly status: 429 | 503
  readonly message: string
}

export class BodyBudget {
  readonly #account: InputAccount
  readonly #limit: number
  #isCounted = true

  /** `limit` is the bytes of a body that is read whole, at most: no more are ever kept of one. */
  constructor(account: InputAccount, limit: number) {
    this.#account = account
    this.#limit = limit
  }

  /** Counts bytes that came; returns a refusal where the budget has no room for them. */
  add(bytes: number): BodyRefusal | undefined {
    const account = this.#account
    const more = Math.min(bytes, this.#limit - account.held)
    if (!this.#isCounted || more <= 0 || account.charge(more) || account.held <= INPUT_ALLOWANCE) return undefined
    return account.isNetworkExhausted
      ? { status: 429, message: ADDRESS_EXHAUSTED }
      : { status: 503, message: TOTAL_EXHAUSTED }
  }

  /** The request has a user: its body counts in the pools of users. */
  authenticate(): void {
    this.#account.authenticate(true)
  }

  /** The body is read as it comes: no part of it counts. */
  stream(): void {
    this.#isCounted = false
    this.#account.release(this.#account.held)
  }

  /** The request is over. */
  end(): void {
    this.stream()
    this.#account.close()
  }
}
