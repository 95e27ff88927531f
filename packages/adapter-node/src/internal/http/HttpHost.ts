/**
 * Serves the endpoints of opened dialects: within another server (`node`, `fetch`, `upgrade`, `attach`), on a TCP port
 * (`listenTcp`), or on its own HTTP server (`serveHttp`). Requests for other paths are not touched. Installs no listener
 * on the process and never exits it.
 */
import type { Accept } from "@parley/core/Connection"
import type { Endpoint } from "@parley/core/Dialect"
import { InputBudget } from "@parley/core/InputBudget"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import type { Server } from "../socket/attach.ts"
import { type ContextOptions, makeHostContext } from "./HostContext.ts"
import { type AttachOptions, makeHostSockets } from "./HostSockets.ts"
import { GOING_AWAY, makeHttpRequests, type RequestOrigin } from "./HttpRequests.ts"
import type { Address, ListenError } from "./listen.ts"
import { pathOf, targetOf } from "./requestHead.ts"
import type { HttpRoutes, Routing } from "./routes.ts"

export type { RequestOrigin } from "./HttpRequests.ts"

export interface Options extends ContextOptions {
  /** The endpoints of all dialects. */
  readonly endpoints: ReadonlyArray<Endpoint<HttpRoutes>>
  /** Budget of request bodies, shared with the engine's frames. Default: a separate one. */
  readonly input?: InputBudget
}

export interface HttpHost {
  /** Mount path on the server: "" or as in `/im`. */
  readonly path: string
  /** Whether a request is for one of the host's paths; `url` as in a request line. */
  readonly owns: (method: string, url: string) => boolean
  /**
   * For `http.createServer`, or as middleware before body parsers. Other paths are passed to `next`; without it they get a
   * JSON 404.
   */
  readonly node: (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void) => void
  /**
   * For hosts with web `Request` and `Response`. Other paths get a JSON 404. No WebSockets. Pass the client's address, by
   * which failed logins are throttled: a `Request` does not contain it.
   */
  readonly fetch: (request: Request, from?: RequestOrigin) => Promise<Response>
  /** For a server's `upgrade` event. Returns false for other paths, without touching the socket. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean
  /**
   * Handles the WebSocket upgrades of a server, but not its HTTP requests. Upgrades for other paths: "ignore" leaves them to
   * other listeners, "refuse" replies 404 and ends the socket, "alone" (default) refuses only if there is no other
   * listener, since the socket would stay open forever. With `own`, the server stops listening when the host closes.
   * Attaching twice to one server has no effect. Returns a function that detaches.
   */
  readonly attach: (server: Server, options?: AttachOptions) => () => void
  /** Serves the protocol with a TCP endpoint; port 0 selects a free port. Returns the actual address. */
  readonly listenTcp: (address: Address) => Effect.Effect<Address, ListenError>
  /**
   * Accepts no more requests, waits for `first` while connected clients still get replies, closes WebSockets with 1001, waits
   * for the requests in flight, and ends the rest. Each wait takes at most `drain` milliseconds (default 10,000). Further
   * calls wait for the same end.
   */
  readonly close: (options?: { readonly drain?: number; readonly first?: Effect.Effect<void> }) => Effect.Effect<void>
}

/** Sorts endpoints into routes, WebSocket paths, and at most one protocol on raw TCP. */
const sortEndpoints = (endpoints: Options["endpoints"]) => {
  const routes: Array<Routing> = []
  const paths = new Map<string, Accept>()
  let tcp: Accept | undefined
  for (const endpoint of endpoints) {
    if (endpoint._tag === "Http") routes.push(endpoint)
    else if (endpoint._tag === "WebSocket") {
      if (paths.has(endpoint.path)) throw new Error(`Two protocols use WebSockets at ${endpoint.path}.`)
      paths.set(endpoint.path, endpoint.accept)
    } else {
      if (tcp !== undefined) throw new Error("Two protocols use raw TCP; one port can serve only one of them.")
      tcp = endpoint.accept
    }
  }
  return { routes, paths, tcp }
}

/** Creates a host until the scope closes. */
export const make: (options: Options) => Effect.Effect<HttpHost, never, Scope.Scope> = Effect.fnUntraced(
  function* (options) {
    const { routes, paths, tcp } = sortEndpoints(options.endpoints)
    const context = yield* makeHostContext(options)
    const { mount, drain, settings } = context
    // A separate scope for requests: those in flight outlive the start of `close`.
    const scope = yield* Scope.make()
    const requests = yield* makeHttpRequests(context, routes, paths, options.input ?? new InputBudget(settings), scope)
    const sockets = makeHostSockets(context, paths, tcp)
    const { connections } = sockets

    let timeout = 10_000
    let first: Effect.Effect<void> = Effect.void
    const closed = yield* Effect.cached(
      Effect.gen(function* () {
        sockets.stop()
        yield* Effect.timeoutOption(first, timeout)
        for (const connection of connections) connection.finish(1001, GOING_AWAY)
        yield* Effect.timeoutOption(
          drain.until(() => connections.size === 0 && requests.inFlight() === 0),
          timeout
        )
        for (const connection of connections) connection.destroy()
        yield* drain.until(() => connections.size === 0)
        sockets.end()
      })
    )
    const close: HttpHost["close"] = (options) =>
      Effect.suspend(() => {
        if (!drain.isClosing) {
          timeout = options?.drain ?? timeout
          first = options?.first ?? first
        }
        drain.begin()
        return closed
      })
    yield* Effect.addFinalizer(() => Effect.andThen(close(), Scope.close(scope, Exit.void)))

    return {
      path: mount.path,
      owns: (method, url) => {
        const own = mount.within(targetOf(url))
        return own !== undefined && (requests.owns(method, own) || paths.has(pathOf(own)))
      },
      node: requests.node,
      fetch: requests.fetch,
      upgrade: sockets.upgrade,
      attach: sockets.attach,
      listenTcp: sockets.listenTcp,
      close
    }
  }
)
