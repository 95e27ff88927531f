/** The one class of errors of this client. */

/**
 * - `refused`: the server answered that it did not do it; `message` is its reason.
 * - `login`: the account, the password or the token was not accepted. The client has ended.
 * - `elsewhere`: the account logged in elsewhere. The client has ended.
 * - `timeout`, `aborted`: nobody waits for the answer any more. What was asked may have been done all the same.
 * - `full`: too many requests wait already; nothing was done.
 * - `closed`: the client was closed. What was not answered may have been done all the same.
 * - `malformed`: the server sent what is not as documented. Of a push it is reported by the event `error`.
 * - `connection`: there can be no connection, since the address is wrong or the server does not speak the protocol; without
 *   `retry`, the server was not reached.
 */
export type ParleyErrorCode =
  | "refused"
  | "login"
  | "elsewhere"
  | "timeout"
  | "aborted"
  | "full"
  | "closed"
  | "malformed"
  | "connection"

/** One message that a request was refused for. */
export interface RefusedMessage {
  readonly gid: string
  readonly cgid: string
  readonly message: string
}

export interface ParleyErrorDetails {
  /** The documented name of what was asked. */
  readonly method?: string
  /** Which messages were refused, where several were sent. */
  readonly refused?: ReadonlyArray<RefusedMessage>
  /** The HTTP status, of an upload or a download. */
  readonly status?: number
  /** It had been asked before, on a connection that broke: it may be refused now because it was done then. */
  readonly repeated?: boolean
  readonly cause?: unknown
}

export class ParleyError extends Error {
  override readonly name = "ParleyError"
  readonly code: ParleyErrorCode
  readonly method: string | undefined
  readonly refused: ReadonlyArray<RefusedMessage>
  readonly status: number | undefined
  readonly repeated: boolean

  constructor(code: ParleyErrorCode, message: string, details: ParleyErrorDetails = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined)
    this.code = code
    this.method = details.method
    this.refused = details.refused ?? []
    this.status = details.status
    this.repeated = details.repeated ?? false
  }
}
