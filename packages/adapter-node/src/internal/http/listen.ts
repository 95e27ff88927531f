/** `listen` with readable errors. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { Server } from "node:net"

/** Address of a listening server: literal address and actual port. */
export interface Address {
  /** Literal address. */
  readonly host: string
  /** Port; 0 selects a free one. */
  readonly port: number
}

/** The server cannot listen; `message` is a sentence for the operator. */
export class ListenError extends Data.TaggedError("ListenError")<{
  readonly host: string
  readonly port: number
  readonly message: string
}> {}

/** Maximum pending connections: many clients reconnect at once after a restart. */
const BACKLOG = 4096

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use",
  EACCES: "this user may not use the port",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "there is no such host name",
  EAI_AGAIN: "the host name cannot be looked up now"
}

const refusal = (address: Address, error: NodeJS.ErrnoException): ListenError => {
  const reason = reasons[error.code ?? ""] ?? error.message
  const host = address.host.includes(":") ? `[${address.host}]` : address.host
  return new ListenError({ ...address, message: `Cannot listen on ${host}:${address.port}: ${reason}.` })
}

/** Listens; port 0 selects a free port. The caller closes the server. */
export const listen = (server: Server, wanted: Address): Effect.Effect<Address, ListenError> =>
  Effect.callback((resume) => {
    const failed = (error: NodeJS.ErrnoException): void => resume(Effect.fail(refusal(wanted, error)))
    server.once("error", failed)
    const listening = (): void => {
      server.off("error", failed)
      // Later errors concern single connections (too many open files, for example).
      server.on("error", () => {})
      const address = server.address()
      resume(
        Effect.succeed(
          address === null || typeof address === "string" ? wanted : { host: address.address, port: address.port }
        )
      )
    }
    try {
      server.listen({ host: wanted.host, port: wanted.port, backlog: BACKLOG }, listening)
    } catch (cause) {
      failed(cause instanceof Error ? cause : new Error(String(cause)))
    }
  })
