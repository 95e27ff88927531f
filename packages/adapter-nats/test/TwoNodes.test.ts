/** The tests of two engines on one store, on NATS. */
import { afterAll, assert, beforeAll, it } from "@effect/vitest"
import type { Bus } from "@parley/core/Bus"
import { Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import { missingNats, type NatsServer, startNats } from "../../../scripts/nats/server.ts"
import { type Transport, turns } from "../../core/test/twoNodes.ts"
import { describeChats } from "../../core/test/twoNodesChats.ts"
import { describeUsers } from "../../core/test/twoNodesUsers.ts"
import { openBus, untilConnected } from "./buses.ts"

let server: NatsServer

/** Time that passes before what is published has to arrive: packets must not look late by the test clock. */
const STEP = 250

/** Waits until each bus has received what the others have published before: NATS keeps the order of each. */
const settle = (buses: ReadonlyArray<Bus["Service"]>): Promise<void> =>
  new Promise((resolve) => {
    let missing = buses.length * (buses.length - 1)
    const stops = buses.map((bus) =>
      bus.subscribe((packet) => {
        if (packet !== MARK || --missing > 0) return
        for (const stop of stops) stop()
        resolve()
      })
    )
    for (const bus of buses) bus.publish(MARK)
  })

/** A packet that no engine receives. */
const MARK = "mark"

const natsTransport = Effect.sync((): Transport => {
  const buses: Array<Bus["Service"]> = []
  return {
    connect: (registry) =>
      Effect.gen(function* () {
        const bus = yield* Effect.orDie(openBus(server.url(), registry))
        yield* untilConnected(bus)
        buses.push(bus)
        return {
          ...bus,
          subscribe: (listener: (packet: string) => void) =>
            bus.subscribe((packet) => {
              if (packet !== MARK) listener(packet)
            })
        }
      }),
    advance: Effect.fnUntraced(function* (time) {
      for (let left = Duration.toMillis(time); left > 0; left -= STEP) {
        yield* TestClock.adjust(Math.min(left, STEP))
        yield* Effect.promise(() => settle(buses))
        yield* turns
      }
    })
  }
})

it("nats-server is installed, for the tests of two nodes", ({ skip }) => {
  skip(missingNats !== undefined, missingNats)
  assert.isUndefined(missingNats)
})

if (missingNats === undefined) {
  beforeAll(async () => {
    server = await startNats()
  })
  afterAll(() => server.remove())

  const nodes = { bus: "NATS", delivers: true, time: "50 millis", transport: natsTransport } as const
  describeChats(nodes)
  describeUsers(nodes)
}
