/**
 * Chat in a Hono application on Node: `app.use(parleyHono(parley))`, and `parley.attach(serve(app))` for WebSockets. The
 * HTTP part does not depend on Node.
 */
import type { Context, MiddlewareHandler } from "hono"
import type { Parley } from "./createParley.ts"
import { checkParley } from "./internal/http/optionChecks.ts"

/** The bindings of `@hono/node-server`. */
interface NodeBindings {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string | undefined } }
}

/**
 * Handles requests for Parley's paths, wherever it is mounted, and passes all others on. A body that a middleware has read
 * is restored from Hono's cache.
 */
export const parleyHono = (parley: Pick<Parley, "owns" | "fetch">): MiddlewareHandler => {
  checkParley("parleyHono", parley)
  return async (context, next) => {
    const { pathname, search } = new URL(context.req.url)
    if (!parley.owns(context.req.method, pathname + search)) return next()
    const { incoming } = (context.env ?? {}) as NodeBindings
    return parley.fetch(await withBody(context), { peer: incoming?.socket?.remoteAddress })
  }
}

/** Returns the request with its body, or the request itself if the body is lost, which is then rejected. */
const withBody = async ({ req }: Context): Promise<Request> => {
  if (!req.raw.bodyUsed) return req.raw
  const { method } = req
  const headers = new Headers(req.raw.headers)
  const type = headers.get("content-type") ?? ""
  try {
    if (!/form-data|x-www-form-urlencoded/.test(type)) {
      return new Request(req.url, { method, headers, body: await req.arrayBuffer() })
    }
    // A new boundary is generated.
    headers.delete("content-type")
    headers.delete("content-length")
    const form = await req.formData()
    const fields = Array.from(form).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : []))
    return new Request(req.url, {
      method,
      headers,
      body: type.includes("form-data") ? form : new URLSearchParams(fields)
    })
  } catch {
    return req.raw
  }
}
