/** The four signatures compared with an independent computation with known keys, nonces and times. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as SecureRandom from "effect/crypto/SecureRandom"
import { TestClock } from "effect/testing"
import { createHmac } from "node:crypto"
import { engineLayer, fixture } from "./harness.ts"

const hmac = (text: string): string => createHmac("sha1", "demo-master-key").update(text).digest("hex")

/** Byte n selects the nth character: A-Z, a-z, 0-9. Bytes from 248 would bias the result and are skipped. */
const BYTES = [255, 28, 248, 3, 23, 44, 18, 28, 31, 2, 61, 61, 61, 61, 61, 61]
const nonce = "cDXsScfC"
const known = SecureRandom.make((size) =>
  Uint8Array.from({ length: size }, (_, index) => BYTES[index % BYTES.length] ?? 0)
)

describe("signatures", () => {
  it.effect("are HMAC-SHA1 over the parts in the documented order, in the documented fields", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1450166986392)
      const call = yield* fixture().pipe(Effect.provideService(SecureRandom.SecureRandom, known))
      const time = "1450166986.392000"
      const signed = { timestamp: time, nonce }
      const cases: ReadonlyArray<readonly [string, object]> = [
        [
          "/signature/login/2/3",
          { timestamp: time, signature: hmac(`2:3::${time}:${nonce}`), nonce, app_id: "2", client_id: "3" }
        ],
        [
          "/signature/conversion/1/2/3:4:5:6",
          {
            timestamp: time,
            signature: hmac(`1:2:3:4:5:6:${time}:${nonce}`),
            nonce,
            sorted_member_ids: "3:4:5:6",
            app_id: "1",
            client_id: "2"
          }
        ],
        ...(["invite", "kick"] as const).map(
          (action) =>
            [
              `/signature/${action}/1/2/3/4:5:6`,
              {
                action,
                signature: hmac(`1:2:3:4:5:6:${time}:${nonce}:${action}`),
                conversion_id: "3",
                app_id: "1",
                nonce,
                sorted_member_ids: "4:5:6",
                client_id: "2",
                timestamp: time
              }
            ] as const
        )
      ]
      for (const [path, body] of cases) {
        const reply = yield* call("GET", path)
        assert.strictEqual(reply.status, 200)
        assert.strictEqual(reply.text, JSON.stringify(body))
        assert.strictEqual(reply.headers.get("cache-control"), "no-store")
        assert.deepInclude(reply.json, signed)
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("have integers of seconds or milliseconds, signed as such, if so configured", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1450166986392)
      for (const [format, time] of [
        ["seconds", 1450166986],
        ["milliseconds", 1450166986392]
      ] as const) {
        const call = yield* fixture({ "hisihi.timestamp": format }).pipe(
          Effect.provideService(SecureRandom.SecureRandom, known)
        )
        for (const [path, text] of [
          ["login/2/3", `2:3::${time}:${nonce}`],
          ["conversion/1/2/3:4", `1:2:3:4:${time}:${nonce}`],
          ["invite/1/2/3/4", `1:2:3:4:${time}:${nonce}:invite`],
          ["kick/1/2/3/4", `1:2:3:4:${time}:${nonce}:kick`]
        ] as const) {
          const { json } = yield* call("GET", `/signature/${path}`)
          assert.deepInclude(json, { timestamp: time, signature: hmac(text) })
        }
      }
    }).pipe(Effect.provide(engineLayer))
  )

  // printf '1:2:3:4:5:6:1450167393.275000:cDXsScfC:invite' | openssl dgst -sha1 -hmac demo-master-key
  it.effect("match OpenSSL", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1450167393275)
      const call = yield* fixture().pipe(Effect.provideService(SecureRandom.SecureRandom, known))
      const { json } = yield* call("GET", "/signature/invite/1/2/3/4:5:6")
      assert.strictEqual(json["signature"], "662c7699d97d090cadbd7586aa58937c80ec9e49")
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("sign member ids in ascending string order, regardless of the given order", () =>
    Effect.gen(function* () {
      const call = yield* fixture()
      for (const path of ["conversion/1/2", "invite/1/2/3", "kick/1/2/3"]) {
        const { json } = yield* call("GET", `/signature/${path}/b:10:a:9:B`)
        assert.strictEqual(json["sorted_member_ids"], "10:9:B:a:b")
        const conversion = json["conversion_id"] === undefined ? [] : ["3"]
        const action = json["action"] === undefined ? [] : [json["action"]]
        const parts = ["1", "2", ...conversion, "10:9:B:a:b", json["timestamp"], json["nonce"], ...action]
        assert.strictEqual(json["signature"], hmac(parts.join(":")))
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("have no member ids for joining, with or without a trailing slash", () =>
    Effect.gen(function* () {
      const call = yield* fixture()
      for (const path of ["/signature/invite/1/2/3/", "/signature/invite/1/2/3"]) {
        const { status, json } = yield* call("GET", path)
        assert.strictEqual(status, 200)
        assert.strictEqual(json["sorted_member_ids"], "")
        assert.strictEqual(
          json["signature"],
          hmac(`1:2:3::${String(json["timestamp"])}:${String(json["nonce"])}:invite`)
        )
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("have nonces of eight letters and digits that do not repeat", () =>
    Effect.gen(function* () {
      const call = yield* fixture()
      const nonces = new Set<string>()
      for (let round = 0; round < 100; round++) {
        const { json } = yield* call("GET", "/signature/login/1/alice")
        assert.match(String(json["nonce"]), /^[A-Za-z0-9]{8}$/)
        assert.match(String(json["timestamp"]), /^[0-9]+\.[0-9]{6}$/)
        nonces.add(String(json["nonce"]))
      }
      assert.strictEqual(nonces.size, 100)
    }).pipe(Effect.provide(engineLayer))
  )

  const bad: ReadonlyArray<readonly [string, number, string]> = [
    ["/signature/login/9/3", 404, "There is no such app."],
    ["/signature/login/a%20b/3", 404, "There is no such app."],
    ["/signature/login/1/a%20b", 400, "client_id must not contain"],
    ["/signature/login/1/a%3Ab", 400, "client_id must not contain"],
    [`/signature/login/1/${"x".repeat(65)}`, 400, "client_id must have at most 64 characters"],
    ["/signature/conversion/1/2", 400, "sorted_member_ids must not be empty"],
    ["/signature/conversion/1/2/", 400, "sorted_member_ids must not be empty"],
    ["/signature/conversion/1/2/3::4", 400, "sorted_member_ids must be client ids joined by ':'"],
    [`/signature/conversion/1/2/${"a:".repeat(1000)}b`, 400, "sorted_member_ids must name at most 1000 users"],
    ["/signature/conversion/9/2/3", 404, "There is no such app."],
    ["/signature/invite/1/2/a%3Ab/4", 400, "conversion_id must not contain"],
    [`/signature/invite/1/2/${"x".repeat(256)}/4`, 400, "conversion_id must have at most 255 characters"],
    ["/signature/invite/1/2/3/4%205", 400, "sorted_member_ids must be client ids joined by ':'"],
    ["/signature/invite/9/2/3/4", 404, "There is no such app."],
    ["/signature/kick/1/2/3", 400, "sorted_member_ids must not be empty"],
    ["/signature/kick/1/2/3/", 400, "sorted_member_ids must not be empty"],
    ["/signature/kick/9/2/3/4", 404, "There is no such app."]
  ]
  it.effect.each(bad)("%s is refused with %s", ([path, status, message]) =>
    Effect.gen(function* () {
      const call = yield* fixture()
      const reply = yield* call("GET", path)
      assert.strictEqual(reply.status, status)
      assert.strictEqual(reply.json["error"], status === 404 ? "not_found" : "invalid_parameter")
      assert.include(String(reply.json["message"]), message)
    }).pipe(Effect.provide(engineLayer))
  )
})
