/** Whether the storage takes writes, from the results of commits. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, References } from "effect"
import { TestClock } from "effect/testing"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import type { Draft } from "@parley/core/Command"
import { Engine } from "@parley/core/Engine"
import * as Parley from "@parley/core/Parley"
import { StorageHealth } from "@parley/core/StorageHealth"
import { StorageFailed, Store } from "@parley/core/Store"
import { people, plainPasswords } from "./harness.ts"

const full = new StorageFailed({ operation: "commit", cause: new Error("database or disk is full") })

/** An engine on a store whose disk can be filled, and the lines that it logs. */
const onDisk = () => {
  const disk = { full: false, gone: false, looks: 0 }
  const store = MemoryStore.make()
  const lines: Array<Record<string, unknown>> = []
  const logger = Logger.make(({ message, fiber }) => {
    lines.push({ message: [message].flat()[0], ...fiber.getRef(References.CurrentLogAnnotations) })
  })
  const failing = Store.of({
    ...store,
    commit: (batch) => (disk.full ? Effect.fail(full) : store.commit(batch)),
    check: Effect.suspend(() => {
      disk.looks++
      return disk.gone ? Effect.fail(full) : Effect.void
    })
  })
  const layer = Parley.layer.pipe(
    Layer.provideMerge(Layer.merge(Layer.succeed(Store, failing), plainPasswords)),
    Layer.provideMerge(Logger.layer([logger]))
  )
  return { disk, lines: () => lines.filter(({ message }) => String(message).startsWith("storage")), layer }
}

const add = (account: string) => Effect.ignore(people(account))

describe("the storage's health", () => {
  it.effect("changes with the first failed and the next successful commit, and is logged once each", () => {
    const { disk, lines, layer } = onDisk()
    return Effect.gen(function* () {
      const health = yield* StorageHealth
      yield* add("ann")
      assert.strictEqual(health.status(), "working")
      disk.full = true
      for (let i = 0; i < 500; i++) yield* add("ben")
      assert.strictEqual(health.status(), "failing")
      assert.strictEqual(lines().length, 1)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(lines()[1], { message: "storage failing: writes are refused", count: 499 })
      disk.full = false
      yield* add("ben")
      assert.strictEqual(health.status(), "working")
      assert.deepStrictEqual(lines()[2], {
        message: "storage recovered: writes succeed again",
        failures: 500,
        seconds: 60
      })
    }).pipe(Effect.provide(layer))
  })

  it.effect("is probed on request, at most once a second", () => {
    const { disk, layer } = onDisk()
    return Effect.gen(function* () {
      const health = yield* StorageHealth
      disk.full = true
      yield* add("ann")
      assert.strictEqual(yield* health.refresh, "failing")
      disk.full = false
      assert.strictEqual(yield* health.refresh, "failing", "within the same second")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* health.refresh, "working")
      assert.strictEqual(disk.looks, 2)
    }).pipe(Effect.provide(layer))
  })

  it.effect("is failing while the store's own check fails, without any commit", () => {
    const { disk, layer } = onDisk()
    return Effect.gen(function* () {
      const health = yield* StorageHealth
      assert.strictEqual(yield* health.refresh, "working")
      disk.gone = true
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* health.refresh, "failing")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* health.refresh, "failing", "although a commit would succeed")
      disk.gone = false
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* health.refresh, "working")
    }).pipe(Effect.provide(layer))
  })

  it.effect("recovers once a message is stored", () => {
    const { disk, layer } = onDisk()
    return Effect.gen(function* () {
      const health = yield* StorageHealth
      const engine = yield* Engine
      const [ann] = yield* people("ann")
      if (ann === undefined) return yield* Effect.die("nobody")
      const chat = { gid: "g", name: "g", type: "group", members: [ann.user], subject: 0, public: false }
      yield* engine.perform(ann, { _tag: "CreateChat", ...chat })
      disk.full = true
      yield* add("ben")
      disk.full = false
      const draft: Draft = { gid: "m", chat: { gid: "g" }, type: "normal", contentType: "text", content: "hello" }
      const settled: Array<unknown> = []
      assert.strictEqual(health.status(), "failing")
      assert.isTrue(engine.trySend(ann, draft, (outcome) => settled.push(outcome)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(settled.length, 1)
      assert.strictEqual(health.status(), "working")
    }).pipe(Effect.provide(layer))
  })
})
