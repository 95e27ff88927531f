/**
 * Conversations in a Hono application on Node: `app.use(parleyHono(parley))`, and `parley.attach(serve(app))` for
 * WebSockets. Over HTTP it needs nothing of Node.
 */
import type { Context, MiddlewareHandler } from "hono"
import type { Parley } from "./createParley.ts"

/** What `@hono/node-server` tells of a request. */
interface NodeBindings {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string | undefined } }
}

/**
 * Takes the requests for the object's own paths, wherever it is mounted, and hands all others on. A body that a
 * middleware has read is used as Hono remembers it.
 */
export const parleyHono =
  (parley: Pick<Parley, "owns" | "fetch">): MiddlewareHandler =>
  async (context, next) => {
    const { pathname, search } = new URL(context.req.url)
    if (!parley.owns(context.req.method, pathname + search)) return next()
    const { incoming } = (context.env ?? {}) as NodeBindings
    return parley.fetch(await whole(context), { peer: incoming?.socket?.remoteAddress })
  }

/** The request with its body; where the body is lost, the request as it is, which is refused. */
const whole = async ({ req }: Context): Promise<Request> => {
  if (!req.raw.bodyUsed) return req.raw
  const { method } = req
  const headers = new Headers(req.raw.headers)
  const type = headers.get("content-type") ?? ""
  try {
    if (!/form-data|x-www-form-urlencoded/.test(type)) {
      return new Request(req.url, { method, headers, body: await req.arrayBuffer() })
    }
    // The boundary between a form's parts is made anew.
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
