/** Creating, reading and updating sessions in plain JSON. Source: seeds/004; PROTOCOLS, "youdu". */
import { assert, describe, it } from "@effect/vitest"
import { Engine } from "@parley/core/Engine"
import { Effect } from "effect"
import { engineLayer } from "../ha/harness.ts"
import { failure, jsonOf, type SessionJson, fixture } from "./harness.ts"

describe("plain JSON", () => {
  it.effect("create returns the documented fields in order, with errcode and errmsg", () =>
    Effect.gen(function* () {
      const { create, root } = yield* fixture
      const reply = yield* create({
        title: "会议",
        creator: "alice",
        type: "multi",
        member: ["alice", "carol", "bob"]
      })
      const { sessionId } = jsonOf<SessionJson>(reply)
      assert.strictEqual(reply.status, 200)
      assert.strictEqual(
        reply.text,
        `{"errcode":0,"errmsg":"ok","sessionId":"${sessionId}","title":"会议","owner":"alice","creator":"alice",` +
          `"version":1,"type":"multi","member":["alice","carol","bob"]}`
      )
      // The same members may have many sessions.
      const again = yield* create({ title: "会议", creator: "alice", member: ["carol", "bob"] }, root.token)
      assert.notStrictEqual(jsonOf<SessionJson>(again).sessionId, sessionId)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("null always means absent, and an unknown content coding is ignored", () =>
    Effect.gen(function* () {
      const { create, update } = yield* fixture
      const coded = { headers: { "content-encoding": "UTF-8" } }
      const made = yield* create(
        { title: "t", creator: "alice", type: null, member: ["bob", null, "carol"], extra: null },
        undefined,
        coded
      )
      const session = jsonOf<SessionJson>(made)
      assert.deepInclude(session, { errcode: 0, type: "multi", member: ["alice", "bob", "carol"] })
      const { sessionId } = session
      const named = yield* update({ sessionId, opUser: "alice", title: "u", addMember: null, delMember: null })
      assert.deepInclude(jsonOf<SessionJson>(named), { title: "u", version: 2 })
      const nothing = yield* update({ sessionId, opUser: "alice", title: null, addMember: null, delMember: null })
      assert.deepStrictEqual(nothing.json, failure(400, "title, addMember or delMember must be given."))
      const noTitle = yield* create({ title: null, creator: "alice", member: ["bob", "carol"] })
      assert.deepStrictEqual(noTitle.json, failure(400, "title is missing."))
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("get returns the present state, including version and owner, after changes by any protocol", () =>
    Effect.gen(function* () {
      const { get, team, alice } = yield* fixture
      const engine = yield* Engine
      const { sessionId } = yield* team
      const chat = { gid: sessionId }
      assert.deepInclude(jsonOf<SessionJson>(yield* get(sessionId)), { title: "Team", version: 1 })
      yield* engine.perform(alice.caller, { _tag: "RenameChat", chat, name: "Renamed" })
      assert.deepInclude(jsonOf<SessionJson>(yield* get(sessionId)), { title: "Renamed", version: 2, owner: "alice" })
      yield* engine.perform(alice.caller, { _tag: "LeaveChat", chat })
      assert.deepInclude(jsonOf<SessionJson>(yield* get(sessionId)), {
        owner: "bob",
        creator: "alice",
        version: 3,
        member: ["bob", "carol"]
      })
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("update changes title and members in one step, each by its own rule", () =>
    Effect.gen(function* () {
      const { update, get, team } = yield* fixture
      const { sessionId } = yield* team
      const reply = yield* update({
        sessionId,
        opUser: "alice",
        title: "Crew",
        addMember: ["dave", "bob"],
        delMember: ["carol", "erin"]
      })
      assert.deepStrictEqual(reply.json, {
        errcode: 0,
        errmsg: "ok",
        sessionId,
        title: "Crew",
        owner: "alice",
        creator: "alice",
        version: 2,
        type: "multi",
        member: ["alice", "bob", "dave"]
      })
      // An update without an effect does not change the version.
      const same = yield* update({ sessionId, opUser: "alice", title: "Crew", addMember: ["dave"] })
      assert.deepInclude(jsonOf<SessionJson>(same), { errcode: 0, version: 2 })
      // All or nothing: bob may add, but not remove.
      const both = yield* update({ sessionId, opUser: "bob", title: "Bob's", addMember: ["erin"], delMember: ["dave"] })
      assert.deepStrictEqual(both.json, failure(403, "Only admins may do this."))
      assert.deepInclude(jsonOf<SessionJson>(yield* get(sessionId)), { title: "Crew", version: 2 })
      const adds = yield* update({ sessionId, opUser: "bob", addMember: ["erin"] })
      assert.deepInclude(jsonOf<SessionJson>(adds), { version: 3, member: ["alice", "bob", "dave", "erin"] })
      const owner = yield* update({ sessionId, opUser: "bob", delMember: ["alice"] })
      assert.strictEqual(jsonOf<SessionJson>(owner).errcode, 403)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("update changes nothing for an empty title and empty lists, which SDKs send for absent ones", () =>
    Effect.gen(function* () {
      const { update, team } = yield* fixture
      const { sessionId } = yield* team
      const titled = { sessionId, opUser: "alice", title: "Crew", addMember: [], delMember: [] }
      assert.deepInclude(jsonOf<SessionJson>(yield* update(titled)), { title: "Crew", version: 2 })
      const added = { sessionId, opUser: "alice", title: "", addMember: ["dave"], delMember: null }
      assert.deepInclude(jsonOf<SessionJson>(yield* update(added)), {
        title: "Crew",
        version: 3,
        member: ["alice", "bob", "carol", "dave"]
      })
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("every member may leave, including the owner, and fewer than three may remain", () =>
    Effect.gen(function* () {
      const { update, team } = yield* fixture
      const { sessionId } = yield* team
      const left = yield* update({ sessionId, opUser: "alice", delMember: ["alice"] })
      assert.deepInclude(jsonOf<SessionJson>(left), {
        owner: "bob",
        creator: "alice",
        version: 2,
        member: ["bob", "carol"]
      })
      const alone = yield* update({ sessionId, opUser: "carol", delMember: ["carol"] })
      assert.deepInclude(jsonOf<SessionJson>(alone), { owner: "bob", version: 3, member: ["bob"] })
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("the title can be changed by members who may speak", () =>
    Effect.gen(function* () {
      const { update, team, alice } = yield* fixture
      const engine = yield* Engine
      const { sessionId } = yield* team
      const chat = { gid: sessionId }
      yield* engine.perform(alice.caller, { _tag: "SetSenders", chat, senders: "admins" })
      const refused = yield* update({ sessionId, opUser: "bob", title: "x" })
      assert.deepStrictEqual(refused.json, failure(403, "opUser may not speak in this session."))
      assert.strictEqual(jsonOf<SessionJson>(yield* update({ sessionId, opUser: "alice", title: "x" })).errcode, 0)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("20 concurrent updates are 20 steps", () =>
    Effect.gen(function* () {
      const { update, get, team } = yield* fixture
      const { sessionId } = yield* team
      const replies = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, index) => `title ${index}`),
        (title) => update({ sessionId, opUser: "alice", title }),
        { concurrency: "unbounded" }
      )
      const versions = replies.map((reply) => jsonOf<SessionJson>(reply).version).sort((a, b) => a - b)
      assert.deepStrictEqual(
        versions,
        Array.from({ length: 20 }, (_, index) => index + 2)
      )
      assert.strictEqual(jsonOf<SessionJson>(yield* get(sessionId)).version, 21)
    }).pipe(Effect.provide(engineLayer))
  )
})
