import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { blobsLaws } from "@parley/core/testing/BlobsLaws"
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"

describe("blobs in memory", () => {
  for (const law of blobsLaws) it.effect(law.name, () => law.check.pipe(Effect.provide(MemoryBlobs.layer)))
})
