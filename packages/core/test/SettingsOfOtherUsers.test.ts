/** Permission to read and save the settings of others, and its audit log. */
import { assert, it } from "@effect/vitest"
import { Engine } from "@parley/core/Engine"
import { Users } from "@parley/core/Users"
import { Effect, Logger, References } from "effect"
import { engineLayer } from "./harness.ts"

it.effect("settings of other users require a system administrator, and are audited", () => {
  const acts: Array<unknown> = []
  const logger = Logger.make(({ fiber }) => {
    const details = fiber.getRef(References.CurrentLogAnnotations)
    if ("audit" in details) acts.push({ ...details })
  })
  return Effect.gen(function* () {
    const [root, ann] = yield* (yield* Users).add([{ account: "root", admin: true }, { account: "ann" }])
    assert(root !== undefined && ann !== undefined)
    const { perform } = yield* Engine
    const as = (user: typeof root) => ({ user: user.id, device: null })

    yield* perform(as(ann), { _tag: "SaveUserSettings", settings: "{}" })
    yield* perform(as(ann), { _tag: "ReadUserSettings", account: "ann" })
    const refused = yield* Effect.flip(perform(as(ann), { _tag: "ReadUserSettings", account: "root" }))
    assert.deepStrictEqual(refused.reason, { _tag: "Forbidden", requires: "oneself" })
    assert.deepStrictEqual(acts, [])

    yield* perform(as(root), { _tag: "SaveUserSettings", account: "ann", settings: "[1]" })
    assert.strictEqual(yield* perform(as(root), { _tag: "ReadUserSettings", account: "ann" }), "[1]")
    assert.deepStrictEqual(acts, [
      { audit: "settings.save", actor: "root", user: "ann" },
      { audit: "settings.read", actor: "root", user: "ann" }
    ])
  }).pipe(Effect.provide(engineLayer), Effect.provide(Logger.layer([logger])))
})
