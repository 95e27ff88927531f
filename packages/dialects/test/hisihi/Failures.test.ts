/** Failures and unknown paths are returned in the protocol's own shape. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { StorageFailed } from "@parley/core/Store"
import { clientOf, engineLayer, engineOver, GROUP, openedEmpty, fixture } from "./harness.ts"

const down = Effect.fail(new StorageFailed({ operation: "test", cause: "the disk is gone" }))
const defect = Effect.die(new Error("a secret of ours"))

const ALL_OPERATIONS: ReadonlyArray<readonly [string, string, Record<string, string>]> = [
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
  it.effect.each(ALL_OPERATIONS)("%s %s returns 503 while the storage fails", ([method, path, given]) =>
    Effect.gen(function* () {
      const call = yield* clientOf(yield* openedEmpty())
      const reply = yield* call(method, path + query(given))
      assert.deepStrictEqual(
        [reply.status, reply.text],
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

  it.effect.each(ALL_OPERATIONS)("%s %s returns 500 for a defect, without details", ([method, path, given]) =>
    Effect.gen(function* () {
      const call = yield* clientOf(yield* openedEmpty())
      const reply = yield* call(method, path + query(given))
      assert.deepStrictEqual(
        [reply.status, reply.text],
        [500, '{"error":"internal_error","message":"Internal server error."}']
      )
    }).pipe(
      Effect.provide(
        engineOver(() => ({
          record: () => defect,
          records: () => defect,
          chats: () => defect,
          usersByAccount: () => defect
        }))
      )
    )
  )

  it.effect.each(ALL_OPERATIONS)("%s %s returns the allowed methods for another one", ([method, path]) =>
    Effect.gen(function* () {
      const call = yield* fixture()
      const allowed = ALL_OPERATIONS.filter(([, other]) => other === path).map(([name]) => name)
      for (const wrong of ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"].filter(
        (name) => !allowed.includes(name)
      )) {
        const reply = yield* call(wrong, path)
        assert.strictEqual(reply.status, 405, `${wrong} ${path}`)
        assert.strictEqual(reply.json["error"], "method_not_allowed")
        assert.include(reply.headers.get("allow") ?? "", method)
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("a body that is too large returns 413, in every format", () =>
    Effect.gen(function* () {
      const call = yield* fixture()
      const group_name = "x".repeat(1024 * 1024 + 1)
      const part = `--b\r\ncontent-disposition: form-data; name="group_name"\r\n\r\n${group_name}\r\n--b--\r\n`
      const parts = { body: part, headers: { "content-type": "multipart/form-data; boundary=b" } }
      for (const given of [{ form: { group_name } }, { json: { group_name } }, parts]) {
        const reply = yield* call("PUT", "/im/group/1", given)
        assert.deepStrictEqual(
          [reply.status, reply.text],
          [413, '{"error":"too_large","message":"The body is too large."}']
        )
      }
    }).pipe(Effect.provide(engineLayer))
  )
})
