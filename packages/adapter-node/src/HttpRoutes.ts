/** The HTTP side of a dialect, and what a host knows of it before it hands a request over. */
import * as Effect from "effect/Effect"
import * as FindMyWay from "effect/http/FindMyWay"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"

/**
 * Routes, added to the router that the host brings. Their handlers answer all their errors themselves and need nothing
 * more. A dialect can write this type without knowing the host: it names nothing but Effect.
 */
export type HttpRoutes = Layer.Layer<never, never, HttpRouter.HttpRouter>

/** Foreign paths stay the host application's business, so only exact paths are taken. */
const config = {
  caseSensitive: true,
  // Lists of ids travel in paths; Node bounds the whole head at 16 KiB anyhow.
  maxParamLength: 16 * 1024
} as const

/** Remembers the paths that are added to a router. */
const recorded = (
  router: HttpRouter.HttpRouter,
  paths: FindMyWay.Router<true>,
  prefix: string
): HttpRouter.HttpRouter => {
  const record = (method: string, path: string): void => {
    const full = pathInput(prefix === "" ? path : HttpRouter.prefixPath(path, prefix))
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
      recorded(router.prefixed(inner), paths, prefix === "" ? inner : HttpRouter.prefixPath(inner, prefix))
  })
}

const pathInput = (path: string): FindMyWay.PathInput => (path === "*" ? "*" : `/${path.replace(/^\//, "")}`)

/**
 * Builds the routes in the current scope. `owns` says whether a request is for one of them (`url` as in a request line;
 * `HEAD` goes where `GET` goes); `app` answers it.
 */
export const build = Effect.fnUntraced(function* (routes: ReadonlyArray<HttpRoutes>) {
  const paths = FindMyWay.make<true>(config)
  const router = recorded(
    yield* HttpRouter.make.pipe(Effect.provideService(HttpRouter.RouterConfig, config)),
    paths,
    ""
  )
  for (const layer of routes) {
    yield* Layer.build(layer).pipe(Effect.provideService(HttpRouter.HttpRouter, router))
  }
  return {
    app: router.asHttpEffect(),
    owns: (method: string, url: string): boolean =>
      paths.find(method, url) !== undefined || (method === "HEAD" && paths.find("GET", url) !== undefined)
  }
})
