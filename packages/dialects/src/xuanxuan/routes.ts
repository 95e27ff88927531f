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
import * as Result from "effect/Result"
import { type FailureEncoder, protocolRoutes, type RouteHandler } from "../_http/protocolRoutes.ts"
import { EMPTY_QUERY, parseQuery, type Query } from "../_http/query.ts"
import { download, type FileDeps, upload } from "./files.ts"
import { messageOf } from "./errors.ts"

/** Server version for the 1.0 client. */
const VERSION = "1.0.0"
export const WEBSOCKET_PATH = "/ws"

interface RouteDeps extends FileDeps {
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly serveContext: ServeContext
}

/** Returns the file id in a link of this protocol, regardless of the server's address. */
export const fileOfLink = (link: string): number | undefined => {
  const { path = "", query = "" } = /^(?<path>[^?#]*)(?:\?(?<query>[^#]*))?/.exec(link)?.groups ?? {}
  const parameters = parseQuery(query, 100)
  const get = Result.isSuccess(parameters) ? parameters.success.get : EMPTY_QUERY.get
  const inPath = /\/attach-download-([1-9][0-9]{0,14})\.json$/.exec(`/${path}`)?.[1]
  const isDownload = /(?:^|\/)index\.php$/.test(path) && get("m") === "attach" && get("f") === "download"
  const inQuery = isDownload ? /^[1-9][0-9]{0,14}$/.exec(get("fileID") ?? get("id") ?? "")?.[0] : undefined
  const id = inPath ?? inQuery
  return id === undefined ? undefined : Number(id)
}

const failure = (status: number, message: string, headers: Readonly<Record<string, string>> = {}) =>
  HttpServerResponse.jsonUnsafe({ module: "null", method: "null", result: "fail", message }, { status, headers })

/** Refusals of file requests are encoded in `files.ts`, with their own module and method. */
const errors: FailureEncoder = { failure, refused: (reason) => failure(400, messageOf(reason)) }

const notFound = failure(404, "There is nothing at this path.")

export const routesOf = (deps: RouteDeps) => {
  const getConfig = Effect.gen(function* () {
    const { serveContext, random, settings } = deps
    const tcp = serveContext.tcp()
    return HttpServerResponse.jsonUnsafe({
      version: VERSION,
      requestType: "PATH_INFO",
      pathType: "clean",
      sessionName: "sid",
      sessionID: Hex.encode(yield* random.randomBytes(16)),
      rand: yield* random.intBetween(0, 9999),
      expiredTime: Math.min(settings.sessionIdle, settings.sessionLifetime),
      ip: tcp?.host ?? "",
      port: tcp?.port ?? 0
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
          if (query.get("mode") === "getconfig") return getConfig
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
