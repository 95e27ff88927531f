/** The HTTP side of a dialect, and what a host knows of it before it hands a request over. */
import * as Effect from "effect/Effect"
import * as FindMyWay from "effect/http/FindMyWay"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"

/**
 * Routes, added to the router that the host brings. Their handlers answer all their errors themselves and need nothing
 * more. A dialect can write this type without knowing the host: it names nothing but Effect.
 */
export type HttpRoutes = Layer.Layer<never, never, HttpRouter.HttpRouter>

/** Matching as exact as the router can: paths of other cases are somebody else's. */
const config = {
  caseSensitive: true,
  // Lists of ids travel in paths; Node bounds the whole head at 16 KiB anyhow.
  maxParamLength: 16 * 1024
} as const

/** Remembers the paths that are added to a router, and tells each of them. */
const recorded = (
  router: HttpRouter.HttpRouter,
  paths: FindMyWay.Router<true>,
  prefix: string,
  tell: (path: string) => void
): HttpRouter.HttpRouter => {
  const record = (method: string, path: string): void => {
    const full = pathInput(prefix === "" ? path : HttpRouter.prefixPath(path, prefix))
    tell(full)
    const variants = full.endsWith("/*") && full !== "/*" ? [full, pathInput(full.slice(0, -2))] : [full]
    for (const variant of variants) {
      if (method === "*") paths.all(variant, true)
      else paths.on(method, variant, true)
    }
  }
  const add: HttpRouter.HttpRouter["add"] = (method, path, handler, options) => {
    record(method, path)
    return router.add(method, path, handler, options)
  }
  const addAll: HttpRouter.HttpRouter["addAll"] = (routes) => {
    for (const route of routes) record(route.method, route.path)
    return router.addAll(routes)
  }
  return HttpRouter.HttpRouter.of({
    ...router,
    add,
    addAll,
    prefixed: (inner) =>
      recorded(router.prefixed(inner), paths, prefix === "" ? inner : HttpRouter.prefixPath(inner, prefix), tell)
  })
}

const pathInput = (path: string): FindMyWay.PathInput => (path === "*" ? "*" : `/${path.replace(/^\//, "")}`)

/** A door's routes, and those that answer what only begins like one of them. */
export interface Routing {
  readonly routes: HttpRoutes
  readonly fallback?: HttpRoutes
}

type App = Effect.Effect<HttpServerResponse, unknown, HttpServerRequest.HttpServerRequest | Scope.Scope>

/** The fixed beginning of a route's path; empty where it begins with a parameter. */
const beginningOf = (path: string): string => {
  const at = path.search(/[:*]/)
  return (at < 0 ? path : path.slice(0, at)).replace(/\/+$/, "")
}

/** Whether a path is this one or goes on behind it; `/a-` goes on with anything, `/a` with `/` only. */
const begins = (path: string, beginning: string): boolean =>
  path.startsWith(beginning) &&
  (!/\w$/.test(beginning) || path.length === beginning.length || path[beginning.length] === "/")

/** As the router reads it: a request line may hold a whole URL, `;` ends a path as `?` does, several slashes are one. */
const plainPath = (url: string): string =>
  (url.replace(/^https?:\/\/.*?\//, "/").split(/[?;#]/, 1)[0] ?? "").replaceAll(/\/{2,}/g, "/")

const isUnknown = (error: unknown): boolean =>
  HttpServerError.isHttpServerError(error) && error.reason._tag === "RouteNotFound"

const newRouter = HttpRouter.make.pipe(Effect.provideService(HttpRouter.RouterConfig, config))

/**
 * Builds the routes in the current scope. `owns` says whether a request is for one of them, or is answered by a door
 * since it begins like one of the door's (`url` as in a request line; `HEAD` goes where `GET` goes); `app` answers it.
 */
export const build = Effect.fnUntraced(function* (endpoints: ReadonlyArray<Routing>) {
  const paths = FindMyWay.make<true>(config)
  const router = yield* newRouter
  const beginnings = new Map<string, App | undefined>()
  for (const { routes, fallback: otherwise } of endpoints) {
    const astray = otherwise === undefined ? undefined : yield* appOf(otherwise)
    const tell = (path: string): void => {
      const beginning = beginningOf(path)
      if (beginning !== "" && !beginnings.has(beginning)) beginnings.set(beginning, astray)
    }
    const recording = recorded(router, paths, "", tell)
    yield* Layer.build(routes).pipe(Effect.provideService(HttpRouter.HttpRouter, recording))
  }
  const longestFirst = Array.from(beginnings).sort(([one], [other]) => other.length - one.length)
  const astrayAt = (url: string): App | undefined => {
    const path = plainPath(url)
    return longestFirst.find(([beginning]) => begins(path, beginning))?.[1]
  }
  const fitting = router.asHttpEffect()
  const app: App = Effect.catchIf(fitting, isUnknown, (error) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) => astrayAt(url) ?? Effect.fail(error))
  )
  return {
    app,
    owns: (method: string, url: string): boolean =>
      paths.find(method, url) !== undefined ||
      (method === "HEAD" && paths.find("GET", url) !== undefined) ||
      astrayAt(url) !== undefined
  }
})

/** Routes that answer every path, also one that no router can read: they are asked for the root. */
const appOf = Effect.fnUntraced(function* (routes: HttpRoutes) {
  const router = yield* newRouter
  yield* Layer.build(routes).pipe(Effect.provideService(HttpRouter.HttpRouter, router))
  const app: App = router.asHttpEffect()
  return Effect.updateService(app, HttpServerRequest.HttpServerRequest, (request) => request.modify({ url: "/" }))
})
