/** The demo users, when several nodes with `--demo` start at once on one database. */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createEngine } from "@parley/core"
import { Users } from "@parley/core/Users"
import { Effect } from "effect"
import { addDemoUsers } from "../src/demo/demoUsers.ts"

describe("the demo users", () => {
  it("are added once, whichever node is first", async () => {
    const engine = await createEngine({ store: MemoryStore.layer, blobs: MemoryBlobs.layer })
    try {
      // Both have read that there are no users before one of them adds them.
      await engine.run(Effect.all([addDemoUsers, addDemoUsers], { concurrency: "unbounded" }))
      const accounts = (await engine.run(Effect.flatMap(Users, ({ list }) => list))).map(({ account }) => account)
      assert.deepStrictEqual(accounts.toSorted(), ["admin", "alice", "bob", "carol", "dave", "demo", "erin"])
    } finally {
      await engine.close()
    }
  })
})
