/** Builds the HTTP routes of a protocol; all errors are returned in the protocol's own shape. */
import type { HttpEndpoint } from "@parley/core/Dialect"
import { logFailedOperation } from "@parley/core/StorageErrors"
import type { Reason, Refused } from "@parley/core/Refused"
import type { StorageFailed } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { type Query, queryIn, type UnreadableQuery } from "./query.ts"
import type { UnreadableBody } from "./UnreadableBody.ts"

/** Routes that a host adds to its router. They do not fail. */
export type HttpRoutes = Layer.Layer<never, never, HttpRouter.HttpRouter>

export type Method = "GET" | "POST" | "PUT" | "DELETE"

/** Requests that cannot be read. */
export type Unreadable = UnreadableBody | UnreadableQuery

/** Failures that every protocol handles alike. */
export type CommonFailure = Refused | StorageFailed | Unreadable

export type RouteHandler = (
  request: HttpServerRequest,
  query: Query
) => Effect.Effect<HttpServerResponse, CommonFailure, HttpRouter.RouteContext | Scope.Scope>

/** Handlers by path and method. `GET` also handles `HEAD`. */
export type RouteTable = Readonly<Record<`/${string}`, { readonly [M in Method]?: RouteHandler }>>

/** Statuses of failures that concern the HTTP request rather than the command in it, with codes for programs. */
export const failureCodes = {
  400: "invalid_parameter",
  404: "not_found",
  405: "method_not_allowed",
  413: "too_large",
  415: "unsupported_media_type",
  500: "internal_error"
} as const

/** Encodes failures in the shape of a protocol. */
export interface FailureEncoder {
  readonly failure: (
    status: keyof typeof failureCodes,
    message: string,
    headers?: Readonly<Record<string, string>>
  ) => HttpServerResponse
  readonly refused: (reason: Reason) => HttpServerResponse
}

/** Turns a refusal and a failure of the storage into a response; the storage's failure is logged. */
export const recoverRefusals =
  (refused: FailureEncoder["refused"]) =>
  <R>(work: Effect.Effect<HttpServerResponse, CommonFailure, R>): Effect.Effect<HttpServerResponse, Unreadable, R> =>
    Effect.catchTags(work, {
      Refused: ({ reason }) => Effect.succeed(refused(reason)),
      StorageFailed: (failed) => Effect.as(logFailedOperation(failed), refused({ _tag: "Unavailable" }))
    })

/** Handles paths that a table does not have, with every method. */
export interface UnknownPaths {
  /** Beginning of the paths, such as `/api`. */
  readonly prefix: `/${string}`
  /** Reads the path in `originalUrl`, since `url` may be changed. */
  readonly handler: RouteHandler
}

/**
 * Returns routes for the table's paths, and a fallback that handles paths that only begin like one of them. Both handle
 * `unknown` paths with its handler; without it, the response is 404.
 */
export const protocolRoutes = ({
  routes,
  errors,
  unknown
}: {
  readonly routes: RouteTable
  readonly errors: FailureEncoder
  readonly unknown?: UnknownPaths
}): Required<Pick<HttpEndpoint<HttpRoutes>, "routes" | "fallback">> => {
  const { failure, refused } = errors

  const guarded = (path: string, handler: RouteHandler, request: HttpServerRequest, url: string) =>
    Effect.flatMap(queryIn(url), (query) => handler(request, query)).pipe(
      recoverRefusals(refused),
      Effect.catchTags({
        UnreadableBody: ({ status, problem }) => Effect.succeed(failure(status, `The body ${problem}.`)),
        UnreadableQuery: ({ sentence }) => Effect.succeed(failure(400, sentence))
      }),
      Effect.catchDefect((defect) =>
        Effect.as(
          Effect.logError(`${request.method} ${path} failed unexpectedly`, defect),
          failure(500, "Internal server error.")
        )
      )
    )

  const route = (path: `/${string}`, handlers: RouteTable[`/${string}`]): HttpRoutes => {
    const byMethod = new Map(Object.entries(handlers))
    const allow = [...byMethod.keys()].join(", ")
    const notAllowed = failure(405, `This path takes ${allow}.`, { allow })
    return HttpRouter.add("*", path, (request) => {
      const handler = byMethod.get(request.method === "HEAD" ? "GET" : request.method)
      return handler === undefined ? Effect.succeed(notAllowed) : guarded(path, handler, request, request.url)
    })
  }

  const table = Object.entries(routes).reduce<HttpRoutes>(
    (all, [path, handlers]) => Layer.merge(all, route(path as `/${string}`, handlers)),
    Layer.empty
  )
  if (unknown === undefined) {
    return { routes: table, fallback: HttpRouter.add("*", "*", failure(404, "There is nothing at this path.")) }
  }
  const { prefix, handler } = unknown
  const handleUnknown = (request: HttpServerRequest) => guarded(`${prefix}/*`, handler, request, request.originalUrl)
  return {
    routes: Layer.merge(table, HttpRouter.add("*", `${prefix}/*`, handleUnknown)),
    fallback: HttpRouter.add("*", "*", handleUnknown)
  }
}
