/**
 * Faults of a bus against the claim of a receiver to have everything. 10^7 of them:
 * `TEST_REPETITIONS=full npx pnpm exec vitest run packages/core/test/PacketFaults.test.ts`
 */
import { assert, it } from "@effect/vitest"
import { repetitions } from "../../../scripts/repetitions.ts"
import { type FaultCounts, runFaults } from "./packetFaults.ts"

const FAULTS = repetitions(10_000_000, 100_000)

it(
  `after ${FAULTS.toLocaleString("en")} faults a receiver has everything that it claims to have, once`,
  { timeout: 600_000 },
  () => {
    const counts: FaultCounts = { faults: 0, packets: 0, claims: 0, reads: 0 }
    runFaults(1, FAULTS, counts)
    assert.isAtLeast(counts.faults, FAULTS)
    // Most claims are checked between two reads of the log.
    assert.isAbove(counts.claims, counts.reads)
  }
)
