/** Failures of requests and of the server are returned in the envelope. Source: seeds/003; PROTOCOLS, "ha". */
import { assert, describe, it } from "@effect/vitest"
import { StorageFailed } from "@parley/core/Store"
import { Effect } from "effect"
import { type Reply, engineLayer, engineOver } from "./harness.ts"
import { failure, headers, fixture, TIME } from "./client.ts"

describe("bad input", () => {
  it.effect("returns the field's name in the envelope, and stores nothing", () =>
    Effect.gen(function* () {
      const { call, alice, bob, carol, group, conversationid: id, sendText, engine } = yield* fixture
      const { messagekey } = yield* sendText(alice, "kept")
      const conversation = { passiveuser: bob.id, time: TIME }
      const message = { conversationid: id, type: -1, content: "x", time: TIME }
      const deletion = { messagekey, type: 1 }
      const groupId = -100_000_000 - group.chat.id
      const NO_SUCH = "conversationid: there is no such conversation."
      const NINE = "conversationid must be negative, with nine digits."
      const DIGITS = "time must be milliseconds since 1970, in digits."
      type Row = readonly [path: string, body: object, status: number, error: string]
      const without = (body: object, name: string): object =>
        Object.fromEntries(Object.entries(body).filter(([key]) => key !== name))
      const posts: ReadonlyArray<Row> = [
        ["/conversation", without(conversation, "passiveuser"), 400, "passiveuser is missing."],
        ["/conversation", { ...conversation, passiveuser: "2" }, 400, "passiveuser must be an integer."],
        ["/conversation", { ...conversation, passiveuser: null }, 400, "passiveuser must be an integer."],
        ["/conversation", { ...conversation, passiveuser: 1.5 }, 400, "passiveuser must be an integer."],
        ["/conversation", { ...conversation, passiveuser: 1e300 }, 400, "passiveuser must be an integer."],
        ["/conversation", { ...conversation, passiveuser: 0 }, 404, "passiveuser: there is no such user."],
        ["/conversation", { ...conversation, passiveuser: -3 }, 404, "passiveuser: there is no such user."],
        ["/conversation", { ...conversation, passiveuser: 999 }, 404, "passiveuser: there is no such user."],
        ["/conversation", { ...conversation, passiveuser: alice.id }, 400, "passiveuser must be another user."],
        ["/conversation", without(conversation, "time"), 400, "time is missing."],
        ["/conversation", { ...conversation, time: 1700000000123 }, 400, "time must be a string."],
        ["/conversation", { ...conversation, time: "now" }, 400, DIGITS],
        ["/conversation", { ...conversation, time: "" }, 400, DIGITS],
        ["/message", without(message, "conversationid"), 400, "conversationid is missing."],
        ["/message", { ...message, conversationid: String(id) }, 400, "conversationid must be an integer."],
        ["/message", { ...message, conversationid: -id }, 400, NINE],
        ["/message", { ...message, conversationid: -5 }, 400, NINE],
        ["/message", { ...message, conversationid: -999_999_999 }, 404, NO_SUCH],
        ["/message", { ...message, conversationid: groupId }, 404, NO_SUCH],
        ["/message", without(message, "type"), 400, "type is missing."],
        ["/message", { ...message, type: "-1" }, 400, "type must be an integer."],
        ["/message", { ...message, type: 0 }, 400, "type must be an integer from -6 to -1."],
        ["/message", { ...message, type: -7 }, 400, "type must be an integer from -6 to -1."],
        ["/message", without(message, "content"), 400, "content is missing."],
        ["/message", { ...message, content: 5 }, 400, "content must be a string."],
        ["/message", { ...message, content: { url: "x" } }, 400, "content must be a string."],
        ["/message", { ...message, content: "" }, 400, "content must not be empty."],
        ["/message", { ...message, content: "\ud800" }, 400, "content must be well-formed Unicode."],
        ["/message", { ...message, content: "x".repeat(65_537) }, 400, "content must have at most 65536 bytes."],
        ["/message", without(message, "time"), 400, "time is missing."],
        ["/message", { ...message, time: "-1" }, 400, DIGITS],
        ["/message", { ...message, time: "9999999999999999" }, 400, DIGITS]
      ]
      const deletions: ReadonlyArray<Row> = [
        ["/message", without(deletion, "messagekey"), 400, "messagekey is missing."],
        ["/message", { ...deletion, messagekey: 5 }, 400, "messagekey must be a string."],
        ["/message", { ...deletion, messagekey: "unknown" }, 404, "messagekey: there is no such message."],
        ["/message", { ...deletion, messagekey: "" }, 404, "messagekey: there is no such message."],
        ["/message", without(deletion, "type"), 400, "type is missing."],
        ["/message", { ...deletion, type: "1" }, 400, "type must be an integer."],
        ["/message", { ...deletion, type: 3 }, 400, "type must be 1 or 2."]
      ]
      const gets: ReadonlyArray<readonly [query: string, status: number, error: string]> = [
        ["", 400, "conversationid is missing."],
        ["?conversationid=", 400, "conversationid must be an integer."],
        ["?conversationid=x", 400, "conversationid must be an integer."],
        ["?conversationid=-5", 400, NINE],
        [`?conversationid=${groupId}`, 404, NO_SUCH],
        ["?conversationid=-999999999", 404, NO_SUCH],
        [`?conversationid=${id}&start=-1`, 400, "start must be an integer from 0."],
        [`?conversationid=${id}&start=x`, 400, "start must be an integer."],
        [`?conversationid=${id}&start=1.5`, 400, "start must be an integer."],
        [`?conversationid=${id}&limit=0`, 400, "limit must be an integer from 1 to 100."],
        [`?conversationid=${id}&limit=101`, 400, "limit must be an integer from 1 to 100."],
        [`?conversationid=${id}&limit=`, 400, "limit must be an integer."],
        [`?conversationid=${id}&limit=99999999999999999999`, 400, "limit must be an integer."]
      ]
      const before = yield* engine.perform(alice.caller, { _tag: "ListChats" })
      const check = (what: unknown, reply: Reply, status: number, error: string) =>
        assert.deepStrictEqual([reply.status, reply.json], [status, failure(error)], JSON.stringify(what))
      for (const row of posts) {
        const [path, body, status, error] = row
        check(row, yield* call("POST", path, { headers: headers(alice), json: body }), status, error)
      }
      for (const row of deletions) {
        const [path, body, status, error] = row
        check(row, yield* call("DELETE", path, { headers: headers(alice), json: body }), status, error)
      }
      for (const row of gets) {
        const [query, status, error] = row
        check(row, yield* call("GET", `/message${query}`, { headers: headers(alice) }), status, error)
      }
      // Other users' conversations are reported as missing.
      for (const [method, path, json] of [
        ["POST", "/message", message],
        ["GET", `/message?conversationid=${id}`, undefined]
      ] as const) {
        const reply = yield* call(method, path, { headers: headers(carol), ...(json && { json }) })
        check([method, path], reply, 404, NO_SUCH)
      }
      assert.deepStrictEqual(yield* engine.perform(alice.caller, { _tag: "ListChats" }), before)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("refuses bodies that are not JSON objects or too large, and other methods", () =>
    Effect.gen(function* () {
      const { call, alice } = yield* fixture
      for (const [method, path] of [
        ["POST", "/conversation"],
        ["POST", "/message"],
        ["DELETE", "/message"]
      ] as const) {
        const sent = (body: string, more: Record<string, string> = {}) =>
          call(method, path, { headers: { ...headers(alice), ...more }, body })
        assert.deepStrictEqual((yield* sent("{")).json, failure("The body is not JSON."))
        for (const body of ["[]", "null", "5", '"x"', "[{}]"]) {
          const reply = yield* sent(body)
          assert.deepStrictEqual([reply.status, reply.json], [400, failure("The body must be a JSON object.")])
        }
        const form = yield* sent("a=1", { "content-type": "application/x-www-form-urlencoded" })
        assert.deepStrictEqual(
          [form.status, form.json],
          [400, failure("The body must be JSON, and Content-Type application/json.")]
        )
        const large = yield* sent(`{"x":"${"x".repeat(1_100_000)}"}`)
        assert.deepStrictEqual([large.status, large.json], [413, failure("The body is too large.")])
        assert.strictEqual((yield* sent("")).status, 400)
      }
      for (const [method, path, allow] of [
        ["GET", "/conversation", "POST"],
        ["DELETE", "/conversation", "POST"],
        ["PUT", "/message", "GET, POST, DELETE"],
        ["PATCH", "/message", "GET, POST, DELETE"]
      ] as const) {
        const reply = yield* call(method, path)
        assert.deepStrictEqual(
          [reply.status, reply.allow, reply.json],
          [405, allow, failure(`This path takes ${allow}.`)]
        )
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("ignores unknown fields", () =>
    Effect.gen(function* () {
      const { alice, sendText } = yield* fixture
      assert.strictEqual((yield* sendText(alice, "x", { sender: 99, extra: { a: [] } })).issent, 1)
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("failures of the server", () => {
  const failing = new StorageFailed({ operation: "test", cause: "the disk is gone" })
  let isFailing = false
  const failingEngine = engineOver((store) => ({
    commit: (unit) => (isFailing ? Effect.fail(failing) : store.commit(unit)),
    history: (chat, page) => (isFailing ? Effect.fail(failing) : store.history(chat, page)),
    messagesByGid: (gids) => (isFailing ? Effect.die(new Error("a mistake")) : store.messagesByGid(gids))
  }))

  it.effect("are returned in the envelope", () =>
    Effect.gen(function* () {
      const { alice, send, sendText, list, erase } = yield* fixture
      yield* sendText(alice, "before")
      isFailing = true
      const unavailable = [503, failure("The storage does not respond; retry.")]
      const sent = yield* send(alice, "x")
      assert.deepStrictEqual([sent.status, sent.json], unavailable)
      const listed = yield* list(alice)
      assert.deepStrictEqual([listed.status, listed.json], unavailable)
      const erased = yield* erase(alice, "x", 1)
      assert.deepStrictEqual([erased.status, erased.json], [500, failure("Internal server error.")])
    }).pipe(Effect.ensuring(Effect.sync(() => (isFailing = false))), Effect.provide(failingEngine))
  )
})
