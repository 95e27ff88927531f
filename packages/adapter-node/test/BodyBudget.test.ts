/** Bodies of HTTP requests that are under way count in the budget of clients' input, per address and in total. */
import { InputBudget, StreamBody } from "@parley/core/InputBudget"
import { UserId } from "@parley/core/Ids"
import { defaultSettings } from "@parley/core/Settings"
import { ClaimRequest } from "@parley/core/Slots"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Stream } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as net from "node:net"
import * as Host from "../src/internal/http/HttpHost.ts"
import { serveHttp } from "../src/serveHttp.ts"
import { get, makeHost } from "./hostFixture.ts"
import { LOOPBACK, quick } from "./socketHarness.ts"

/** Without a user: 8 KiB of one address, 12 KiB in total. */
const newBudget = () => new InputBudget({ ...defaultSettings, inputPerAddress: 64 * 1024, inputTotal: 96 * 1024 })

/** A request whose body stops before its last byte; `status` is that of the response. */
const unfinished = (port: number, address: string, bytes: number, path = "/im/body") =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const status = Deferred.makeUnsafe<string>()
      const socket = net.connect(port, "127.0.0.1")
      let text = ""
      socket.on("data", (data) => {
        text += String(data)
        if (text.includes("}")) Deferred.doneUnsafe(status, Effect.succeed(text))
      })
      socket.on("error", () => {})
      const head = `POST ${path} HTTP/1.1\r\nhost: x\r\nx-forwarded-for: ${address}\r\ncontent-length: ${bytes + 1}\r\n\r\n`
      socket.write(head + "x".repeat(bytes))
      return { status: Deferred.await(status), end: () => socket.destroy() }
    }),
    ({ end }) => Effect.sync(end)
  )

const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const look = (): void => {
      if (condition()) resume(Effect.void)
      else setImmediate(look)
    }
    look()
  })

const post = (port: number, address: string, bytes: number) =>
  get(port, "/im/body", { method: "POST", body: "x".repeat(bytes), headers: { "x-forwarded-for": address } })

const served = Effect.gen(function* () {
  const input = newBudget()
  const host = yield* makeHost({ input, trustedProxies: ["loopback"] })
  const { port } = yield* serveHttp(host, LOOPBACK)
  return { input, host, port }
})

describe("request bodies in flight", () => {
  it.live("are bounded per address, which leaves room for other addresses and short bodies", () =>
    Effect.gen(function* () {
      const { input, port } = yield* served
      const first = yield* unfinished(port, "192.0.2.1", 5000)
      yield* until(() => input.bytes === 5000)
      const second = yield* unfinished(port, "192.0.2.1", 5000)
      const text = yield* second.status
      assert.match(text, /^HTTP\/1\.1 429 /)
      assert.match(text, /retry-after: 1/i)
      assert.include(text, '{"message":"Too many request bodies in flight from this address; retry later."}')
      yield* until(() => input.bytes === 5000)
      assert.strictEqual((yield* post(port, "192.0.2.2", 5000)).status, 200)
      assert.strictEqual((yield* post(port, "192.0.2.1", 2000)).status, 200)
      first.end()
      yield* until(() => input.bytes === 0)
      assert.strictEqual((yield* post(port, "192.0.2.1", 5000)).status, 200)
      yield* until(() => input.bytes === 0)
    })
  )

  it.live("are bounded in total", () =>
    Effect.gen(function* () {
      const { input, port } = yield* served
      for (const address of ["192.0.2.1", "192.0.2.2"]) yield* unfinished(port, address, 6000)
      yield* until(() => input.bytes === 12_000)
      const { status } = yield* unfinished(port, "192.0.2.3", 3000)
      assert.match(yield* status, /^HTTP\/1\.1 503 [^]*"Too many request bodies in flight/)
    })
  )

  it.live("are bounded through `fetch`, too", () =>
    Effect.gen(function* () {
      const { input, host } = yield* served
      const request = (body: BodyInit) => {
        const init: RequestInit & { readonly duplex: "half" } = { method: "POST", body, duplex: "half" }
        return new Request("http://x/im/body", init)
      }
      let end = (): void => {}
      const held = new ReadableStream<Uint8Array>({
        start: (to) => {
          to.enqueue(Buffer.alloc(5000))
          end = () => to.close()
        }
      })
      void host.fetch(request(held), { address: "192.0.2.1" }).catch(() => {})
      yield* until(() => input.bytes === 5000)
      const status = (address: string) =>
        Effect.promise(() => host.fetch(request("x".repeat(5000)), { address }).then((response) => response.status))
      assert.strictEqual(yield* status("192.0.2.1"), 429)
      assert.strictEqual(yield* status("192.0.2.2"), 200)
      // The host would wait for the rest of the body when it closes.
      end()
    })
  )

  it.live("count in the users' pool once authenticated, and not when streamed", () =>
    Effect.gen(function* () {
      const input = newBudget()
      const waiting = Deferred.makeUnsafe<void>()
      const routes = HttpRouter.use((router) =>
        Effect.all([
          router.add(
            "POST",
            "/im/user",
            Effect.gen(function* () {
              assert.isTrue((yield* ClaimRequest)(UserId(1)))
              const request = yield* HttpServerRequest.HttpServerRequest
              return HttpServerResponse.text(String((yield* Effect.orDie(request.arrayBuffer)).byteLength))
            })
          ),
          router.add(
            "POST",
            "/im/stream",
            Effect.gen(function* () {
              ;(yield* StreamBody)()
              const request = yield* HttpServerRequest.HttpServerRequest
              yield* Effect.orDie(Stream.runForEach(request.stream, () => Deferred.succeed(waiting, undefined)))
              return HttpServerResponse.empty()
            })
          )
        ])
      )
      const host = yield* Host.make({ endpoints: [{ _tag: "Http", routes }], input, connection: quick })
      const { port } = yield* serveHttp(host, LOOPBACK)
      yield* unfinished(port, "", 20_000, "/im/stream")
      yield* Deferred.await(waiting)
      assert.strictEqual(input.bytes, 0)
      const user = () => get(port, "/im/user", { method: "POST", body: "x".repeat(30_000) })
      assert.deepInclude(yield* user(), { status: 200, body: "30000" })
      yield* until(() => input.bytes === 0)
    })
  )
})
