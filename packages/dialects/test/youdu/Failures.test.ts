/** Failures of requests and of the server, returned as errcode. Source: seeds/004; PROTOCOLS, "youdu". */
import { assert, describe, it } from "@effect/vitest"
import { Engine } from "@parley/core/Engine"
import { StorageFailed } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { Clock, Effect } from "effect"
import { type Reply, engineLayer, engineOver } from "../ha/harness.ts"
import { DEMO, seal } from "./Envelope.ts"
import { failure, jsonOf, type SessionJson, fixture } from "./harness.ts"

describe("bad input", () => {
  it.effect("returns status 200, an errcode and the field's name, and stores nothing", () =>
    Effect.gen(function* () {
      const { create, update, get, team, alice } = yield* fixture
      const engine = yield* Engine
      const users = yield* Users
      const { sessionId } = yield* team
      const [disabled] = yield* users.add([{ account: "gone", organisation: 1 }])
      yield* users.setDisabled(disabled!.account, true)
      const creation = { title: "t", creator: "alice", member: ["bob", "carol"] }
      const change = { sessionId, opUser: "alice", title: "u" }
      const long = "字".repeat(65)
      const many = Array.from({ length: 1001 }, (_, index) => `u${index}`)
      type Row = readonly [patch: object, errcode: number, errmsg: string]
      const creations: ReadonlyArray<Row> = [
        [{ title: undefined }, 400, "title is missing."],
        [{ title: 5 }, 400, "title must be a string."],
        [{ title: "" }, 400, "title must have 1 to 64 characters."],
        [{ title: long }, 400, "title must have 1 to 64 characters."],
        [{ title: "  " }, 400, "title must not be blank."],
        [{ title: "\udc00" }, 400, "title must be well-formed Unicode."],
        [{ creator: undefined }, 400, "creator is missing."],
        [{ creator: 1 }, 400, "creator must be a string."],
        [{ creator: "" }, 400, "creator must not be empty."],
        [{ creator: long }, 400, "creator must have at most 64 characters."],
        [{ creator: "nobody" }, 404, "There are no such users: nobody (creator)."],
        [{ creator: "gone" }, 400, "creator is disabled."],
        [{ type: "single" }, 400, "type must be multi."],
        [{ type: 1 }, 400, "type must be multi."],
        [{ member: undefined }, 400, "member is missing."],
        [{ member: "bob,carol" }, 400, "member must be an array of accounts."],
        [{ member: [] }, 400, "member must be at least 3 users with the creator."],
        [{ member: ["bob"] }, 400, "member must be at least 3 users with the creator."],
        [{ member: ["alice", "bob", "bob"] }, 400, "member must be at least 3 users with the creator."],
        [{ member: ["bob", 3] }, 400, "member[1] must be a string."],
        [{ member: ["bob", ""] }, 400, "member[1] must not be empty."],
        [{ member: ["bob", long] }, 400, "member[1] must have at most 64 characters."],
        [{ member: ["bob", "x", "y"] }, 404, "There are no such users: x (member), y (member)."],
        [{ member: many }, 400, "member must name at most 1000 users."]
      ]
      const changes: ReadonlyArray<Row> = [
        [{ sessionId: undefined }, 400, "sessionId is missing."],
        [{ sessionId: 5 }, 400, "sessionId must be a string."],
        [{ sessionId: "unknown" }, 404, "sessionId: there is no such session."],
        [{ opUser: undefined }, 400, "opUser is missing."],
        [{ opUser: {} }, 400, "opUser must be a string."],
        [{ opUser: "nobody" }, 404, "There are no such users: nobody (opUser)."],
        [{ opUser: "gone" }, 400, "opUser is disabled."],
        [{ opUser: "dave" }, 403, "opUser is not a member of this session."],
        [{ title: undefined }, 400, "title, addMember or delMember must be given."],
        [{ title: undefined, addMember: [], delMember: [] }, 400, "title, addMember or delMember must be given."],
        [{ title: long }, 400, "title must have 1 to 64 characters."],
        [{ title: "" }, 400, "title, addMember or delMember must be given."],
        [{ title: "", addMember: null, delMember: [] }, 400, "title, addMember or delMember must be given."],
        [{ title: "  " }, 400, "title must not be blank."],
        [{ addMember: "dave" }, 400, "addMember must be an array of accounts."],
        [{ addMember: [5] }, 400, "addMember[0] must be a string."],
        [{ addMember: ["nobody"] }, 404, "There are no such users: nobody (addMember)."],
        [{ addMember: many }, 400, "addMember must name at most 1000 users."],
        [{ delMember: { 0: "bob" } }, 400, "delMember must be an array of accounts."],
        [{ delMember: ["nobody"] }, 404, "There are no such users: nobody (delMember)."],
        [{ addMember: ["dave"], delMember: ["dave"] }, 400, "delMember must not name dave, whom addMember names."],
        [{ opUser: "bob", delMember: ["carol"] }, 403, "Only admins may do this."]
      ]
      const before = yield* engine.perform(alice.caller, { _tag: "ListChats" })
      for (const [patch, errcode, errmsg] of creations) {
        const { status, json } = yield* create({ ...creation, ...patch })
        assert.deepStrictEqual([status, json], [200, { errcode, errmsg }], JSON.stringify(patch))
      }
      for (const [patch, errcode, errmsg] of changes) {
        const { status, json } = yield* update({ ...change, ...patch })
        assert.deepStrictEqual([status, json], [200, { errcode, errmsg }], JSON.stringify(patch))
      }
      assert.deepStrictEqual((yield* get("")).json, failure(404, "sessionId: there is no such session."))
      assert.deepStrictEqual(yield* engine.perform(alice.caller, { _tag: "ListChats" }), before)
      // 64 code points are 64 characters, regardless of their encoding.
      assert.strictEqual(jsonOf<SessionJson>(yield* create({ ...creation, title: "🙂".repeat(64) })).errcode, 0)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("also sets the status if the request was not understood", () =>
    Effect.gen(function* () {
      const { call, root } = yield* fixture
      for (const path of [
        "/cgi/gettoken",
        `/cgi/session/create?accessToken=${root.token}`,
        `/cgi/session/update?accessToken=${root.token}`
      ]) {
        const sent = (body: string, headers: Record<string, string> = {}) => call("POST", path, { body, headers })
        const table: ReadonlyArray<readonly [Reply, number, string]> = [
          [yield* sent("{"), 400, "The body is not JSON."],
          [yield* sent("[]"), 400, "The body must be a JSON object."],
          [yield* sent("5"), 400, "The body must be a JSON object."],
          [
            yield* sent("a=1", { "content-type": "application/x-www-form-urlencoded" }),
            400,
            "The body must be JSON, and Content-Type application/json."
          ],
          [yield* sent(`{"x":"${"x".repeat(1_100_000)}"}`), 413, "The body is too large."],
          [
            yield* sent("{}", { "content-encoding": "GZIP" }),
            415,
            "The body has the Content-Encoding gzip, which is not supported."
          ],
          [
            yield* sent("{}", { "content-encoding": "utf-8, br" }),
            415,
            "The body has the Content-Encoding br, which is not supported."
          ]
        ]
        for (const [{ status, json }, code, errmsg] of table) {
          assert.deepStrictEqual([status, json], [code, failure(code, errmsg)])
        }
      }
      for (const [method, path, allow] of [
        ["GET", "/cgi/gettoken", "POST"],
        ["GET", "/cgi/session/create", "POST"],
        ["POST", "/cgi/session/get", "GET"],
        ["DELETE", "/cgi/session/update", "POST"]
      ] as const) {
        const reply = yield* call(method, path)
        assert.deepStrictEqual(
          [reply.status, reply.allow, reply.json],
          [405, allow, failure(405, `This path takes ${allow}.`)]
        )
      }
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("an unknown path", () => {
  it.effect("returns status 200 and an errcode, in the form of the token", () =>
    Effect.gen(function* () {
      const { call, root, appToken } = yield* fixture
      const token = yield* appToken
      const unsupported = failure(404, "The path /cgi/dept/create is not supported.")
      for (const method of ["GET", "POST", "DELETE"]) {
        for (const [query, expected] of [
          ["", unsupported],
          ["?accessToken=unknown&id=1", unsupported],
          [`?accessToken=${root.token}`, unsupported],
          [`?accessToken=${token}`, { ...unsupported, encrypt: "" }]
        ] as const) {
          const { status, json } = yield* call(method, `/cgi/dept/create${query}`)
          assert.deepStrictEqual([status, json], [200, expected], `${method} ${query}`)
        }
      }
      const long = yield* call("GET", `/cgi/${"x".repeat(2000)}`)
      assert.deepStrictEqual(long.json, failure(404, `The path /cgi/${"x".repeat(75)} is not supported.`))
      const malformed = yield* call("GET", `/cgi/%zz?accessToken=${token}`)
      assert.deepStrictEqual(malformed.json, { ...failure(404, "The path /cgi/%zz is not supported."), encrypt: "" })
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("failures of the server", () => {
  const failing = new StorageFailed({ operation: "test", cause: "the disk is gone" })
  let isFailing = false
  const failingEngine = engineOver((store) => ({
    commit: (unit) => (isFailing ? Effect.fail(failing) : store.commit(unit)),
    chatByGid: (gid) => (isFailing ? Effect.fail(failing) : store.chatByGid(gid)),
    usersByAccount: (accounts) => (isFailing ? Effect.die(new Error("a mistake")) : store.usersByAccount(accounts))
  }))

  it.effect("are returned as errcode", () =>
    Effect.gen(function* () {
      const { create, get, getToken, appToken } = yield* fixture
      const token = yield* appToken
      isFailing = true
      const unavailable = failure(503, "The storage does not respond; retry.")
      assert.deepStrictEqual(
        (yield* create({ title: "t", creator: "alice", member: ["bob", "carol"] })).json,
        unavailable
      )
      assert.deepStrictEqual((yield* get("cold")).json, unavailable)
      assert.deepStrictEqual((yield* get("cold", token)).json, { ...unavailable, encrypt: "" })
      const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
      const { buin, appId } = DEMO
      const refused = yield* getToken({ buin, appId, encrypt: seal(String(now)) })
      assert.deepStrictEqual(refused.json, { ...unavailable, encrypt: "" })
      const mistaken = yield* create({ title: "t", creator: "unheard-of", member: ["bob", "carol"] })
      assert.deepStrictEqual([mistaken.status, mistaken.json], [500, failure(500, "Internal server error.")])
    }).pipe(Effect.ensuring(Effect.sync(() => (isFailing = false))), Effect.provide(failingEngine))
  )
})
