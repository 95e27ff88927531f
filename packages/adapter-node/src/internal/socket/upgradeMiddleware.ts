/** Runs a host's middleware for an upgrade, which passes no router. */
import { type IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"

/**
 * A middleware of Node's request and response, as those of Express without the methods that Express adds to both. Its
 * parameters are bivariant, so that a middleware for requests of a framework fits.
 */
export type UpgradeMiddleware = {
  bivarianceHack(request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): unknown
}["bivarianceHack"]

/** Milliseconds after which an upgrade is refused whose middleware has not called `next`. */
const TIMEOUT = 5000

/** `ended`: a middleware has ended the response, or the client has disconnected. */
export type MiddlewareResult =
  | { readonly _tag: "Passed" }
  | { readonly _tag: "Ended" }
  | { readonly _tag: "Failed"; readonly cause: unknown }

const PASSED: MiddlewareResult = { _tag: "Passed" }
const ENDED: MiddlewareResult = { _tag: "Ended" }

/** Calls one middleware; resolves once it has called `next`, and rejects with its error. */
const call = (one: UpgradeMiddleware, request: IncomingMessage, response: ServerResponse): Promise<void> =>
  new Promise((resolve, reject) => {
    const next = (error?: unknown): void => {
      if (error === undefined || error === null) resolve()
      else reject(error instanceof Error ? error : new Error("next was called with an error", { cause: error }))
    }
    // Errors of asynchronous middleware are rejections.
    Promise.resolve(one(request, response, next)).catch(reject)
  })

/** Runs the middleware in order. The socket is the response's until the result, and must have a listener for errors. */
export const runUpgradeMiddleware = async (
  middleware: ReadonlyArray<UpgradeMiddleware>,
  request: IncomingMessage,
  socket: Socket,
  timeout = TIMEOUT
): Promise<MiddlewareResult> => {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  let timer: NodeJS.Timeout | undefined
  const ended = new Promise<MiddlewareResult>((resolve, reject) => {
    response.once("finish", () => {
      socket.end(() => socket.destroy())
      resolve(ENDED)
    })
    response.once("close", () => resolve(ENDED))
    timer = setTimeout(() => reject(new Error(`a middleware has not called next within ${timeout} ms`)), timeout)
  })
  const passed = (async () => {
    for (const one of middleware) {
      if (response.writableEnded || response.destroyed) return ended
      await call(one, request, response)
    }
    return response.headersSent ? ended : PASSED
  })()
  try {
    return await Promise.race([passed, ended])
  } catch (cause) {
    return response.headersSent ? ended : { _tag: "Failed", cause }
  } finally {
    clearTimeout(timer)
    if (!response.headersSent) response.detachSocket(socket)
  }
}
