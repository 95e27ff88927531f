/** A separate HTTP server for a host outside another application. */
import { Settings } from "@parley/core/Settings"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as http from "node:http"
import type { HttpHost } from "./internal/http/HttpHost.ts"
import { type Address, type ListenError, listen } from "./internal/http/listen.ts"

/** Milliseconds; longer than common proxies keep idle connections, so that the proxy closes them and no request is lost. */
const KEEP_ALIVE = 75_000

/** Milliseconds for the head of a request, and between two checks of it. */
const HEADERS_TIMEOUT = 20_000
const CHECK_INTERVAL = 5000

/**
 * Serves the host on its own HTTP server until the scope closes; port 0 selects a free port. Returns the actual address.
 * Upgrades for unknown paths get 404. When the scope closes, the server accepts no more connections and the host is
 * closed (see `HttpHost.close`).
 */
export const serveHttp = (host: HttpHost, address: Address): Effect.Effect<Address, ListenError, Scope.Scope> =>
  Effect.gen(function* () {
    const { sockets } = yield* Settings
    const server = http.createServer(
      {
        keepAliveTimeout: KEEP_ALIVE,
        headersTimeout: HEADERS_TIMEOUT,
        connectionsCheckingInterval: CHECK_INTERVAL,
        // Offers of HTTP/2 by upgrade are ignored.
        shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === "websocket"
      },
      (request, response) => host.node(request, response)
    )
    server.maxConnections = sockets
    const real = yield* Effect.acquireRelease(listen(server, address), () =>
      Effect.sync(() => server.close()).pipe(
        Effect.andThen(host.close()),
        Effect.andThen(Effect.sync(() => server.closeAllConnections()))
      )
    )
    host.attach(server, { foreign: "refuse", own: true })
    return real
  })
