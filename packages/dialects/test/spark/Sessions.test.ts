/** Effects and responses of the operations on sessions. Source: seeds/000; PROTOCOLS, "spark". */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { Store } from "@parley/core/Store"
import { Effect, Layer } from "effect"
import { apps, engine, engineOn, failed, type Fields, like, md5, sessionOf } from "./Apps.ts"
import { keys } from "./Keys.ts"

/** Another node removes a request just before its approval is committed. */
const takenBack = Layer.effect(
  Store,
  Effect.map(Store, (store) =>
    Store.of({
      ...store,
      commit: (unit) => {
        const request = unit.writes.find((write) => write._tag === "PutRecord" && write.expected !== undefined)
        const before = request?._tag === "PutRecord" ? [{ _tag: "PutRecord", record: request.record } as const] : []
        return Effect.andThen(store.commit({ expectedVersions: [], writes: before }), store.commit(unit))
      }
    })
  )
).pipe(Layer.provide(MemoryStore.layer))

describe("session/start", () => {
  it.live("unites To with the caller, who is the owner; fields in the documented order", () =>
    Effect.gen(function* () {
      const { of, chat } = yield* apps(["alice", "Bob", "carol"])
      const { status, body } = yield* of("carol").call("/session/start", { To: ["alice", "Bob", "alice", "carol"] })
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(body, sessionOf(body["SessionId"], "alice", "Bob", "carol"))
      assert.deepStrictEqual(body["Members"], ["Bob", "alice", "carol"])
      assert.strictEqual(body["md5"], "9fcf4736fb6c590fa48ce1ec26b3db19")
      assert.deepStrictEqual(keys(body), ["SesssionId", "SessionId", "Members", "md5"])
      const made = yield* chat(String(body["SessionId"]))
      like(made, { type: "group", owner: of("carol").caller.user, public: false, name: "" })
    }).pipe(Effect.provide(engine))
  )

  it.live("returns the unchanged session of the same members, for each of them", () =>
    Effect.gen(function* () {
      const { of, chat } = yield* apps(["alice", "bob", "carol"])
      const first = yield* of("alice").call("/session/start", { To: ["bob", "carol"] })
      const before = yield* chat(String(first.body["SessionId"]))
      const again = yield* of("bob").call("/session/start", { To: ["carol", "alice"] })
      assert.deepStrictEqual(again.body, first.body)
      assert.deepStrictEqual(yield* chat(String(first.body["SessionId"])), before)
      const fewer = yield* of("alice").call("/session/start", { To: ["bob"] })
      assert.notStrictEqual(fewer.body["SessionId"], first.body["SessionId"])
    }).pipe(Effect.provide(engine))
  )

  it.live("matches the present members, and returns the earliest of several sessions", () =>
    Effect.gen(function* () {
      const { of } = yield* apps(["alice", "bob", "carol"])
      const pair = yield* of("alice").start("bob")
      const three = yield* of("alice").start("bob", "carol")
      yield* of("alice").call("/session/AddMember", { SessionId: pair, To: ["carol"] })
      assert.strictEqual(yield* of("alice").start("bob", "carol"), pair)
      const next = yield* of("alice").start("bob")
      assert.notInclude([pair, three], next)
      yield* of("alice").call("/session/RemoveMember", { SessionId: pair, To: ["carol"] })
      assert.strictEqual(yield* of("bob").start("alice"), pair)
      assert.strictEqual(yield* of("bob").start("alice", "carol"), three)
    }).pipe(Effect.provide(engine))
  )

  it.live("starts a new session of a set after the members of earlier ones changed", () =>
    Effect.gen(function* () {
      const { of } = yield* apps(["alice", "bob", "carol"])
      const ids = new Set<string>()
      for (let count = 0; count < 12; count++) {
        const id = yield* of("alice").start("bob")
        ids.add(id)
        yield* of("alice").call("/session/AddMember", { SessionId: id, To: ["carol"] })
      }
      assert.strictEqual(ids.size, 12)
    }).pipe(Effect.provide(engine))
  )

  it.live("50 concurrent starts of one set, by all of its members, create one session", () =>
    Effect.gen(function* () {
      const accounts = ["a", "b", "c", "d", "e"]
      const { apps: all, context, of } = yield* apps(accounts)
      const replies = yield* Effect.forEach(
        Array.from({ length: 50 }, (_, index) => all[index % all.length]),
        (app) => app?.call("/session/start", { To: accounts }) ?? Effect.die("nobody"),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(replies.map(({ status, body }) => `${status} ${String(body["SessionId"])}`)).size, 1)
      assert.lengthOf(yield* context.store.chatsOf(of("a").caller.user), 1)
    }).pipe(Effect.provide(engine))
  )

  it.live("concurrent starts create one session even if the members of earlier ones changed", () =>
    Effect.gen(function* () {
      const { apps: all, of, context } = yield* apps(["alice", "bob", "carol"])
      for (let count = 0; count < 3; count++) {
        const SessionId = yield* of("alice").start("bob")
        yield* of("alice").call("/session/AddMember", { SessionId, To: ["carol"] })
      }
      const replies = yield* Effect.forEach(
        Array.from({ length: 50 }, (_, index) => all[index % 2]),
        (app) => app?.call("/session/start", { To: ["alice", "bob"] }) ?? Effect.die("nobody"),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(replies.map(({ body }) => body["SessionId"])).size, 1)
      assert.lengthOf(yield* context.store.chatsOf(of("bob").caller.user), 4)
    }).pipe(Effect.provide(engine))
  )

  it.live("does not return a chat of another protocol, regardless of its members and gid", () =>
    Effect.gen(function* () {
      const { of, perform } = yield* apps(["alice", "bob"])
      const [alice, bob] = [of("alice").caller, of("bob").caller]
      const made = { _tag: "CreateChat", name: "", type: "group", subject: 0, public: false } as const
      yield* perform(alice, { ...made, gid: "elsewhere", members: [bob.user] })
      const squatted = `spark-${md5("alice", "bob")}-0`
      yield* perform(alice, { ...made, gid: squatted, members: [bob.user] })
      const id = yield* of("alice").start("bob")
      assert.notInclude(["elsewhere", squatted], id)
      assert.strictEqual(yield* of("bob").start("alice"), id)
    }).pipe(Effect.provide(engine))
  )

  it.live("has an id that cannot be computed, so that no other protocol reveals which users share a session", () =>
    Effect.gen(function* () {
      const { of, perform, context } = yield* apps(["alice", "bob", "carol", "dave"])
      const id = yield* of("alice").start("bob")
      assert.match(id, /^spark-[0-9a-f]{32}$/)
      assert.notInclude(id, md5("alice", "bob"))
      // Carol tries the document's key of the accounts, for a set with a session and for one without.
      for (const set of [
        ["alice", "bob"],
        ["alice", "dave"]
      ]) {
        for (const gid of [`spark-${md5(...set)}`, `spark-${md5(...set)}-0`, `${md5(...set)}`]) {
          const wanted = { name: "", type: "group", members: [], subject: 0, public: false } as const
          const made = yield* perform(of("carol").caller, { _tag: "CreateChat", gid, ...wanted })
          assert.isTrue(made.created, gid)
        }
      }
      assert.strictEqual(yield* of("bob").start("alice"), id)
      // The same on every node and after each restart: the secret belongs to the database.
      const secrets = yield* context.store.records("spark", "secret")
      assert.lengthOf(secrets, 1)
      assert.match(String(secrets[0]?.value), /^[0-9a-f]{64}$/)
    }).pipe(Effect.provide(engine))
  )

  it.live("a dissolved session is not found again", () =>
    Effect.gen(function* () {
      const { of, perform } = yield* apps(["alice", "bob"])
      const id = yield* of("alice").start("bob")
      yield* perform(of("alice").caller, { _tag: "DissolveChat", chat: { gid: id } })
      const gone = yield* of("alice").call("/message/push", { SessionId: id, Type: 0, Content: "hi" })
      like(gone, failed(404, "no_such_session", "There is no such session."))
      assert.notStrictEqual(yield* of("alice").start("bob"), id)
    }).pipe(Effect.provide(engine))
  )
})

describe("members", () => {
  it.live("an admin adds and removes directly; md5 and Members follow", () =>
    Effect.gen(function* () {
      const { of } = yield* apps(["alice", "bob", "carol", "dave"])
      const id = yield* of("alice").start("bob")
      const added = yield* of("alice").call("/session/AddMember", { SessionId: id, To: ["dave", "carol", "bob"] })
      like(added, { status: 200, body: sessionOf(id, "alice", "bob", "carol", "dave") })
      assert.deepStrictEqual(keys(added.body), ["SesssionId", "SessionId", "Members", "md5"])
      const removed = yield* of("alice").call("/session/RemoveMember", { SessionId: id, To: ["carol", "bob"] })
      assert.deepStrictEqual(removed.body, sessionOf(id, "alice", "dave"))
      const again = yield* of("alice").call("/session/RemoveMember", { SessionId: id, To: ["carol"] })
      like(again, { status: 200, body: sessionOf(id, "alice", "dave") })
    }).pipe(Effect.provide(engine))
  )

  it.live("another member's request waits for an admin, idempotently", () =>
    Effect.gen(function* () {
      const { of } = yield* apps(["alice", "bob", "carol", "dave"])
      const id = yield* of("alice").start("bob")
      const pending = yield* of("bob").call("/session/AddMember", { SessionId: id, To: ["dave"] })
      like(pending, { status: 200, body: { ...sessionOf(id, "alice", "bob"), Pending: ["dave"] } })
      assert.deepStrictEqual(keys(pending.body), ["SesssionId", "SessionId", "Members", "md5", "Pending"])
      yield* of("bob").call("/session/AddMember", { SessionId: id, To: ["dave"] })
      const both = yield* of("bob").call("/session/AddMember", { SessionId: id, To: ["dave", "carol", "alice"] })
      assert.deepStrictEqual(both.body, { ...sessionOf(id, "alice", "bob"), Pending: ["carol", "dave"] })
      const stranger = yield* of("carol").call("/message/push", { SessionId: id, Type: 0, Content: "let me in" })
      like(stranger, failed(404, "no_such_session", "There is no such session."))

      const approved = yield* of("alice").call("/session/ApproveMember", { SessionId: id, To: ["carol"] })
      assert.deepStrictEqual(approved.body, { ...sessionOf(id, "alice", "bob", "carol"), Pending: ["dave"] })
      const last = yield* of("alice").call("/session/ApproveMember", { SessionId: id, To: ["dave"] })
      assert.deepStrictEqual(last.body, sessionOf(id, "alice", "bob", "carol", "dave"))
    }).pipe(Effect.provide(engine))
  )

  it.live("a request that only names members returns an empty Pending", () =>
    Effect.gen(function* () {
      const { of } = yield* apps(["alice", "bob"])
      const id = yield* of("alice").start("bob")
      const { body } = yield* of("bob").call("/session/AddMember", { SessionId: id, To: ["alice"] })
      assert.deepStrictEqual(body, { ...sessionOf(id, "alice", "bob"), Pending: [] })
    }).pipe(Effect.provide(engine))
  )

  it.live("ApproveMember does not add a user whose request is removed before the commit", () =>
    Effect.gen(function* () {
      const { of, chat } = yield* apps(["alice", "bob", "carol"])
      const id = yield* of("alice").start("bob")
      yield* of("bob").call("/session/AddMember", { SessionId: id, To: ["carol"] })
      const approved = yield* of("alice").call("/session/ApproveMember", { SessionId: id, To: ["carol"] })
      like(approved, failed(409, "not_pending", "These users do not wait for approval: carol."))
      assert.strictEqual((yield* chat(id)).members.size, 2)
    }).pipe(Effect.provide(engineOn(takenBack)))
  )

  it.live("50 concurrent requests for approval all succeed while the session changes", () =>
    Effect.gen(function* () {
      const others = Array.from({ length: 25 }, (_, n) => `other${n}`)
      const { of } = yield* apps(["alice", "bob", ...others])
      const id = yield* of("alice").start("bob")
      const replies = yield* Effect.forEach(
        others,
        (other, n) =>
          Effect.all(
            [
              of("bob").call("/session/AddMember", { SessionId: id, To: [other] }),
              of("alice").call("/session/Edit", { SessionId: id, Data: { name: `name ${n}` } })
            ],
            { concurrency: "unbounded" }
          ),
        { concurrency: "unbounded" }
      )
      for (const { status } of replies.flat()) assert.strictEqual(status, 200)
      const { body } = yield* of("bob").call("/session/AddMember", { SessionId: id, To: ["alice"] })
      assert.deepStrictEqual(body["Pending"], others.toSorted())
    }).pipe(Effect.provide(engine))
  )

  it.live("ApproveMember adds all or none, and names the users who do not wait", () =>
    Effect.gen(function* () {
      const { of } = yield* apps(["alice", "bob", "carol", "dave", "erin"])
      const id = yield* of("alice").start("bob")
      yield* of("bob").call("/session/AddMember", { SessionId: id, To: ["carol"] })
      const none = yield* of("alice").call("/session/ApproveMember", { SessionId: id, To: ["carol", "erin", "bob"] })
      like(none, failed(409, "not_pending", "These users do not wait for approval: erin, bob."))
      const forbidden = yield* of("bob").call("/session/ApproveMember", { SessionId: id, To: ["carol"] })
      like(forbidden, failed(403, "forbidden", "Only admins may do this."))
      const approved = yield* of("alice").call("/session/ApproveMember", { SessionId: id, To: ["carol"] })
      assert.deepStrictEqual(approved.body, sessionOf(id, "alice", "bob", "carol"))
      const again = yield* of("alice").call("/session/ApproveMember", { SessionId: id, To: ["carol"] })
      like(again, { status: 409 })
    }).pipe(Effect.provide(engine))
  )

  it.live("a user who joined in another way is no longer pending, even after leaving", () =>
    Effect.gen(function* () {
      const { of, perform } = yield* apps(["alice", "bob", "carol", "dave"])
      const id = yield* of("alice").start("bob")
      const [alice, carol] = [of("alice").caller, of("carol").caller]
      yield* of("bob").call("/session/AddMember", { SessionId: id, To: ["carol", "dave"] })
      // A change that does not concern members, and one in another protocol that adds and removes one of them.
      yield* of("alice").call("/session/Edit", { SessionId: id, Data: { name: "n" } })
      const members = [carol.user]
      yield* perform(alice, { _tag: "AddMembers", chat: { gid: id }, members })
      const inside = yield* of("bob").call("/session/AddMember", { SessionId: id, To: ["alice"] })
      assert.deepStrictEqual(inside.body, { ...sessionOf(id, "alice", "bob", "carol"), Pending: ["dave"] })
      yield* perform(alice, { _tag: "RemoveMembers", chat: { gid: id }, members })
      const outside = yield* of("alice").call("/session/ApproveMember", { SessionId: id, To: ["carol"] })
      like(outside, failed(409, "not_pending", "These users do not wait for approval: carol."))
      const anew = yield* of("bob").call("/session/AddMember", { SessionId: id, To: ["carol"] })
      assert.deepStrictEqual(anew.body, { ...sessionOf(id, "alice", "bob"), Pending: ["carol", "dave"] })
      const approved = yield* of("alice").call("/session/ApproveMember", { SessionId: id, To: ["carol", "dave"] })
      assert.deepStrictEqual(approved.body, sessionOf(id, "alice", "bob", "carol", "dave"))
    }).pipe(Effect.provide(engine))
  )

  it.live("a pending user whom an admin adds or removes is no longer pending", () =>
    Effect.gen(function* () {
      const { of } = yield* apps(["alice", "bob", "carol", "dave"])
      const id = yield* of("alice").start("bob")
      yield* of("bob").call("/session/AddMember", { SessionId: id, To: ["carol", "dave"] })
      const added = yield* of("alice").call("/session/AddMember", { SessionId: id, To: ["carol"] })
      assert.deepStrictEqual(added.body, { ...sessionOf(id, "alice", "bob", "carol"), Pending: ["dave"] })
      const removed = yield* of("alice").call("/session/RemoveMember", { SessionId: id, To: ["dave"] })
      assert.deepStrictEqual(removed.body, sessionOf(id, "alice", "bob", "carol"))
    }).pipe(Effect.provide(engine))
  )

  it.live("20 concurrent requests for shared and distinct users are all recorded", () =>
    Effect.gen(function* () {
      const wanted = Array.from({ length: 10 }, (_, index) => `wanted${index}`)
      const requesters = ["bob", "carol"]
      const { of } = yield* apps(["alice", ...requesters, ...wanted])
      const id = yield* of("alice").start(...requesters)
      yield* Effect.forEach(
        wanted.flatMap((account) => requesters.map((by) => [by, account] as const)),
        ([by, account]) => of(by).call("/session/AddMember", { SessionId: id, To: [account] }),
        { concurrency: "unbounded" }
      )
      const approvals = yield* Effect.forEach(
        wanted,
        (account) => of("alice").call("/session/ApproveMember", { SessionId: id, To: [account] }),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        approvals.map(({ status }) => status),
        wanted.map(() => 200)
      )
      const { body } = yield* of("alice").call("/session/start", { To: [...requesters, ...wanted] })
      assert.deepStrictEqual(body, sessionOf(id, "alice", ...requesters, ...wanted))
    }).pipe(Effect.provide(engine))
  )
})

describe("session/Edit", () => {
  it.live("sets the name by either key and the public flag, and stores every other key", () =>
    Effect.gen(function* () {
      const { of, chat } = yield* apps(["alice", "bob"])
      const id = yield* of("alice").start("bob")
      const edit = (Data: Fields) => of("alice").call("/session/Edit", { SessionId: id, Data })
      const edited = yield* edit({
        title: "Lunch",
        public: "1",
        color: "red",
        deep: { a: [1, null] },
        "parley.via": "x"
      })
      like(edited, { status: 200, body: sessionOf(id, "alice", "bob") })
      like(yield* chat(id), {
        name: "Lunch",
        public: true,
        attributes: {
          "parley.via": "spark",
          "spark.color": "red",
          "spark.deep": { a: [1, null] },
          "spark.parley.via": "x"
        }
      })
      yield* edit({ name: "Dinner", public: false, color: null })
      const after = yield* chat(id)
      like(after, { name: "Dinner", public: false })
      assert.notProperty(after.attributes, "spark.color")
      const forbidden = yield* of("bob").call("/session/Edit", { SessionId: id, Data: { name: "x" } })
      like(forbidden, failed(403, "forbidden", "Only admins may do this."))
    }).pipe(Effect.provide(engine))
  )

  it.live("stores at most 64 keys of 4 KiB", () =>
    Effect.gen(function* () {
      const { of, chat } = yield* apps(["alice", "bob"])
      const id = yield* of("alice").start("bob")
      const edit = (Data: Fields) => of("alice").call("/session/Edit", { SessionId: id, Data })
      const most = Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`k${index}`, "é".repeat(2048)]))
      like(yield* edit(most), { status: 200 })
      like(yield* edit({ more: 1 }), failed(400, "invalid_parameter", "Data must keep at most 64 attributes."))
      like(yield* edit({ more: 1, k0: null }), { status: 200 })
      like(
        yield* edit({ k1: `${"é".repeat(2048)}.` }),
        failed(400, "invalid_parameter", "Data.k1 must have at most 4096 bytes.")
      )
      assert.lengthOf(Object.keys((yield* chat(id)).attributes), 65)
    }).pipe(Effect.provide(engine))
  )
})
