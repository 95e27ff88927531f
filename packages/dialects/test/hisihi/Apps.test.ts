import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { operate } from "../ha/harness.ts"
import { clientOf, engineLayer, opened } from "./harness.ts"

describe("operator commands for apps", () => {
  it.effect("add an app, list it without its key, and remove it", () =>
    Effect.gen(function* () {
      const dialect = yield* opened()
      const call = yield* clientOf(dialect)
      const run = (words: string, inputs: Record<string, string> = {}) =>
        Effect.suspend(() => {
          const command = dialect.commands.find((one) => one.path.join(" ") === words)
          return command === undefined
            ? Effect.die(`no ${words}`)
            : Effect.map(command.run(inputs), (output) => (typeof output === "string" ? output : ""))
        })
      const signs = Effect.map(call("GET", "/signature/login/school.app-1/alice"), ({ status }) => status)

      assert.strictEqual(yield* operate(dialect.commands, "app list"), "1\n2")
      assert.strictEqual(yield* signs, 404)
      assert.strictEqual(yield* run("app add", { id: "school.app-1", key: "k" }), "added app school.app-1")
      assert.strictEqual(yield* signs, 200)
      assert.strictEqual(yield* operate(dialect.commands, "app list"), "1\n2\nschool.app-1")
      assert.strictEqual(
        yield* Effect.flip(run("app add", { id: "school.app-1", key: "other" })),
        "app school.app-1 exists already"
      )
      assert.match(yield* run("app add", { id: "3" }), /^added app 3 with master key [0-9a-f]{48}$/)
      assert.strictEqual(yield* run("app remove", { id: "school.app-1" }), "removed app school.app-1")
      assert.strictEqual(yield* signs, 404)
      assert.strictEqual(yield* Effect.flip(run("app remove", { id: "x" })), "there is no app x")

      for (const id of ["", "a b", "a:b", "a/b", "x".repeat(65)]) {
        assert.include(yield* Effect.flip(run("app add", { id, key: "k" })), "id must be")
      }
      for (const key of ["", "a b", "x".repeat(257)]) {
        assert.include(yield* Effect.flip(run("app add", { id: "4", key })), "key must be")
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("the demonstration can be added twice", () =>
    Effect.gen(function* () {
      const dialect = yield* opened()
      yield* dialect.demo
      assert.strictEqual(yield* operate(dialect.commands, "app list"), "1\n2")
    }).pipe(Effect.provide(engineLayer))
  )
})
