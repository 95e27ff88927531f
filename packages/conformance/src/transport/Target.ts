/** Where the server under judgement is: somewhere by its addresses, or in this process. */
import type { Server } from "node:http"
import * as Data from "effect/Data"

/** Answers a request, as `fetch` does. */
export type Fetch = (request: Request) => Response | Promise<Response>

export interface Target {
  /** `http://host:port`, without a path */
  readonly http: string
  /** `ws://host:port/path` */
  readonly ws?: string | undefined
  /** `tcp://host:port` */
  readonly tcp?: string | undefined
  /** Answers the HTTP requests in this process; nothing is sent to `http` then. */
  readonly fetch?: Fetch | undefined
}

/** A target in this process that holds something open until it is closed. */
export interface OpenTarget extends Target, AsyncDisposable {
  readonly close: () => Promise<void>
}

/** The server could not be made to listen. */
export class NotListening extends Data.TaggedError("NotListening")<{ readonly message: string }> {}

/** A handler of web requests as the target: for the protocols over HTTP. No socket is opened. */
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
 * A Node server as the target, `http` and `ws` both. One that does not listen yet is bound to a free port of the loopback
 * address, and closed with the target; one that does is left as it is. Rejected with `NotListening`.
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
