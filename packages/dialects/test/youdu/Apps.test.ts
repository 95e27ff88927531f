/** Envelopes, tokens and operator commands of apps. Source: seeds/004; PROTOCOLS, "youdu". */
import { assert, describe, it } from "@effect/vitest"
import { Store } from "@parley/core/Store"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import { type Reply, clientOf, engineLayer, operate } from "../ha/harness.ts"
import { DEMO, open, seal } from "./Envelope.ts"
import { envelope, failure, jsonOf, opened, type SessionJson, fixture } from "./harness.ts"

describe("the envelope", () => {
  it.effect("gettoken returns a sealed token for the sealed time", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_700_000_000_000)
      const { getToken } = yield* fixture
      const { buin, appId } = DEMO
      const reply = yield* getToken({ buin, appId, encrypt: seal("1700000000"), extra: null })
      const { encrypt, ...rest } = jsonOf<{ readonly encrypt: string }>(reply)
      assert.deepStrictEqual([reply.status, rest], [200, { errcode: 0, errmsg: "ok" }])
      assert.deepStrictEqual(Object.keys(reply.json as object), ["errcode", "errmsg", "encrypt"])
      assert.strictEqual(reply.cacheControl, "no-store")
      const content = open(encrypt)
      assert.strictEqual(content.appId, appId)
      const inner = JSON.parse(content.text) as { readonly accessToken: string; readonly expireIn: number }
      assert.deepStrictEqual(Object.keys(inner), ["accessToken", "expireIn"])
      assert.strictEqual(inner.expireIn, 7200)
      assert.isAtLeast(inner.accessToken.length, 43)
      for (const time of ["1699999700", "1700000300"]) {
        assert.deepInclude(jsonOf<object>(yield* getToken({ buin, appId, encrypt: seal(time) })), { errcode: 0 })
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("gettoken accepts a sealed text once, even after a restart and with a changed first block", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_700_000_000_000)
      const { getToken } = yield* fixture
      const { buin, appId } = DEMO
      const used = { errcode: 401 }
      const sealed = seal("1700000010")
      assert.deepInclude(jsonOf<object>(yield* getToken({ buin, appId, encrypt: sealed })), { errcode: 0 })
      assert.deepInclude(jsonOf<object>(yield* getToken({ buin, appId, encrypt: sealed })), used)
      const bytes = Buffer.from(sealed, "base64")
      // Without a MAC, this changes the last digits of the time undetected.
      bytes[13] = (bytes[13] ?? 0) ^ 1
      assert.deepInclude(jsonOf<object>(yield* getToken({ buin, appId, encrypt: bytes.toString("base64") })), used)
      const again = yield* clientOf(yield* opened)
      const restarted = yield* again("POST", "/cgi/gettoken", { json: { buin, appId, encrypt: sealed } })
      assert.deepInclude(jsonOf<object>(restarted), used)
      // Expired proofs are removed.
      const store = yield* Store
      assert.lengthOf(yield* store.records("youdu", "used"), 1)
      yield* TestClock.adjust("11 minutes")
      assert.deepInclude(jsonOf<object>(yield* getToken({ buin, appId, encrypt: seal("1700000660") })), { errcode: 0 })
      assert.lengthOf(yield* store.records("youdu", "used"), 1)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("of concurrent requests with one sealed text, one gets a token", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_700_000_000_000)
      const { getToken } = yield* fixture
      const { buin, appId } = DEMO
      const encrypt = seal("1700000000")
      const replies = yield* Effect.forEach([1, 2, 3, 4], () => getToken({ buin, appId, encrypt }), {
        concurrency: "unbounded"
      })
      const codes = replies.map((reply) => jsonOf<{ readonly errcode: number }>(reply).errcode)
      assert.deepStrictEqual(
        codes.toSorted((a, b) => a - b),
        [0, 401, 401, 401]
      )
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("gettoken returns the same error for every wrong value", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_700_000_000_000)
      const { getToken } = yield* fixture
      const { buin, appId } = DEMO
      const good = seal("1700000000")
      const table: ReadonlyArray<object> = [
        { buin: 1, appId, encrypt: good },
        { buin, appId: "yd-other", encrypt: good },
        { buin, appId, encrypt: "" },
        { buin, appId, encrypt: "nonsense" },
        { buin, appId, encrypt: seal("1700000000", Buffer.alloc(32, 1).toString("base64")) },
        { buin, appId, encrypt: seal("1700000000", DEMO.key, "yd-other") },
        { buin, appId, encrypt: seal("1699999699") },
        { buin, appId, encrypt: seal("1700000301") },
        { buin, appId, encrypt: seal("1700000000000") },
        { buin, appId, encrypt: seal("") },
        { buin, appId, encrypt: seal("now") }
      ]
      for (const body of table) {
        const { status, json } = yield* getToken(body)
        const refused = failure(401, "buin, appId or encrypt is wrong, or encrypt is expired or used.")
        assert.deepStrictEqual([status, json], [200, { ...refused, encrypt: "" }], JSON.stringify(body))
      }
      const fields: ReadonlyArray<readonly [object, string]> = [
        [{ appId, encrypt: good }, "buin is missing."],
        [{ buin: "x", appId, encrypt: good }, "buin must be an integer."],
        [{ buin: 1.5, appId, encrypt: good }, "buin must be an integer."],
        [{ buin, encrypt: good }, "appId is missing."],
        [{ buin, appId: 7, encrypt: good }, "appId must be a string."],
        [{ buin, appId }, "encrypt is missing."],
        [{ buin, appId, encrypt: null }, "encrypt is missing."],
        [{ buin, appId, encrypt: {} }, "encrypt must be a string."]
      ]
      for (const [body, errmsg] of fields) {
        const { status, json } = yield* getToken(body)
        assert.deepStrictEqual([status, json], [200, { ...failure(400, errmsg), encrypt: "" }])
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("works for every operation, including get", () =>
    Effect.gen(function* () {
      const { create, get, update, appToken } = yield* fixture
      const token = yield* appToken
      const inner = (reply: Reply): SessionJson => {
        const { encrypt, ...rest } = jsonOf<{ readonly encrypt: string }>(reply)
        assert.deepStrictEqual(rest, { errcode: 0, errmsg: "ok" }, reply.text)
        return JSON.parse(open(encrypt).text) as SessionJson
      }
      const made = inner(
        yield* create(envelope({ title: "有度", creator: "alice", type: null, member: ["bob", "carol"] }), token)
      )
      const { sessionId } = made
      assert.strictEqual(
        JSON.stringify(made),
        JSON.stringify({
          sessionId,
          title: "有度",
          owner: "alice",
          creator: "alice",
          version: 1,
          type: "multi",
          member: ["alice", "bob", "carol"]
        })
      )
      assert.deepStrictEqual(inner(yield* get(sessionId, token)), made)
      const updated = inner(yield* update(envelope({ sessionId, opUser: "bob", addMember: ["erin"] }), token))
      assert.deepInclude(updated, { version: 2, member: ["alice", "bob", "carol", "erin"] })
      // Both kinds of token can access the session.
      assert.strictEqual(jsonOf<SessionJson>(yield* get(sessionId)).version, 2)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is required for an app's token, and must be the app's own", () =>
    Effect.gen(function* () {
      const { create, get, appToken } = yield* fixture
      const token = yield* appToken
      const plain = { title: "t", creator: "alice", member: ["bob", "carol"] }
      const good = envelope(plain)
      const sealed = "encrypt must be a JSON object, sealed with the app's key."
      const table: ReadonlyArray<readonly [object, number, string]> = [
        [plain, 400, "buin is missing."],
        [{ ...good, appId: undefined }, 400, "appId is missing."],
        [{ ...good, encrypt: undefined }, 400, "encrypt is missing."],
        [{ ...good, buin: 5 }, 401, "accessToken is missing, unknown or expired."],
        [{ ...good, appId: "yd-other" }, 401, "accessToken is missing, unknown or expired."],
        [{ ...good, encrypt: "nonsense" }, 400, sealed],
        [{ ...good, encrypt: seal("not json") }, 400, sealed],
        [{ ...good, encrypt: seal("[]") }, 400, sealed],
        [{ ...good, encrypt: seal("null") }, 400, sealed],
        [{ ...good, encrypt: seal(JSON.stringify(plain), DEMO.key, "yd-other") }, 400, sealed],
        [envelope({ ...plain, title: "" }), 400, "title must have 1 to 64 characters."]
      ]
      for (const [body, errcode, errmsg] of table) {
        const { status, json } = yield* create(body, token)
        assert.deepStrictEqual([status, json], [200, { errcode, errmsg, encrypt: "" }], JSON.stringify(body))
      }
      const unknown = yield* get("nothing", token)
      assert.deepStrictEqual(unknown.json, { ...failure(404, "sessionId: there is no such session."), encrypt: "" })
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("may contain as much JSON as a body", () =>
    Effect.gen(function* () {
      const { create, appToken } = yield* fixture
      const token = yield* appToken
      const plain = { title: "t", creator: "alice", member: ["bob", "carol"] }
      // Keys and values of the object with `pad`, an array of numbers.
      const items = 131_072 - 1 - (4 * 7 + 2 * 4 + (1 + 2 * 4) + 1)
      const padded = (count: number) => envelope({ ...plain, pad: Array.from({ length: count }, () => 0) })
      assert.deepInclude(jsonOf<object>(yield* create(padded(items), token)), { errcode: 0 })
      const over = yield* create(padded(items + 1), token)
      const problem = "has more than 131072 values, where a string counts as 4 and a key as 7"
      assert.deepStrictEqual(
        [over.status, over.json],
        [200, { ...failure(400, `encrypt holds JSON that ${problem}.`), encrypt: "" }]
      )
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("a token expires, and is removed with its app", () =>
    Effect.gen(function* () {
      const { get, team, appToken, commands } = yield* fixture
      const { sessionId } = yield* team
      const token = yield* appToken
      const code = Effect.map(get(sessionId, token), (reply) => jsonOf<SessionJson>(reply).errcode)
      yield* TestClock.adjust("7199 seconds")
      assert.strictEqual(yield* code, 0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* code, 401)
      const next = yield* appToken
      const inputs = { buin: DEMO.buin, "app-id": DEMO.appId }
      assert.strictEqual(jsonOf<SessionJson>(yield* get(sessionId, next)).errcode, 0)
      assert.strictEqual(yield* operate(commands, "youdu-app remove", inputs), "removed app 14797363/yd-demo")
      assert.strictEqual(jsonOf<SessionJson>(yield* get(sessionId, next)).errcode, 401)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("tokens are stored as hashes, survive a restart, and are limited in number", () =>
    Effect.gen(function* () {
      const { get, team, appToken } = yield* fixture
      const store = yield* Store
      const { sessionId } = yield* team
      const first = yield* appToken
      const restarted = yield* clientOf(yield* opened)
      const path = `/cgi/session/get?accessToken=${first}&sessionId=${sessionId}`
      assert.strictEqual(jsonOf<SessionJson>(yield* restarted("GET", path)).errcode, 0)
      for (let n = 0; n < 100; n++) {
        yield* TestClock.adjust("1 second")
        yield* appToken
      }
      const records = yield* store.records("youdu", "token")
      assert.strictEqual(records.length, 100)
      assert.isTrue(
        records.every(({ key, value }) => /^[0-9a-f]{64}$/.test(key) && !JSON.stringify(value).includes(first))
      )
      assert.strictEqual(jsonOf<SessionJson>(yield* get(sessionId, first)).errcode, 401)
      yield* TestClock.adjust("3 hours")
      yield* appToken
      assert.strictEqual((yield* store.records("youdu", "token")).length, 1)
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("tokens of one app", () => {
  it.effect("are limited in number even if many are issued concurrently", () =>
    Effect.gen(function* () {
      const { appToken } = yield* fixture
      const store = yield* Store
      const tokens = yield* Effect.forEach(
        Array.from({ length: 120 }),
        () => Effect.andThen(Effect.yieldNow, appToken),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(tokens).size, 120)
      assert.strictEqual((yield* store.records("youdu", "token")).length, 100)
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("operator commands", () => {
  it.effect("do not replace an app that was added after the apps were read", () =>
    Effect.gen(function* () {
      const { commands } = yield* fixture
      const store = yield* Store
      const run = (words: string, inputs = {}) => operate(commands, `youdu-app ${words}`, inputs)
      yield* run("list")
      const value = { buin: 5, appId: "mine", key: Buffer.alloc(32, 1).toString("base64"), organisation: 7 }
      const record = { dialect: "youdu", kind: "app", key: "5/mine", value }
      yield* store.commit({ expectedVersions: [], writes: [{ _tag: "PutRecord", record }] })
      const key = Buffer.alloc(32, 9).toString("base64")
      const added = yield* run("add", { buin: 5, "app-id": "mine", key, org: 2 })
      assert.strictEqual(added, "no: app 5/mine exists already")
      assert.deepStrictEqual(yield* store.record("youdu", "app", "5/mine"), record)
      assert.strictEqual(yield* run("list"), "14797363/yd-demo 1\n5/mine 7")
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("add, list and remove apps, and never show a key", () =>
    Effect.gen(function* () {
      const { commands, getToken } = yield* fixture
      const key = Buffer.alloc(32, 9).toString("base64")
      const app = { buin: 5, "app-id": "mine", key, org: 2 }
      const run = (words: string, inputs = {}) => operate(commands, `youdu-app ${words}`, inputs)
      assert.strictEqual(yield* run("add", app), "added app 5/mine of organisation 2, with the user yd-5-mine")
      assert.strictEqual(yield* run("add", app), "no: app 5/mine exists already")
      assert.strictEqual(yield* run("add", { ...app, key: "short" }), "no: key must be 32 bytes in base64")
      assert.match(yield* run("add", { ...app, "app-id": "" }), /^no: app-id must have/)
      assert.strictEqual(yield* run("list"), "14797363/yd-demo 1\n5/mine 2")
      const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
      const token = getToken({ buin: 5, appId: "mine", encrypt: seal(String(now), key, "mine") })
      assert.deepInclude(jsonOf<object>(yield* token), { errcode: 0 })
      assert.strictEqual(yield* run("remove", { buin: 5, "app-id": "mine" }), "removed app 5/mine")
      assert.strictEqual(yield* run("remove", { buin: 5, "app-id": "mine" }), "no: there is no app 5/mine")
      assert.deepInclude(jsonOf<object>(yield* token), { errcode: 401 })
    }).pipe(Effect.provide(engineLayer))
  )
})
