/**
 * HTTP routes: uploads and downloads under both spellings of their paths, and the configuration that the 1.0 client requests.
 * Source: PROTOCOLS, "Files over HTTP".
 */
import type { ServeContext } from "@parley/core/Dialect"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import { type FailureEncoder, protocolRoutes, type RouteHandler } from "../_http/protocolRoutes.ts"
import type { Query } from "../_http/query.ts"
import { download, type FileDeps, upload } from "./files.ts"
import { messageOf } from "./errors.ts"
import type { AnnouncedAddress } from "./tcpAddress.ts"

/** Server version for the 1.0 client. */
const VERSION = "1.0.0"
export const WEBSOCKET_PATH = "/ws"

interface RouteDeps extends FileDeps {
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly serveContext: ServeContext
  readonly announcedTcp: AnnouncedAddress
}

const failure = (status: number, message: string, headers: Readonly<Record<string, string>> = {}) =>
  HttpServerResponse.jsonUnsafe({ module: "null", method: "null", result: "fail", message }, { status, headers })

/** Refusals of file requests are encoded in `files.ts`, with their own module and method. */
const errors: FailureEncoder = { failure, refused: (reason) => failure(400, messageOf(reason)) }

const notFound = failure(404, "There is nothing at this path.")

export const routesOf = (deps: RouteDeps) => {
  const getConfig: RouteHandler = Effect.fnUntraced(function* ({ headers }) {
    const { serveContext, random, settings, announcedTcp } = deps
    const { host, port } = announcedTcp(serveContext.tcp(), headers["host"])
    return HttpServerResponse.jsonUnsafe({
      version: VERSION,
      requestType: "PATH_INFO",
      pathType: "clean",
      sessionName: "sid",
      sessionID: Hex.encode(yield* random.randomBytes(16)),
      rand: yield* random.intBetween(0, 9999),
      expiredTime: Math.min(settings.sessionIdle, settings.sessionLifetime),
      ip: host,
      port
    })
  })

  const uploaded: RouteHandler = (request, query) => upload(deps, request, query)

  const actionOf = (query: Query): string => `${query.get("m") ?? ""}/${query.get("f") ?? ""}`.toLowerCase()

  const { routes, fallback } = protocolRoutes({
    errors,
    routes: {
      "/attach-upload.json": { POST: uploaded },
      "/attach-download-:file.json": {
        GET: (request, query) =>
          Effect.flatMap(HttpRouter.RouteContext, ({ params }) => download(deps, request, query, params["file"] ?? ""))
      },
      "/index.php": {
        GET: (request, query) => {
          if (query.get("mode") === "getconfig") return getConfig(request, query)
          return actionOf(query) === "attach/download"
            ? download(deps, request, query, query.get("fileID") ?? query.get("id") ?? "")
            : Effect.succeed(notFound)
        },
        POST: (request, query) =>
          actionOf(query) === "attach/upload" ? uploaded(request, query) : Effect.succeed(notFound)
      }
    }
  })
  // WebSocket upgrades do not reach this route.
  const webSocket = HttpRouter.add(
    "*",
    WEBSOCKET_PATH,
    failure(426, "Connect here by WebSocket.", { upgrade: "websocket" })
  )
  return { routes: Layer.merge(routes, webSocket), fallback }
}
