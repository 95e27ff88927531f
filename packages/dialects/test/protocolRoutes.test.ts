/** Routes shared by all protocols over HTTP: every failure is a response in the protocol's own shape. */
import { assert, describe, it } from "@effect/vitest"
import { refuse } from "@parley/core/Refused"
import { StorageFailed } from "@parley/core/Store"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { protocolRoutes, type RouteHandler, type UnknownPaths } from "../src/_http/protocolRoutes.ts"
import { UnreadableBody } from "../src/_http/UnreadableBody.ts"

const get: RouteHandler = (_, query) => {
  switch (query.get("do")) {
    case "refuse":
      return refuse({ _tag: "NoSuchChat" })
    case "fail":
      return Effect.fail(new StorageFailed({ operation: "test", cause: "disk" }))
    case "misread":
      return Effect.fail(new UnreadableBody({ status: 413, problem: "is too large" }))
    case "break":
      return Effect.die(new Error("a bug"))
    default:
      return Effect.succeed(HttpServerResponse.text("done"))
  }
}

/** Returns the path of the URL as it was sent, without a query. */
const echo: RouteHandler = ({ method, originalUrl }, query) =>
  Effect.succeed(HttpServerResponse.text(`${method} ${new URL(originalUrl).pathname} ${query.get("x") ?? ""}`))

const opened = (unknown?: UnknownPaths) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { routes, fallback } = protocolRoutes({
        routes: { "/thing": { GET: get, DELETE: get } },
        ...(unknown !== undefined && { unknown }),
        errors: {
          failure: (status, message, headers = {}) => HttpServerResponse.text(message, { status, headers }),
          refused: ({ _tag }) => HttpServerResponse.text(_tag, { status: 400 })
        }
      })
      return HttpRouter.toWebHandler(Layer.merge(routes, fallback), { disableLogger: true })
    }),
    ({ dispose }) => Effect.promise(dispose)
  )

describe("the routes of a protocol", () => {
  it.live.each([
    ["GET", "/thing", 200, "done"],
    ["DELETE", "/thing", 200, "done"],
    ["HEAD", "/thing", 200, ""],
    ["GET", "/thing?do=refuse", 400, "NoSuchChat"],
    ["GET", "/thing?do=fail", 400, "Unavailable"],
    ["GET", "/thing?do=misread", 413, "The body is too large."],
    ["GET", "/thing?do=break", 500, "Internal server error."],
    ["GET", "/thing?do=%ff", 400, "The query is not UTF-8 once it is decoded."],
    ["POST", "/thing", 405, "This path takes GET, DELETE."],
    ["OPTIONS", "/thing?do=%ff", 405, "This path takes GET, DELETE."],
    ["PROPFIND", "/thing", 405, "This path takes GET, DELETE."],
    ["GET", "/other", 404, "There is nothing at this path."]
  ] as const)("respond to %s %s with %i", ([method, path, status, text]) =>
    Effect.gen(function* () {
      const { handler } = yield* opened()
      const response = yield* Effect.promise(() => handler(new Request(`http://localhost${path}`, { method })))
      assert.deepStrictEqual([response.status, yield* Effect.promise(() => response.text())], [status, text])
      assert.strictEqual(response.headers.get("allow"), status === 405 ? "GET, DELETE" : null)
    }).pipe(Effect.scoped)
  )

  it.live.each([
    ["GET", "/thing", "done"],
    ["PROPFIND", "/thing", "This path takes GET, DELETE."],
    ["GET", "/all/1?x=2", "GET /all/1 2"],
    ["PROPFIND", "/all", "PROPFIND /all "],
    ["DELETE", "/other", "DELETE /other "],
    ["GET", "/all/1?x=%ff", "The query is not UTF-8 once it is decoded."]
  ] as const)("let one handler have unknown paths: %s %s", ([method, path, text]) =>
    Effect.gen(function* () {
      const { handler } = yield* opened({ prefix: "/all", handler: echo })
      const response = yield* Effect.promise(() => handler(new Request(`http://localhost${path}`, { method })))
      assert.strictEqual(yield* Effect.promise(() => response.text()), text)
    }).pipe(Effect.scoped)
  )
})
