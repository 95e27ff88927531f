/** The HTTP routes of dialects, and matching of requests to them. */
import * as Effect from "effect/Effect"
import * as FindMyWay from "effect/http/FindMyWay"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"

/**
 * Routes added to the host's router. Their handlers handle all errors and require no services. The type refers to Effect
 * only, so that dialects need not import the host.
 */
export type HttpRoutes = Layer.Layer<never, never, HttpRouter.HttpRouter>

/** Exact matching: paths are case-sensitive. */
const config = {
  caseSensitive: true,
  // Paths contain lists of ids; Node bounds the whole head at 16 KiB.
  maxParamLength: 16 * 1024
} as const

/** Paths of routes: those of one method, and those of all methods, recorded once, because each method has a tree of its own. */
interface Paths {
  readonly byMethod: FindMyWay.Router<true>
  readonly ofAll: FindMyWay.Router<true>
}

/** The method for which `Paths.ofAll` has its paths. */
const ALL = "GET"

/** Records the paths added to a router, and calls `onPath` for each. */
const recordingRouter = (
  router: HttpRouter.HttpRouter,
  paths: Paths,
  prefix: string,
  onPath: (path: string) => void
): HttpRouter.HttpRouter => {
  const record = (method: string, path: string): void => {
    const full = pathInput(prefix === "" ? path : HttpRouter.prefixPath(path, prefix))
    onPath(full)
    const variants = full.endsWith("/*") && full !== "/*" ? [full, pathInput(full.slice(0, -2))] : [full]
    for (const variant of variants) {
      if (method === "*") paths.ofAll.on(ALL, variant, true)
      else paths.byMethod.on(method, variant, true)
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
      recordingRouter(
        router.prefixed(inner),
        paths,
        prefix === "" ? inner : HttpRouter.prefixPath(inner, prefix),
        onPath
      )
  })
}

const pathInput = (path: string): FindMyWay.PathInput => (path === "*" ? "*" : `/${path.replace(/^\//, "")}`)

/** An endpoint's routes, and fallback routes for other paths with the same prefix. */
export interface Routing {
  readonly routes: HttpRoutes
  readonly fallback?: HttpRoutes
}

type App = Effect.Effect<HttpServerResponse, unknown, HttpServerRequest.HttpServerRequest | Scope.Scope>

/** Returns the constant prefix of a route's path; empty if it begins with a parameter. */
const prefixOf = (path: string): string => {
  const at = path.search(/[:*]/)
  return (at < 0 ? path : path.slice(0, at)).replace(/\/+$/, "")
}

/** Whether a path equals or continues the prefix: `/a-` with anything, `/a` with `/` only. */
const hasPrefix = (path: string, constantPrefix: string): boolean =>
  path.startsWith(constantPrefix) &&
  (!/\w$/.test(constantPrefix) || path.length === constantPrefix.length || path[constantPrefix.length] === "/")

/** Normalizes a URL as the router does: absolute URLs, `;` like `?`, repeated slashes. */
const plainPath = (url: string): string =>
  (url.replace(/^https?:\/\/.*?\//, "/").split(/[?;#]/, 1)[0] ?? "").replaceAll(/\/{2,}/g, "/")

const isUnknown = (error: unknown): boolean =>
  HttpServerError.isHttpServerError(error) && error.reason._tag === "RouteNotFound"

const newRouter = HttpRouter.make.pipe(Effect.provideService(HttpRouter.RouterConfig, config))

/**
 * Builds the routes in the current scope. `app` handles requests; `owns` returns whether a request matches a route or the
 * fallback of an endpoint (`url` as in a request line; `HEAD` matches `GET`).
 */
export const build = Effect.fnUntraced(function* (endpoints: ReadonlyArray<Routing>) {
  const paths: Paths = { byMethod: FindMyWay.make(config), ofAll: FindMyWay.make(config) }
  const router = yield* newRouter
  const prefixes = new Map<string, App | undefined>()
  for (const { routes, fallback } of endpoints) {
    const fallbackApp = fallback === undefined ? undefined : yield* appOf(fallback)
    const onPath = (path: string): void => {
      const constantPrefix = prefixOf(path)
      if (constantPrefix !== "" && !prefixes.has(constantPrefix)) prefixes.set(constantPrefix, fallbackApp)
    }
    const recording = recordingRouter(router, paths, "", onPath)
    yield* Layer.build(routes).pipe(Effect.provideService(HttpRouter.HttpRouter, recording))
  }
  const longestFirst = Array.from(prefixes).sort(([one], [other]) => other.length - one.length)
  const fallbackFor = (url: string): App | undefined => {
    const path = plainPath(url)
    return longestFirst.find(([constantPrefix]) => hasPrefix(path, constantPrefix))?.[1]
  }
  const matched = router.asHttpEffect()
  const app: App = Effect.catchIf(matched, isUnknown, (error) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) => fallbackFor(url) ?? Effect.fail(error))
  )
  return {
    app,
    owns: (method: string, url: string): boolean =>
      paths.ofAll.find(ALL, url) !== undefined ||
      paths.byMethod.find(method, url) !== undefined ||
      (method === "HEAD" && paths.byMethod.find("GET", url) !== undefined) ||
      fallbackFor(url) !== undefined
  }
})

/** Returns an app for every path, including malformed ones: routes are matched against the root. */
const appOf = Effect.fnUntraced(function* (routes: HttpRoutes) {
  const router = yield* newRouter
  yield* Layer.build(routes).pipe(Effect.provideService(HttpRouter.HttpRouter, router))
  const app: App = router.asHttpEffect()
  return Effect.updateService(app, HttpServerRequest.HttpServerRequest, (request) => request.modify({ url: "/" }))
})
