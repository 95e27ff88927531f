/** The server under test: by its addresses, or in this process. */
import type { Server } from "node:http"
import * as Data from "effect/Data"

/** Handles a request, as `fetch` does. */
export type Fetch = (request: Request) => Response | Promise<Response>

/** Addresses of the server under test. */
export interface Target {
  /** `http://host:port`, without a path */
  readonly http: string
  /** `ws://host:port/path` */
  readonly ws?: string | undefined
  /** `tcp://host:port` */
  readonly tcp?: string | undefined
  /** Handles the HTTP requests in this process, in place of the address `http`. */
  readonly fetch?: Fetch | undefined
}

/** A target in this process, with resources that closing it releases. */
export interface OpenTarget extends Target, AsyncDisposable {
  /** Closes the server, and all of its connections. */
  readonly close: () => Promise<void>
}

/** The server failed to listen. */
export class NotListening extends Data.TaggedError("NotListening")<{
  /** Reason, for a person. */
  readonly message: string
}> {}

/** A target for the HTTP protocols from a handler of web requests. Opens no socket. */
export const fromFetch = (handler: Fetch, options?: { readonly origin?: string }): Target => ({
  http: options?.origin ?? "http://in-process.invalid",
  fetch: handler
})

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

/**
 * A Node server as the target, for `http` and `ws`. A server that does not listen yet is bound to a free port of the
 * loopback address, and closed with the target. Rejects with `NotListening`.
 */
export const fromNodeServer = async (server: Server, options?: { readonly path?: string }): Promise<OpenTarget> => {
  const own = !server.listening
  if (own) {
    await new Promise<void>((resolve, reject) => {
      const refuse = (error: Error) => reject(new NotListening({ message: error.message }))
      server.once("error", refuse)
      server.listen(0, "127.0.0.1", () => {
        server.off("error", refuse)
        resolve()
      })
    })
  }
  const address = server.address()
  if (address === null || typeof address === "string") {
    throw new NotListening({ message: "the server listens on a path, not on a port" })
  }
  const everywhere = address.address === "::" || address.address === "0.0.0.0"
  const host = everywhere ? "127.0.0.1" : address.family === "IPv6" ? `[${address.address}]` : address.address
  const close = async () => (own ? closed(server) : undefined)
  return {
    http: `http://${host}:${address.port}`,
    ws: `ws://${host}:${address.port}${options?.path ?? "/ws"}`,
    close,
    [Symbol.asyncDispose]: close
  }
}
