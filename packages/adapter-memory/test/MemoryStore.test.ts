import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { disabledSenderLaw, sharedStoreLaws, storeLaws } from "@parley/core/testing/StoreLaws"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { ChangeList } from "../src/internal/ChangeList.ts"

describe("the store in memory", () => {
  for (const law of storeLaws) it.effect(law.name, () => law.check.pipe(Effect.provide(MemoryStore.layer)))
})

describe("the store in memory, shared by two engines", () => {
  for (const law of [...sharedStoreLaws, disabledSenderLaw]) {
    it.effect(law.name, () =>
      Effect.suspend(() => {
        const store = MemoryStore.make()
        return law.check(store, store, 20)
      })
    )
  }
})

describe("the journal in memory", () => {
  it("keeps at least its limit of changes, and tells a reader who is farther behind", () => {
    const journal = new ChangeList(3)
    const change = { _tag: "RecordsChanged", dialect: "d", kind: "k" } as const
    for (let n = 1; n <= 20; n++) {
      journal.add(change)
      for (const after of [0, n - 4, n - 3, n - 1, n]) {
        if (after < 0) continue
        const { complete, entries } = journal.after(after, 100)
        if (after >= n - 3) assert.isTrue(complete)
        if (complete) {
          assert.deepStrictEqual(
            entries.map(({ id }) => id),
            Array.from({ length: n - after }, (_, index) => after + index + 1)
          )
        } else assert.strictEqual(entries.at(-1)?.id, n)
      }
    }
    assert.isFalse(journal.after(0, 100).complete)
    assert.deepStrictEqual(
      journal.after(18, 1).entries.map(({ id }) => id),
      [19]
    )
  })
})
