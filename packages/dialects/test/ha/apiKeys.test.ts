/** Authentication: apps by a key, users by a session. Source: seeds/003; PROTOCOLS, "ha". */
import { assert, describe, it } from "@effect/vitest"
import { Store } from "@parley/core/Store"
import { Effect } from "effect"
import { engineLayer, operate } from "./harness.ts"
import { failure, KEY, fixture } from "./client.ts"

describe("authentication", () => {
  it.effect("accepts either spelling of the headers, in any combination", () =>
    Effect.gen(function* () {
      const { call, alice, conversationid } = yield* fixture
      for (const key of ["X-HA-Key", "X-APP-Key", "x-app-key"]) {
        for (const session of ["X-HA-Session", "X-APP-Session", "x-ha-session"]) {
          const given = { [key]: KEY, [session]: alice.token }
          const path = `/message?conversationid=${conversationid}`
          assert.strictEqual((yield* call("GET", path, { headers: given })).status, 200)
        }
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("refuses requests without a known key or a live session, on every path", () =>
    Effect.gen(function* () {
      const { call, alice } = yield* fixture
      const NO_KEY = "X-HA-Key is missing or unknown."
      const NO_SESSION = "X-HA-Session is missing or has ended."
      const tables: ReadonlyArray<readonly [Record<string, string>, string]> = [
        [{}, NO_KEY],
        [{ "X-HA-Session": alice.token }, NO_KEY],
        [{ "X-HA-Key": "other", "X-HA-Session": alice.token }, NO_KEY],
        [{ "X-HA-Key": "", "X-HA-Session": alice.token }, NO_KEY],
        [{ "X-HA-Key": KEY }, NO_SESSION],
        [{ "X-HA-Key": KEY, "X-HA-Session": "" }, NO_SESSION],
        [{ "X-HA-Key": KEY, "X-HA-Session": "nonsense" }, NO_SESSION],
        [{ "X-HA-Key": KEY, "X-HA-Session": "x".repeat(5000) }, NO_SESSION]
      ]
      for (const [given, error] of tables) {
        for (const [method, path] of [
          ["POST", "/conversation"],
          ["POST", "/message"],
          ["GET", "/message"],
          ["DELETE", "/message"]
        ] as const) {
          const reply = yield* call(method, path, { headers: given, ...(method !== "GET" && { body: "{" }) })
          assert.deepStrictEqual([reply.status, reply.json], [401, failure(error)])
        }
      }
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("operator commands", () => {
  it.effect("do not add a key that was added after the keys were read", () =>
    Effect.gen(function* () {
      const { commands } = yield* fixture
      const store = yield* Store
      yield* operate(commands, "ha-key list")
      const record = { dialect: "ha", kind: "key", key: "mine", value: { note: "theirs" } }
      yield* store.commit({ expectedVersions: [], writes: [{ _tag: "PutRecord", record }] })
      assert.strictEqual(yield* operate(commands, "ha-key add", { key: "mine" }), "no: key mine exists already")
      assert.deepStrictEqual(yield* store.record("ha", "key", "mine"), record)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("add and remove keys with immediate effect", () =>
    Effect.gen(function* () {
      const { call, alice, conversationid, commands } = yield* fixture
      const with_ = (key: string) =>
        Effect.map(
          call("GET", `/message?conversationid=${conversationid}`, {
            headers: { "X-HA-Key": key, "X-HA-Session": alice.token }
          }),
          ({ status }) => status
        )
      assert.strictEqual(yield* with_("mine"), 401)
      assert.strictEqual(yield* operate(commands, "ha-key add", { key: "mine" }), "added key mine")
      assert.strictEqual(yield* with_("mine"), 200)
      assert.strictEqual(yield* operate(commands, "ha-key add", { key: "mine" }), "no: key mine exists already")
      assert.match(yield* operate(commands, "ha-key add", { key: "a b" }), /^no: the key must be/)
      assert.strictEqual(yield* operate(commands, "ha-key list"), "ha-demo\nmine")
      assert.strictEqual(yield* operate(commands, "ha-key remove", { key: "mine" }), "removed key mine")
      assert.strictEqual(yield* with_("mine"), 401)
      assert.strictEqual(yield* operate(commands, "ha-key remove", { key: "mine" }), "no: there is no key mine")
      const store = yield* Store
      assert.deepStrictEqual(
        (yield* store.records("ha", "key")).map(({ key }) => key),
        ["ha-demo"]
      )
    }).pipe(Effect.provide(engineLayer))
  )
})
