/** An HTTP server of our own, for a host that is not part of another application. */
import { Settings } from "@parley/core/Settings"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as http from "node:http"
import type { HttpHost } from "./internal/http/HttpHost.ts"
import { type Address, type ListenError, listen } from "./internal/http/listen.ts"

/** Longer than proxies commonly keep idle connections, so that it is they who close them, and no request gets lost. */
const KEEP_ALIVE = 75_000

/** Milliseconds for the head of a request, also of the first one on a socket, and between two looks at it. */
const HEAD = 20_000
const LOOK = 5000

/**
 * Serves the host on a server of its own, as long as the scope lives; port 0 takes any free one. Answers the real
 * address, or fails with one sentence. Upgrades for unknown paths get 404. When the scope ends, nothing new is
 * accepted, and the host is closed as `Host.close` says.
 */
export const serveHttp = (host: HttpHost, address: Address): Effect.Effect<Address, ListenError, Scope.Scope> =>
  Effect.gen(function* () {
    const { sockets } = yield* Settings
    const server = http.createServer(
      {
        keepAliveTimeout: KEEP_ALIVE,
        headersTimeout: HEAD,
        connectionsCheckingInterval: LOOK,
        // Clients that offer HTTP/2 by an upgrade are answered over HTTP/1.1, as if they had not.
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
