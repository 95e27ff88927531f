/** The bus on NATS servers that reply, fail, refuse and come back. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { connect } from "@nats-io/transport-node"
import * as MemoryNodes from "@parley/adapter-memory/MemoryNodes"
import type { Bus } from "@parley/core/Bus"
import { Deferred, Effect, Exit, Logger, References, Scope } from "effect"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as tls from "node:tls"
import { makeNats, missingNats, type NatsServer, startNats } from "../../../scripts/nats/server.ts"
import { openBus, untilConnected } from "./buses.ts"

const startServer = (configuration?: string) =>
  Effect.acquireRelease(
    Effect.promise(() => startNats(configuration)),
    (started) => Effect.promise(() => started.remove())
  )

/** Waits for a packet. Subscribe before it is published. */
const received = (bus: Bus["Service"], isWanted: (packet: string) => boolean) => {
  const packet = Deferred.makeUnsafe<string>()
  const stop = bus.subscribe((text) => {
    if (isWanted(text)) Deferred.doneUnsafe(packet, Effect.succeed(text))
  })
  return Effect.ensuring(Deferred.await(packet), Effect.sync(stop))
}

/** Log lines of an effect, as texts. */
const recordLog = () => {
  const lines: Array<string> = []
  const logger = Logger.make(({ fiber, logLevel, message }) => {
    lines.push(`${logLevel} ${String(message)} ${JSON.stringify(fiber.getRef(References.CurrentLogAnnotations))}`)
  })
  return { lines, layer: Logger.layer([logger]) }
}

/** Without log lines in the output of the tests. */
const quiet = Logger.layer([])

/** Waits until a condition holds. */
const until = (isDone: () => boolean) =>
  Effect.promise(async () => {
    while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 5))
  })

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))

it("nats-server is installed, for the tests of the bus", ({ skip }) => {
  skip(missingNats !== undefined, missingNats)
  assert.isUndefined(missingNats)
})

describe("the URL of a bus", () => {
  it.effect.each<[string, string]>([
    ["http://127.0.0.1:4222", "must be nats://"],
    ["nats://127.0.0.1/path", "must be nats://"],
    ["nats://me:secret@", "must be nats://"],
    ["nats://me:se/cret@127.0.0.1", "must be nats://"],
    ["nats://me:%secret@127.0.0.1", "percent-encoded"],
    ["nats://one:4222,two:99999", "a list such as"]
  ])("%s is refused", ([url, words]) =>
    Effect.gen(function* () {
      const refused = yield* Effect.flip(openBus(url))
      assert.include(refused.message, words)
      assert.notInclude(refused.message, "secret")
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )
})

describe.runIf(missingNats === undefined)("a bus on NATS", () => {
  let server: NatsServer
  beforeAll(async () => {
    server = await startNats()
  })
  afterAll(() => server.remove())

  it.live("carries packets to the other nodes of its store, and to no others", () =>
    Effect.gen(function* () {
      const registry = MemoryNodes.make()
      const buses = [yield* openBus(server.url(), registry), yield* openBus(server.url(), registry)] as const
      const foreign = yield* openBus(server.url())
      const [one, other] = buses
      for (const bus of [...buses, foreign]) yield* untilConnected(bus)
      const heard: Array<string> = []
      for (const bus of [one, foreign]) bus.subscribe((packet) => heard.push(packet))
      const largest = "é".repeat(one.maxBytes / 2)
      for (const packet of ["{}", `{"text":"\\u0000 ' 你好"}`, largest]) {
        const arrived = received(other, (text) => text === packet)
        one.publish(packet)
        yield* arrived
      }
      const last = received(one, (text) => text === "last")
      foreign.publish("not for us")
      other.publish("last")
      yield* last
      assert.deepStrictEqual(heard, ["last"])
      assert.strictEqual(one.maxBytes, 256 * 1024)
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )

  it.live("sends what was published before it is closed", () =>
    Effect.gen(function* () {
      const registry = MemoryNodes.make()
      const scope = yield* Scope.make()
      const one = yield* Scope.provide(openBus(server.url(), registry), scope)
      const other = yield* openBus(server.url(), registry)
      yield* untilConnected(one)
      yield* untilConnected(other)
      const last = received(other, (text) => text === "200")
      for (let n = 1; n <= 200; n++) one.publish(String(n))
      yield* Scope.close(scope, Exit.void)
      yield* last
      assert.isFalse(one.isConnected())
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )

  it.live("drops packets that a server without replies does not confirm, and finds a new connection", () =>
    Effect.gen(function* () {
      const own = yield* startServer()
      const bus = yield* openBus(own.url())
      yield* untilConnected(bus)
      own.pause()
      const packet = "x".repeat(bus.maxBytes)
      const before = process.memoryUsage().rss
      for (let n = 0; n < 1000; n++) {
        bus.publish(packet)
        if (n % 50 === 0) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      }
      // 250 MB were published.
      assert.isBelow(process.memoryUsage().rss - before, 150_000_000)
      yield* untilConnected(bus, false)
      own.resume()
      yield* untilConnected(bus)
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )

  it.live("has smaller packets on a server that takes no larger ones", () =>
    Effect.gen(function* () {
      const small = yield* startServer("max_payload: 1000")
      const registry = MemoryNodes.make()
      const [one, other] = [yield* openBus(small.url(), registry), yield* openBus(small.url(), registry)]
      yield* untilConnected(one)
      yield* untilConnected(other)
      assert.strictEqual(one.maxBytes, 1000)
      const next = received(other, () => true)
      one.publish("x".repeat(1001))
      one.publish("next")
      assert.strictEqual(yield* next, "next")
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )
})

describe.runIf(missingNats === undefined)("a bus whose server", () => {
  it.live("is down, dies and comes back: connects again, and logs each reason once", () => {
    const { layer, lines } = recordLog()
    return Effect.gen(function* () {
      const server = yield* Effect.acquireRelease(
        Effect.promise(() => makeNats()),
        (made) => Effect.promise(() => made.remove())
      )
      const registry = MemoryNodes.make()
      const one = yield* openBus(server.url("me:secret"), registry)
      const other = yield* openBus(server.url("me:secret"), registry)
      one.publish("lost")
      yield* until(() => lines.length === 2)
      const configuration = `authorization: { user: "me", password: "secret" }`
      yield* Effect.promise(() => server.start(configuration))
      yield* untilConnected(one)
      yield* untilConnected(other)
      const heard: Array<string> = []
      other.subscribe((packet) => heard.push(packet))
      yield* Effect.promise(() => server.kill())
      yield* untilConnected(one, false)
      one.publish("lost too")
      yield* until(() => lines.filter((line) => line.includes("connection refused")).length === 4)
      yield* Effect.promise(() => server.start())
      yield* untilConnected(one)
      yield* untilConnected(other)
      const back = received(other, (packet) => packet === "back")
      one.publish("back")
      yield* back
      assert.deepStrictEqual(heard, ["back"])
      const of = (text: string) => lines.filter((line) => line.includes(text)).length
      assert.deepStrictEqual(
        [of("Info bus connected"), of("Warn bus disconnected"), of("the server closed"), of("connection refused")],
        [4, 6, 2, 4]
      )
      assert.isTrue(lines.every((line) => line.includes(`nats://127.0.0.1:${server.port}"`)))
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.live("refuses the password: is not connected, and logs no credentials", () => {
    const { layer, lines } = recordLog()
    return Effect.gen(function* () {
      const server = yield* startServer(`authorization: { user: "me", password: "s@cret" }`)
      const wrong = yield* openBus(server.url("me:wrong-one"))
      const right = yield* openBus(server.url("me:s%40cret"))
      yield* untilConnected(right)
      yield* until(() => lines.some((line) => line.includes("Authorization Violation")))
      assert.isFalse(wrong.isConnected())
      assert.isFalse(lines.some((line) => /wrong-one|cret/.test(line)))
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.live("takes a token", () =>
    Effect.gen(function* () {
      const server = yield* startServer(`authorization: { token: "t-o-k" }`)
      yield* untilConnected(yield* openBus(server.url("t-o-k")))
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )

  it.live.each(["publish", "subscribe"])("does not permit to %s: is not connected, and says so", (what) => {
    const { layer, lines } = recordLog()
    return Effect.gen(function* () {
      const permissions = `{ publish: ">", subscribe: ">", ${what}: "other" }`
      const server = yield* startServer(
        `authorization: { users: [{ user: "me", password: "secret", permissions: ${permissions} }] }`
      )
      const bus = yield* openBus(server.url("me:secret"))
      const timer = setInterval(() => bus.publish("{}"), 5)
      yield* until(() => lines.some((line) => /Warn .*Permissions Violation/i.test(line)))
      clearInterval(timer)
      yield* untilConnected(bus, false)
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.live("has TLS: its certificate is verified", () => {
    const { layer, lines } = recordLog()
    return Effect.gen(function* () {
      const server = yield* startServer(
        `tls: { cert_file: "${fixture("tls.crt")}", key_file: "${fixture("tls.key")}" }`
      )
      const plain = yield* startServer()
      const url = server.url().replace("nats:", "tls:")
      yield* openBus(url)
      yield* until(() => lines.some((line) => line.includes("self-signed certificate")))
      // A server without TLS gets no password.
      yield* openBus(plain.url("me:secret").replace("nats:", "tls:"))
      yield* until(() => lines.some((line) => line.includes(`:${plain.port}"`) && line.includes("tls")))
      const authorities = tls.getCACertificates("default")
      tls.setDefaultCACertificates([...authorities, readFileSync(fixture("tls.crt"), "utf8")])
      yield* Effect.addFinalizer(() => Effect.sync(() => tls.setDefaultCACertificates(authorities)))
      yield* untilConnected(yield* openBus(url))
    }).pipe(Effect.scoped, Effect.provide(layer))
  })
})

describe.runIf(missingNats === undefined)("garbage on the subject", () => {
  it.live("reaches the listeners as text, and ends no connection", () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const registry = MemoryNodes.make()
      const bus = yield* openBus(server.url(), registry)
      yield* untilConnected(bus)
      const stranger = yield* Effect.acquireRelease(
        Effect.promise(() => connect({ servers: `127.0.0.1:${server.port}` })),
        (nats) => Effect.promise(() => nats.close())
      )
      const subject = `parley.packets.${yield* Effect.orDie(registry.storeId)}`
      const heard: Array<string> = []
      bus.subscribe((packet) => heard.push(packet))
      const last = received(bus, (packet) => packet === "last")
      for (const bytes of [Uint8Array.of(255, 254, 0), new Uint8Array(0), "{", "last"]) stranger.publish(subject, bytes)
      yield* last
      assert.deepStrictEqual(heard.slice(1), ["", "{", "last"])
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )
})
