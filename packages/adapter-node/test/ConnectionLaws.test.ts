import type { Harness } from "@parley/core/testing/ConnectionHarness"
import { connectionLaws } from "@parley/core/testing/ConnectionLaws"
import * as MemoryConnection from "@parley/core/testing/MemoryConnection"
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { FRAME, SEND_BUFFER, tcpHarness, webSocketHarness } from "./socketHarness.ts"

const memoryHarness: Harness = {
  transport: MemoryConnection.TRANSPORT,
  frame: FRAME,
  sendBuffer: SEND_BUFFER,
  open: (accept, client) =>
    Effect.sync(() => {
      const end = MemoryConnection.connect({ accept, client, frame: FRAME, sendBuffer: SEND_BUFFER })
      return { ...end, sendGarbled: () => end.send("half of one: \ud83d") }
    })
}

describe.each([
  ["WebSocket", webSocketHarness],
  ["TCP", tcpHarness],
  ["memory", memoryHarness]
] as const)("the laws of connections, over %s", (_, harness) => {
  for (const law of connectionLaws) it.live(law.name, () => law.check(harness))
})
