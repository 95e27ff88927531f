/** Serves `/metrics` on a port of its own, to programs on this machine only. */
import { createServer } from "node:http"
import { formatMetrics, type Metrics } from "@parley/core/Metrics"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { processMetrics } from "./processMetrics.ts"
import { CommandFailed } from "./terminal/CommandFailed.ts"

const HOST = "127.0.0.1"

/** Connections at one time; Prometheus needs one. */
const MAX_CONNECTIONS = 32

/** Names of this machine. Others are refused: a page whose name resolves to 127.0.0.1 must not read the metrics. */
const LOCAL = /^(?:127\.0\.0\.1|localhost)(?::[0-9]+)?$/i

/** Serves the metrics until the scope closes. Returns the actual address. */
export const serveMetrics = Effect.fnUntraced(function* (
  port: number,
  metrics: Metrics["Service"]
): Effect.fn.Return<{ readonly host: string; readonly port: number }, CommandFailed, Scope.Scope> {
  const ofProcess = yield* processMetrics
  const server = createServer((request, response) => {
    const answer = (status: number, text: string): void => {
      response.writeHead(status, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }).end(text)
    }
    if (!LOCAL.test(request.headers.host ?? ""))
      answer(403, "This address serves requests from its own machine only.\n")
    else if (request.url?.split("?", 1)[0] !== "/metrics") answer(404, "The metrics are at /metrics.\n")
    else if (request.method !== "GET") answer(405, "Only GET is allowed.\n")
    else answer(200, formatMetrics([...metrics.read(), ...ofProcess()]))
  })
  server.maxConnections = MAX_CONNECTIONS
  const listening = Effect.callback<{ readonly host: string; readonly port: number }, CommandFailed>((resume) => {
    server.once("error", ({ message }) =>
      resume(Effect.fail(new CommandFailed({ message: `The metrics cannot be served: ${message}.` })))
    )
    server.listen(port, HOST, () => {
      const address = server.address()
      resume(
        Effect.succeed({ host: HOST, port: typeof address === "object" && address !== null ? address.port : port })
      )
    })
  })
  return yield* Effect.acquireRelease(listening, () =>
    Effect.sync(() => {
      server.close()
      server.closeAllConnections()
    })
  )
})
