/** Failures and unknown paths are returned in the protocol's own shape. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { StorageFailed } from "@parley/core/Store"
import { asking, engineLayer, engineOver, GROUP, openedEmpty, stage } from "./harness.ts"

const down = Effect.fail(new StorageFailed({ operation: "test", cause: "the disk is gone" }))
const broken = Effect.die(new Error("a secret of ours"))

const EVERY: ReadonlyArray<readonly [string, string, Record<string, string>]> = [
  ["GET", "/signature/login/1/alice", {}],
  ["GET", "/signature/conversion/1/alice/bob", {}],
  ["GET", "/signature/invite/1/alice/c/bob", {}],
  ["GET", "/signature/kick/1/alice/c/bob", {}],
  ["POST", "/im/group", GROUP],
  ["PUT", "/im/group/1", { group_name: "x" }],
  ["DELETE", "/im/group/1", {}],
  ["POST", "/im/group/1/member", { member_client_ids: "a" }],
  ["DELETE", "/im/group/1/member", { member_client_ids: "a" }],
  ["GET", "/im/org/2/groups", {}],
  ["GET", "/im/org/2/contacts", {}],
  ["POST", "/im/org/2/message", {}]
]

const query = (given: Record<string, string>) => `?${new URLSearchParams(given).toString()}`

describe("failures", () => {
  it.effect.each(EVERY)("%s %s returns 503 while the storage fails", ([method, path, given]) =>
    Effect.gen(function* () {
      const ask = yield* asking(yield* openedEmpty())
      const answer = yield* ask(method, path + query(given))
      assert.deepStrictEqual(
        [answer.status, answer.text],
        [503, '{"error":"unavailable","message":"The storage does not respond; retry."}']
      )
    }).pipe(
      Effect.provide(
        engineOver(() => ({
          record: () => down,
          records: () => down,
          chats: () => down,
          usersByAccount: () => down,
          commit: () => down
        }))
      )
    )
  )

  it.effect.each(EVERY)("%s %s returns 500 for a defect, without details", ([method, path, given]) =>
    Effect.gen(function* () {
      const ask = yield* asking(yield* openedEmpty())
      const answer = yield* ask(method, path + query(given))
      assert.deepStrictEqual(
        [answer.status, answer.text],
        [500, '{"error":"internal_error","message":"Internal server error."}']
      )
    }).pipe(
      Effect.provide(
        engineOver(() => ({
          record: () => broken,
          records: () => broken,
          chats: () => broken,
          usersByAccount: () => broken
        }))
      )
    )
  )

  it.effect.each(EVERY)("%s %s returns the allowed methods for another one", ([method, path]) =>
    Effect.gen(function* () {
      const ask = yield* stage()
      const allowed = EVERY.filter(([, other]) => other === path).map(([name]) => name)
      for (const wrong of ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"].filter(
        (name) => !allowed.includes(name)
      )) {
        const answer = yield* ask(wrong, path)
        assert.strictEqual(answer.status, 405, `${wrong} ${path}`)
        assert.strictEqual(answer.json["error"], "method_not_allowed")
        assert.include(answer.headers.get("allow") ?? "", method)
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("a body that is too large returns 413, in every format", () =>
    Effect.gen(function* () {
      const ask = yield* stage()
      const group_name = "x".repeat(1024 * 1024 + 1)
      const part = `--b\r\ncontent-disposition: form-data; name="group_name"\r\n\r\n${group_name}\r\n--b--\r\n`
      const parts = { body: part, headers: { "content-type": "multipart/form-data; boundary=b" } }
      for (const given of [{ form: { group_name } }, { json: { group_name } }, parts]) {
        const answer = yield* ask("PUT", "/im/group/1", given)
        assert.deepStrictEqual(
          [answer.status, answer.text],
          [413, '{"error":"too_large","message":"The body is too large."}']
        )
      }
    }).pipe(Effect.provide(engineLayer))
  )
})
