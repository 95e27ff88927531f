/** Incomplete requests and unread responses hold a share of the slots for a bounded time. */
import { defaultSettings, Settings } from "@parley/core/Settings"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import * as net from "node:net"
import * as Host from "../src/internal/http/HttpHost.ts"
import { serveHttp } from "../src/serveHttp.ts"
import { get, makeHost } from "./hostFixture.ts"
import { LOOPBACK, quick } from "./socketHarness.ts"

const STALL = 30

/** Manual timers; those of bodies have an interval of one second. */
const manual = () => {
  const ticks = new Set<() => void>()
  return {
    every: (milliseconds: number, tick: () => void) => {
      if (milliseconds === 1000) ticks.add(tick)
      return () => void ticks.delete(tick)
    },
    pass: (seconds: number) => {
      for (let n = 0; n < seconds; n++) for (const tick of Array.from(ticks)) tick()
    },
    pending: () => ticks.size
  }
}

/** A request whose body is not ended; `answer` is all that came back once the connection is over. */
const begun = (port: number, head: string) =>
  Effect.acquireRelease(
    Effect.callback<{
      readonly socket: net.Socket
      readonly answer: Effect.Effect<string>
      readonly heard: () => string
    }>((resume) => {
      let text = ""
      const over = Deferred.makeUnsafe<string>()
      const socket = net.connect(port, "127.0.0.1", () => {
        socket.write(`POST ${head}\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n`, () =>
          resume(Effect.succeed({ socket, answer: Deferred.await(over), heard: () => text }))
        )
      })
      socket.on("data", (data) => (text += String(data)))
      socket.on("error", () => {})
      socket.on("close", () => Deferred.doneUnsafe(over, Effect.succeed(text)))
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

/** Waits until the server has begun so many bodies: then there is a timer for them. */
const untilPending = (pending: () => number) =>
  Effect.callback<void>((resume) => {
    const look = (): void => {
      if (pending() > 0) resume(Effect.void)
      else setImmediate(look)
    }
    look()
  })

const BODY = "/im/body HTTP/1.1\r\ncontent-type: application/json"
const FORM = "/im/upload HTTP/1.1\r\ncontent-type: multipart/form-data; boundary=b"

describe("a request whose body does not arrive", () => {
  it.live("is answered with 408 and ended, and its slot is free again", () =>
    Effect.gen(function* () {
      const { every, pass, pending } = manual()
      const host = yield* makeHost({ connection: { ...quick, stall: STALL * 1000, every } })
      const { port } = yield* serveHttp(host, LOOPBACK)
      const { answer, heard } = yield* begun(port, BODY)
      yield* untilPending(pending)
      pass(STALL - 1)
      assert.strictEqual(heard(), "")
      pass(1)
      const text = yield* answer
      assert.match(text, /^HTTP\/1\.1 408 /)
      assert.include(text, '{"message":"The request\'s body did not arrive in time."}')
      assert.strictEqual(pending(), 0)
      assert.strictEqual((yield* get(port, "/im/any")).status, 200)
    }).pipe(Effect.provideService(Settings, { ...defaultSettings, requests: 1 }))
  )

  it.live("gets more time while a file upload makes progress, and is ended when it stops", () =>
    Effect.gen(function* () {
      const { every, pass, pending } = manual()
      const host = yield* makeHost({ connection: { ...quick, stall: STALL * 1000, every } })
      const { port } = yield* serveHttp(host, LOOPBACK)
      const { socket, answer, heard } = yield* begun(port, FORM)
      yield* untilPending(pending)
      pass(STALL - 1)
      const part = '--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\n'.padEnd(64 * 1024, "y")
      yield* Effect.callback<void>((resume) => {
        socket.write(`${part.length.toString(16)}\r\n${part}\r\n`, () => resume(Effect.void))
      })
      // A round trip of another request: the server has read what was written before it.
      for (let n = 0; n < 3; n++) yield* get(port, "/im/any")
      pass(1)
      for (let n = 0; n < 3; n++) yield* get(port, "/im/any")
      assert.strictEqual(heard(), "")
      pass(STALL)
      assert.match(yield* answer, /^(HTTP\/1\.1 408 |$)/)
    })
  )

  it.live("is answered with 408 through `fetch` as well", () =>
    Effect.gen(function* () {
      const { every, pass, pending } = manual()
      const host = yield* makeHost({ connection: { ...quick, stall: STALL * 1000, every } })
      const init: RequestInit & { readonly duplex: "half" } = {
        method: "POST",
        body: new ReadableStream<Uint8Array>({ start: (to) => to.enqueue(Buffer.from("x")) }),
        duplex: "half"
      }
      const answer = host.fetch(new Request("http://x/im/body", init))
      yield* untilPending(pending)
      pass(STALL)
      assert.strictEqual((yield* Effect.promise(() => answer)).status, 408)
      const whole = yield* Effect.promise(() =>
        host.fetch(new Request("http://x/im/body", { method: "POST", body: "whole" }))
      )
      assert.strictEqual(yield* Effect.promise(() => whole.text()), "/im/body whole")
      assert.strictEqual(pending(), 0)
    }).pipe(Effect.provideService(Settings, { ...defaultSettings, requests: 1 }))
  )
})

describe("the slots of requests", () => {
  it.live("are held by one address for a share only: others are answered", () =>
    Effect.gen(function* () {
      const host = yield* makeHost({ trustedProxies: ["loopback"] })
      const { port } = yield* serveHttp(host, LOOPBACK)
      const from = (address: string) => ({ headers: { "x-forwarded-for": address } })
      const attacker = `${BODY}\r\nx-forwarded-for: 192.0.2.1`
      for (let n = 0; n < 2; n++) yield* begun(port, attacker)
      while ((yield* get(port, "/im/any", from("192.0.2.1"))).status !== 429) yield* Effect.yieldNow
      assert.strictEqual((yield* get(port, "/im/any", from("192.0.2.2"))).status, 200)
      assert.deepStrictEqual(yield* get(port, "/im/any", from("192.0.2.1")), {
        status: 429,
        type: "application/json; charset=utf-8",
        body: '{"message":"Too many requests in flight from this address; retry later."}'
      })
    }).pipe(Effect.provideService(Settings, { ...defaultSettings, requests: 8 }))
  )

  it.live("are not shared through `fetch` if the address is unknown", () =>
    Effect.gen(function* () {
      const host = yield* makeHost()
      const never = () =>
        new Request("http://x/im/body", {
          method: "POST",
          body: new ReadableStream(),
          duplex: "half"
        } as RequestInit & { readonly duplex: "half" })
      for (let n = 0; n < 3; n++) void host.fetch(never())
      const any = (address?: string) =>
        Effect.promise(() => host.fetch(new Request("http://x/im/any"), address === undefined ? {} : { address }))
      assert.strictEqual((yield* any()).status, 200)
      void host.fetch(never(), { address: "192.0.2.1" })
      const refused = yield* any("192.0.2.2")
      assert.deepStrictEqual([refused.status, refused.headers.get("retry-after")], [503, "1"])
      yield* host.close({ drain: 1 })
    }).pipe(Effect.provideService(Settings, { ...defaultSettings, requests: 4 }))
  )
})

describe("an unread response", () => {
  it.live("is given four stall times, since the kernel takes more in steps of a megabyte", () =>
    Effect.gen(function* () {
      const route = HttpRouter.add("GET", "/small", HttpServerResponse.text("small"))
      const host = yield* Host.make({
        endpoints: [{ _tag: "Http", routes: route }],
        connection: { ...quick, stall: 30_000 }
      })
      const timeouts: Array<number | undefined> = []
      const server = createServer((request, response) => {
        host.node(request, response)
        timeouts.push(request.socket.timeout)
      })
      yield* Effect.promise(() => new Promise<void>((done) => server.listen(0, "127.0.0.1", done)))
      yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
      const { port } = server.address() as net.AddressInfo
      assert.strictEqual(
        yield* Effect.promise(async () => (await fetch(`http://127.0.0.1:${port}/small`)).text()),
        "small"
      )
      assert.deepStrictEqual(timeouts, [120_000])
    })
  )

  it.live("is ended, and its slot is free again; one that is read is not", () =>
    Effect.gen(function* () {
      const SIZE = 64 * 1024 * 1024
      const large = HttpRouter.add("GET", "/large", HttpServerResponse.uint8Array(new Uint8Array(SIZE)))
      const host = yield* Host.make({
        endpoints: [{ _tag: "Http", routes: large }],
        connection: { ...quick, stall: 1000 }
      })
      const { port } = yield* serveHttp(host, LOOPBACK)
      const ended = yield* Deferred.make<void>()
      const socket = net.connect(port, "127.0.0.1", () => {
        socket.write("GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
        socket.pause()
      })
      socket.on("error", () => {})
      socket.on("close", () => Deferred.doneUnsafe(ended, Effect.void))
      yield* Effect.addFinalizer(() => Effect.sync(() => socket.destroy()))
      // The client notices when it reads again; until then only the server's state shows it.
      for (;;) {
        const { status, size } = yield* Effect.promise(async () => {
          const response = await fetch(`http://127.0.0.1:${port}/large`)
          return { status: response.status, size: (await response.arrayBuffer()).byteLength }
        })
        if (status === 503) continue
        assert.strictEqual(size, SIZE)
        if (socket.destroyed) break
        socket.resume()
        yield* Deferred.await(ended)
        assert.isBelow(socket.bytesRead, SIZE)
        break
      }
    }).pipe(Effect.provideService(Settings, { ...defaultSettings, requests: 1 }))
  )
})
