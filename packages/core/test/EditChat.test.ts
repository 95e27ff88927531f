/** Attributes of a chat are bounded: 64 of 4 KiB each. */
import { Engine } from "@parley/core/Engine"
import { refuse } from "@parley/core/Refused"
import { assert, describe, it } from "@effect/vitest"
import type { AttributePart } from "@parley/core/Chat"
import { Effect } from "effect"
import { engineLayer, people } from "./harness.ts"

const group = Effect.gen(function* () {
  const [alice] = yield* people("alice")
  if (alice === undefined) return yield* Effect.die("nobody")
  const { perform } = yield* Engine
  const made = { gid: "g", name: "", type: "group", members: [], subject: 0, public: false } as const
  const { chat } = yield* perform(alice, { _tag: "CreateChat", ...made, via: "somewhere" })
  return (attributes: Readonly<Record<string, unknown>>, parts: ReadonlyArray<AttributePart> = []) =>
    Effect.map(
      perform(alice, { _tag: "EditChat", chat: { id: chat.id }, attributes, parts }),
      (view) => view.chat.attributes
    )
})

const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, index]))
const invalid = (field: string, problem: string) => refuse({ _tag: "Invalid", field, problem }).reason

describe("attributes", () => {
  it.live("are at most 64, without the engine's own note of the protocol", () =>
    Effect.gen(function* () {
      const edit = yield* group
      assert.deepStrictEqual(yield* edit(many(64)), { ...many(64), "parley.via": "somewhere" })
      assert.deepStrictEqual(
        (yield* Effect.flip(edit({ more: 1 }))).reason,
        invalid("data", "must keep at most 64 attributes")
      )
      assert.notProperty(yield* edit({ more: 1, key0: null }), "key0")
    }).pipe(Effect.provide(engineLayer))
  )

  it.live("are changed in parts, of which two at the same time both last", () =>
    Effect.gen(function* () {
      const edit = yield* group
      yield* edit({ colors: { a: 1, b: { c: 2 } }, text: "text" })
      const part = (value: unknown, ...path: AttributePart["path"]) => edit({}, [{ path, value }])
      yield* Effect.all([part("x", "colors", "a"), part("y", "colors", "b", "d"), part("z", "text", "inner")], {
        concurrency: "unbounded"
      })
      const changed = { colors: { a: "x", b: { c: 2, d: "y" } }, text: { inner: "z" }, "parley.via": "somewhere" }
      assert.deepStrictEqual(yield* edit({}, [{ path: ["new", "key"], value: null }]), {
        ...changed,
        new: { key: null }
      })
      // Attributes first, then their parts; what is named `__proto__` is a key like others.
      assert.deepStrictEqual(yield* edit({ new: { a: 1 } }, [{ path: ["new", "__proto__"], value: 2 }]), {
        ...changed,
        new: JSON.parse('{"a":1,"__proto__":2}') as unknown
      })
      assert.deepStrictEqual(
        (yield* Effect.flip(part("x".repeat(4096), "colors", "a"))).reason,
        invalid("data.colors", "must have at most 4096 bytes")
      )
      assert.deepStrictEqual(
        (yield* Effect.flip(part(1, "parley.via", "a"))).reason,
        invalid("data.parley.via", "must not be changed as an attribute")
      )
    }).pipe(Effect.provide(engineLayer))
  )

  it.live("of the engine are neither changed nor given at the creation", () =>
    Effect.gen(function* () {
      const edit = yield* group
      const [bob] = yield* people("bob")
      const { perform } = yield* Engine
      const made = { gid: "h", name: "", type: "group", members: [], subject: 0, public: false } as const
      if (bob === undefined) return assert.fail("nobody")
      for (const key of [
        "parley.via",
        "parley.organisation",
        "parley.slowMode",
        "parley.silenced.2",
        "parley.blocked.2"
      ]) {
        assert.deepStrictEqual(
          (yield* Effect.flip(edit({ [key]: 1 }))).reason,
          invalid(`data.${key}`, "must not be changed as an attribute")
        )
        const created = perform(bob, { _tag: "CreateChat", ...made, attributes: { [key]: 1 } })
        assert.deepStrictEqual(
          (yield* Effect.flip(created)).reason,
          invalid(`attributes.${key}`, "must not be given as an attribute")
        )
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.live("have at most 4096 bytes: texts as they are, other values as JSON", () =>
    Effect.gen(function* () {
      const edit = yield* group
      yield* edit({ text: "é".repeat(2048), list: ["x".repeat(4092)] })
      const problem = "must have at most 4096 bytes"
      assert.deepStrictEqual(
        (yield* Effect.flip(edit({ text: "é".repeat(2049) }))).reason,
        invalid("data.text", problem)
      )
      assert.deepStrictEqual(
        (yield* Effect.flip(edit({ list: ["x".repeat(4093)] }))).reason,
        invalid("data.list", problem)
      )
    }).pipe(Effect.provide(engineLayer))
  )
})
