/**
 * HTTP: uploads and downloads by both spellings of their paths, and what the 1.0 client asks first.
 * Source: PROTOCOLS, "Files over HTTP".
 */
import type { Site } from "@parley/core/Dialect"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { NOTHING, parseQuery, type Query, queryOf } from "../Query.ts"
import { download, type FileServices, upload } from "./Files.ts"

/** Routes that a host adds to its router; they answer all their errors themselves. */
export type HttpRoutes = Layer.Layer<never, never, HttpRouter.HttpRouter>

/** What the 1.0 client takes this server for. */
const VERSION = "1.0.0"
export const WEBSOCKET = "/ws"
const PREFIX = "/attach-download-"
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const

interface Grounds extends FileServices {
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly site: Site
}

/** What stands for a file's id in the path of a download. */
const fileIn = (url: string): string | undefined => {
  const [path = ""] = url.split("?")
  const name = path.slice(path.indexOf(PREFIX) + PREFIX.length)
  return name.endsWith(".json") ? name.slice(0, -".json".length) : undefined
}

/** The id of the file that a link of this protocol leads to, wherever the server is. */
export const fileOfLink = (link: string): number | undefined => {
  const { path = "", query = "" } = /^(?<path>[^?#]*)(?:\?(?<query>[^#]*))?/.exec(link)?.groups ?? {}
  const parameters = parseQuery(query, 100)
  const get = Result.isSuccess(parameters) ? parameters.success.get : NOTHING.get
  const inPath = /\/attach-download-([1-9][0-9]{0,14})\.json$/.exec(`/${path}`)?.[1]
  const isDownload = /(?:^|\/)index\.php$/.test(path) && get("m") === "attach" && get("f") === "download"
  const inQuery = isDownload ? /^[1-9][0-9]{0,14}$/.exec(get("fileID") ?? get("id") ?? "")?.[0] : undefined
  const id = inPath ?? inQuery
  return id === undefined ? undefined : Number(id)
}

const failure = (status: number, message: string, headers: Readonly<Record<string, string>> = {}) =>
  HttpServerResponse.jsonUnsafe({ module: "null", method: "null", result: "fail", message }, { status, headers })

const unknown = failure(404, "There is nothing at this address.")

/** What begins like one of these paths and is none. */
export const otherwise: HttpRoutes = HttpRouter.add("*", "*", unknown)

export const routesOf = (grounds: Grounds): HttpRoutes => {
  const withRequest = (
    answer: (
      request: HttpServerRequest.HttpServerRequest,
      query: Query
    ) => Effect.Effect<HttpServerResponse.HttpServerResponse, never, Scope.Scope>
  ) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
      Effect.matchEffect(queryOf(request), {
        onSuccess: (query) => answer(request, query),
        onFailure: ({ sentence }) => Effect.succeed(failure(400, sentence))
      })
    )

  const getConfig = Effect.gen(function* () {
    const { site, random, settings } = grounds
    const tcp = site.tcp()
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

  const indexPhp = withRequest((request, query) => {
    const method = request.method === "HEAD" ? "GET" : request.method
    const action = `${query.get("m") ?? ""}/${query.get("f") ?? ""}`.toLowerCase()
    if (method === "GET" && query.get("mode") === "getconfig") return getConfig
    if (method === "POST" && action === "attach/upload") return upload(grounds, request, query)
    if (method === "GET" && action === "attach/download") {
      return download(grounds, request, query, query.get("fileID") ?? query.get("id") ?? "")
    }
    return Effect.succeed(unknown)
  })

  /** Whatever else is asked of a path. */
  const others = (path: `/${string}`, allowed: ReadonlyArray<(typeof METHODS)[number]>): HttpRoutes => {
    const wrong = failure(405, `This address takes ${allowed.join(" and ")}.`, { allow: allowed.join(", ") })
    const answer = withRequest(({ url }) =>
      Effect.succeed(path.includes(":") && fileIn(url) === undefined ? unknown : wrong)
    )
    return METHODS.filter((method) => !allowed.includes(method))
      .map((method): HttpRoutes => HttpRouter.add(method, path, answer))
      .reduce((all, one) => Layer.merge(all, one))
  }

  return Layer.mergeAll(
    others("/attach-upload.json", ["POST"]),
    others(`${PREFIX}:file`, ["GET"]),
    others("/index.php", ["GET", "POST"]),
    // Upgrades do not come here.
    HttpRouter.add("*", WEBSOCKET, failure(426, "Connect here by WebSocket.", { upgrade: "websocket" })),
    HttpRouter.add(
      "POST",
      "/attach-upload.json",
      withRequest((request, query) => upload(grounds, request, query))
    ),
    HttpRouter.add("GET", "/index.php", indexPhp),
    HttpRouter.add("POST", "/index.php", indexPhp),
    HttpRouter.add(
      "GET",
      `${PREFIX}:file`,
      withRequest((request, query) => {
        const file = fileIn(request.url)
        return file === undefined ? Effect.succeed(unknown) : download(grounds, request, query, file)
      })
    )
  )
}
