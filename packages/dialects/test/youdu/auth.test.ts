/** Access tokens: their users, and the sessions that they may access. Source: seeds/004; PROTOCOLS, "youdu". */
import { assert, describe, it } from "@effect/vitest"
import { Engine } from "@parley/core/Engine"
import { UserId } from "@parley/core/Ids"
import { type ThrottledLine, LogThrottle } from "@parley/core/LogThrottle"
import { Sessions } from "@parley/core/Sessions"
import { Effect } from "effect"
import { dialect } from "../../src/youdu/index.ts"
import { engineLayer } from "../ha/harness.ts"
import { envelope, failure, FIXED, jsonOf, type SessionJson, SETTINGS, fixture } from "./harness.ts"

describe("authentication", () => {
  it.effect("refuses a missing or unknown token, and tokens of plain users", () =>
    Effect.gen(function* () {
      const { call, alice, team } = yield* fixture
      const { sessionId } = yield* team
      const NOT = failure(401, "accessToken is missing, unknown or expired.")
      const table: ReadonlyArray<readonly [string, object]> = [
        ["", NOT],
        ["accessToken=", NOT],
        ["accessToken=nonsense", NOT],
        [`accessToken=${FIXED.slice(0, -1)}`, NOT],
        [`accessToken=${"x".repeat(5000)}`, NOT],
        [`accessToken=${alice.token}`, failure(403, "Only system administrators may do this.")]
      ]
      for (const [query, refused] of table) {
        for (const [method, name] of [
          ["POST", "create"],
          ["GET", "get"],
          ["POST", "update"]
        ] as const) {
          const path = `/cgi/session/${name}?sessionId=${sessionId}&${query}`
          const { status, json } = yield* call(method, path, method === "POST" ? { json: {} } : {})
          assert.deepStrictEqual([status, json], [200, refused])
        }
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("refuses the sid of a chat login, even an administrator's", () =>
    Effect.gen(function* () {
      const { create, get, update, root, team } = yield* fixture
      const { sessionId } = yield* team
      const sid = (yield* (yield* Sessions).issue(root.caller.user, "chat")).token
      const NOT = failure(401, "accessToken is missing, unknown or expired.")
      assert.deepStrictEqual((yield* get(sessionId, sid)).json, NOT)
      assert.deepStrictEqual((yield* create({ title: "T", creator: "alice", member: ["bob", "carol"] }, sid)).json, NOT)
      assert.deepStrictEqual((yield* update({ sessionId, opUser: "alice", title: "T" }, sid)).json, NOT)
      assert.strictEqual(jsonOf<SessionJson>(yield* get(sessionId, root.token)).errcode, 0)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("records in the audit log that the app acts for users, under its name", () =>
    Effect.gen(function* () {
      const lines: Array<unknown> = []
      const log = { note: ({ details }: ThrottledLine) => void lines.push(details) }
      const act = (actor: unknown, user: string, what: string) => ({
        audit: "youdu.impersonate",
        actor,
        user,
        act: what
      })
      yield* Effect.gen(function* () {
        const { create, update, appToken, root } = yield* fixture
        const made = yield* create({ title: "T", creator: "alice", member: ["bob", "carol"] })
        const { sessionId } = jsonOf<SessionJson>(made)
        const token = yield* appToken
        yield* update(envelope({ sessionId, opUser: "bob", title: "U" }), token)
        yield* update({ sessionId, opUser: "dave", title: "refused" })
        assert.deepStrictEqual(lines, [
          act(root.id, "alice", "session.create"),
          act("youdu:14797363/yd-demo", "bob", "session.update")
        ])
      }).pipe(Effect.provideService(LogThrottle, log))
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("accepts the configured token", () =>
    Effect.gen(function* () {
      const { get, team } = yield* fixture
      const { sessionId } = yield* team
      assert.strictEqual(jsonOf<SessionJson>(yield* get(sessionId, FIXED)).errcode, 0)
      const short = yield* Effect.flip(
        dialect.open({ settings: { ...SETTINGS, "youdu.token": "short" }, tcp: () => undefined })
      )
      assert.strictEqual(short.message, "youdu.token must have at least 32 characters")
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("gives apps access to groups of their organisation, and administrators to all groups", () =>
    Effect.gen(function* () {
      const { create, get, update, appToken, root, alice, bob, dave, erin } = yield* fixture
      const engine = yield* Engine
      const token = yield* appToken
      const { sessionId } = jsonOf<SessionJson>(
        yield* create({ title: "Foreign", creator: "dave", member: ["erin", "root"] })
      )
      const GONE = { ...failure(404, "sessionId: there is no such session."), encrypt: "" }
      assert.deepStrictEqual((yield* get(sessionId, token)).json, GONE)
      const change = envelope({ sessionId, opUser: "dave", title: "Taken" })
      assert.deepStrictEqual((yield* update(change, token)).json, GONE)
      const made = yield* create(envelope({ title: "t", creator: "dave", member: ["erin", "root"] }), token)
      assert.deepStrictEqual(made.json, {
        ...failure(400, "member must contain a user of the app's organisation."),
        encrypt: ""
      })
      // With alice as a member, the app may access it.
      yield* engine.perform(dave.caller, { _tag: "AddMembers", chat: { gid: sessionId }, members: [UserId(alice.id)] })
      assert.strictEqual(jsonOf<SessionJson>(yield* get(sessionId, token)).errcode, 0)
      // Direct and system chats are not sessions; a group of two is one.
      const make = (gid: string, type: string, members: ReadonlyArray<number>) =>
        engine.perform(alice.caller, {
          _tag: "CreateChat",
          gid,
          name: "n",
          type,
          members: members.map(UserId),
          subject: 0,
          public: false
        })
      const pair = yield* make("", "one2one", [bob.id])
      const two = yield* make("two", "group", [bob.id])
      const project = yield* make("project", "project", [bob.id, erin.id])
      for (const by of [root.token, token]) {
        const codes = yield* Effect.forEach([pair, two, project], ({ chat }) =>
          Effect.map(get(chat.gid, by), (reply) => jsonOf<SessionJson>(reply).errcode)
        )
        assert.deepStrictEqual(codes, [404, 0, 404])
      }
      yield* engine.perform(alice.caller, { _tag: "DissolveChat", chat: { gid: "two" } })
      assert.strictEqual(jsonOf<SessionJson>(yield* get("two")).errcode, 404)
    }).pipe(Effect.provide(engineLayer))
  )
})
