/** Clients that give up while somebody else's middleware still has their request. */
import { assert, it } from "@effect/vitest"
import { defaultSettings, Settings } from "@parley/core/Settings"
import { Deferred, Effect } from "effect"
import { connect } from "node:net"
import { get, makeHost } from "./hostFixture.ts"
import { foreignServer } from "./socketHarness.ts"

it.live("a client that disconnected before its request arrived takes no slot", () =>
  Effect.gen(function* () {
    const host = yield* makeHost()
    const gone = yield* Deferred.make<void>()
    let waits = true
    const { port } = yield* foreignServer((request, response) => {
      if (!waits) return host.node(request, response)
      waits = false
      response.once("close", () => {
        host.node(request, response)
        Deferred.doneUnsafe(gone, Effect.void)
      })
      impatient.destroy()
    })
    const impatient = connect(port, "127.0.0.1", () => {
      impatient.write("GET /im/any HTTP/1.1\r\nhost: x\r\n\r\n")
    })
    yield* Deferred.await(gone)
    assert.deepInclude(yield* get(port, "/im/any"), { status: 200, body: "any" })
    yield* host.close({ drain: 60_000 })
  }).pipe(Effect.scoped, Effect.provideService(Settings, { ...defaultSettings, requests: 1 }))
)
