import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { storeLaws } from "@parley/core/testing/StoreLaws"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"

describe("the store in memory", () => {
  for (const law of storeLaws) it.effect(law.name, () => law.check.pipe(Effect.provide(MemoryStore.layer)))
})
