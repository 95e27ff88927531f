/** The only error class of this client. */

/**
 * - `refused`: the server did not execute the request; `message` is its reason.
 * - `login`: the account, the password or the token was not accepted. The client has ended.
 * - `elsewhere`: the account logged in elsewhere. The client has ended.
 * - `timeout`, `aborted`: the request is not waited for any longer. It may still have been executed.
 * - `full`: too many requests are pending; this one was not sent.
 * - `invalid`: an argument or an option is of no use; `message` names it, and what is accepted. Nothing was sent.
 * - `closed`: the client was closed. Pending requests may still have been executed.
 * - `malformed`: a reply or push is not as documented. For a push it is reported by the event `error`.
 * - `connection`: the server refuses connections of this page's origin, with its reason; the address is wrong, or the platform has no WebSocket; without `retry`, the server was not reached; an
 *   upload or a download did not reach it.
 */
export type ParleyErrorCode =
  | "refused"
  | "login"
  | "elsewhere"
  | "timeout"
  | "aborted"
  | "full"
  | "invalid"
  | "closed"
  | "malformed"
  | "connection"

/** A message because of which a request was refused, and the reason. */
export interface RefusedMessage {
  /** The message's gid. */
  readonly gid: string
  /** The chat's gid. */
  readonly cgid: string
  /** Reason, in one sentence. */
  readonly message: string
}

export interface ParleyErrorDetails {
  /** The protocol's method of the request. */
  readonly method?: string
  /** The refused messages, where several were sent. */
  readonly refused?: ReadonlyArray<RefusedMessage>
  /** HTTP status of an upload or a download. */
  readonly status?: number
  /** The request was also sent before, on a lost connection: it may be refused because it was executed then. */
  readonly repeated?: boolean
  /** The error behind it. */
  readonly cause?: unknown
}

/** Error of a call or of the connection; `code` is its kind. */
export class ParleyError extends Error {
  override readonly name = "ParleyError"
  /** Kind of the failure. */
  readonly code: ParleyErrorCode
  /** The protocol's method of the request; undefined without a request. */
  readonly method: string | undefined
  /** The refused messages, where several were sent. */
  readonly refused: ReadonlyArray<RefusedMessage>
  /** HTTP status of an upload or a download. */
  readonly status: number | undefined
  /** Whether the request was also sent before, on a lost connection. */
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
