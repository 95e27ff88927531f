/** Requests that begin like an endpoint's paths and match none are handled by its fallback; all others are passed on. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as http from "node:http"
import * as Host from "../src/internal/http/HttpHost.ts"
import type { HttpRoutes } from "../src/internal/http/routes.ts"
import { serveHttp } from "../src/serveHttp.ts"
import { get, post } from "./hostFixture.ts"
import { foreignServer, LOOPBACK } from "./socketHarness.ts"

const text = (body: string, status = 200) => HttpServerResponse.text(body, { status })

const saying = (word: string): HttpRoutes =>
  HttpRouter.add(
    "*",
    "*",
    Effect.map(HttpServerRequest.HttpServerRequest, ({ method }) => text(`${word}: ${method}`, 404))
  )

const endpoints: Host.Options["endpoints"] = [
  {
    _tag: "Http",
    routes: HttpRouter.use(
      Effect.fnUntraced(function* (router) {
        yield* router.add("GET", "/signed/login/:app/:client", text("signed"))
        yield* router.add("GET", "/letters", text("letters"))
        yield* router.add("GET", "/load-:file", text("load"))
        yield* router.prefixed("/deep").add("GET", "/er/:id", text("deeper"))
      })
    ),
    fallback: saying("one")
  },
  {
    _tag: "Http",
    routes: HttpRouter.use(
      Effect.fnUntraced(function* (router) {
        yield* router.add("POST", "/letters/push", text("pushed"))
        yield* router.add("GET", "/:anything/at/all", text("at all"))
      })
    ),
    fallback: saying("two")
  },
  { _tag: "Http", routes: HttpRouter.add("GET", "/letters/mute", text("mute")) }
]

const ONE = [
  "/signed/login",
  "/signed/login/",
  "/signed/login/1",
  "/signed/login/1/%zz",
  "/signed/login/1/%",
  "/signed/login/1/%ff",
  "/signed/login/1/a/b",
  "/signed//login/1?x=%zz",
  "/signed/login/1;x",
  "/letters/1",
  "/letters/pushed",
  "/letters/%zz",
  "/load-%zz.json",
  "/load-a/b",
  "/deep/er/%zz",
  "/deep/er"
]
const TWO = ["/letters/push", "/letters/push/", "/letters/push/1", "/letters/push/%zz"]
const FOREIGN = [
  "/",
  "/signed",
  "/signed/log",
  "/signed/logins/1",
  "/letter",
  "/letters-of-mine",
  "/load",
  "/deep",
  "/deep/erx",
  "/SIGNED/login/1/%zz",
  "/x/at/all/%zz",
  "/letters/mute/1",
  "/%zz"
]

/** Paths as they are: `fetch` would put them right. */
const raw = (port: number, path: string, method = "GET") =>
  Effect.callback<string>((resume) => {
    http
      .request({ port, host: "127.0.0.1", path, method }, (response) => {
        let body = ""
        response.setEncoding("utf8").on("data", (part: string) => (body += part))
        response.on("end", () => resume(Effect.succeed(`${response.statusCode} ${body}`)))
      })
      .end()
  })

describe("a path with the prefix of an endpoint", () => {
  it.live("is handled by the fallback of the longest prefix", () =>
    Effect.gen(function* () {
      const host = yield* Host.make({ endpoints })
      const { port } = yield* serveHttp(host, LOOPBACK)
      for (const path of ONE) assert.strictEqual(yield* raw(port, path), "404 one: GET", path)
      for (const path of TWO) assert.strictEqual(yield* raw(port, path), "404 two: GET", path)
      for (const method of ["PUT", "OPTIONS", "PROPFIND"]) {
        assert.strictEqual(yield* raw(port, "/letters", method), `404 one: ${method}`)
      }
      assert.strictEqual(yield* raw(port, "/letters/1", "HEAD"), "404 ")
      assert.strictEqual(yield* raw(port, `http://x:${port}/letters/1`), "404 one: GET")
    })
  )

  it.live("leaves the routes themselves as they are", () =>
    Effect.gen(function* () {
      const host = yield* Host.make({ endpoints })
      const { port } = yield* serveHttp(host, LOOPBACK)
      for (const [path, body] of [
        ["/signed/login/1/a", "signed"],
        ["/signed/login/1/a/", "signed"],
        ["/letters", "letters"],
        ["/load-a", "load"],
        ["/deep/er/1", "deeper"],
        ["/x/at/all", "at all"],
        ["/letters/mute", "mute"]
      ] as const) {
        assert.strictEqual(yield* raw(port, path), `200 ${body}`)
      }
      assert.strictEqual((yield* post(port, "/letters/push", "x")).body, "pushed")
    })
  )

  it.live("does not reach what another application has beside it", () =>
    Effect.gen(function* () {
      const host = yield* Host.make({ endpoints })
      const { port } = yield* foreignServer((request, response) =>
        host.node(request, response, () => {
          request.pipe(response.writeHead(200, { "x-theirs": request.url }))
        })
      )
      for (const path of FOREIGN) assert.strictEqual(yield* raw(port, path, "POST"), "200 ", path)
      assert.strictEqual((yield* post(port, "/letters-of-mine", "their body")).body, "their body")
      assert.strictEqual((yield* get(port, "/letters/1")).body, "one: GET")
      const web = (path: string) =>
        Effect.promise(async () => (await host.fetch(new Request(`http://x${path}`))).text())
      assert.strictEqual(yield* web("/letters/1"), "one: GET")
      assert.strictEqual(yield* web(`/signed/login/1/${"x".repeat(17_000)}`), "one: GET")
      for (const path of FOREIGN) assert.strictEqual(yield* web(path), '{"message":"There is nothing at this path."}')
    })
  )

  it.live("is not handled if its endpoint has no fallback", () =>
    Effect.gen(function* () {
      const host = yield* Host.make({ endpoints })
      const { port } = yield* serveHttp(host, LOOPBACK)
      assert.strictEqual(yield* raw(port, "/letters/mute/1"), '404 {"message":"There is nothing at this path."}')
    })
  )
})
