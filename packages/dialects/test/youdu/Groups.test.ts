/** Groups that apps manage, in plain JSON and in an envelope. Source: PROTOCOLS, "youdu"; the public SDKs. */
import { assert, describe, it } from "@effect/vitest"
import { Engine } from "@parley/core/Engine"
import { UserId } from "@parley/core/Ids"
import { Store, type WriteBatch } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { Visibility } from "@parley/core/Visibility"
import { Effect } from "effect"
import { engineLayer, engineOver } from "../ha/harness.ts"
import { askerOf, failure, fixture, ok } from "./harness.ts"

const NO_GROUP = failure(404, "id: there is no such group.")

const asked = Effect.gen(function* () {
  const all = yield* fixture
  const { call, appToken, root } = all
  const token = yield* appToken
  return { ...all, token, app: askerOf(call, token, true), everywhere: askerOf(call, root.token, false) }
})

describe("groups", () => {
  it.effect("are created, changed, read and deleted, in both forms", () =>
    Effect.gen(function* () {
      const { app, everywhere, alice } = yield* asked
      const engine = yield* Engine
      for (const asker of [app, everywhere]) {
        const { id, ...rest } = yield* asker.post("group/create", { name: "群 🙂", extra: null })
        assert.deepStrictEqual(rest, ok())
        const gid = String(id)
        assert.deepStrictEqual(
          yield* asker.get("group/info", { id: gid }),
          ok({ id, name: "群 🙂", admin: "", members: [] })
        )
        const add = { id, userList: ["alice", "bob", "alice", null] }
        assert.deepStrictEqual(yield* asker.post("group/addmember", add), ok())
        assert.deepStrictEqual(yield* asker.post("group/update", { id, name: "Crew" }), ok())
        assert.deepStrictEqual(
          yield* asker.get("group/info", { id: gid }),
          ok({
            id,
            name: "Crew",
            admin: "",
            members: [
              { account: "alice", name: "alice", mobile: "" },
              { account: "bob", name: "bob", mobile: "" }
            ]
          })
        )
        // The same chat in all protocols: three steps, without a user.
        const { chat } = yield* engine.perform(alice.caller, { _tag: "ReadChat", chat: { gid } })
        assert.deepInclude(chat, {
          name: "Crew",
          type: "group",
          version: 3,
          owner: null,
          createdBy: null,
          public: false
        })
        assert.deepStrictEqual(yield* asker.get("group/ismember", { id: gid, userId: "bob" }), ok({ belong: true }))
        // Removing a non-member is not an error.
        assert.deepStrictEqual(yield* asker.post("group/delmember", { id, userList: ["bob", "carol"] }), ok())
        assert.deepStrictEqual(yield* asker.get("group/ismember", { id: gid, userId: "bob" }), ok({ belong: false }))
        assert.deepStrictEqual(
          yield* asker.get("group/list", { userId: "alice" }),
          ok({ groupList: [{ id, name: "Crew" }] })
        )
        assert.deepStrictEqual(yield* asker.get("group/list", { userId: "bob" }), ok({ groupList: [] }))
        assert.deepStrictEqual(yield* asker.get("group/delete", { id: gid }), ok())
        assert.deepStrictEqual(yield* asker.get("group/delete", { id: gid }), NO_GROUP)
        assert.deepStrictEqual(yield* asker.get("group/list"), ok({ groupList: [] }))
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("are those of the app's organisation; others do not exist for it", () =>
    Effect.gen(function* () {
      const { app, everywhere, create, alice, dave, erin, bob } = yield* asked
      const engine = yield* Engine
      const made = (title: string, creator: string, ...member: ReadonlyArray<string>) =>
        Effect.map(create({ title, creator, member }), ({ json }) => (json as { readonly sessionId: string }).sessionId)
      const own = yield* made("Own", "alice", "bob", "dave")
      const joined = yield* made("Joined", "dave", "alice", "erin")
      const foreign = yield* made("Foreign", "dave", "erin", "root")
      const { id: empty } = yield* app.post("group/create", { name: "Empty" })
      const { id: anywhere } = yield* everywhere.post("group/create", { name: "Anywhere" })
      const list = (yield* app.get("group/list"))["groupList"]
      assert.deepStrictEqual(list, [
        { id: own, name: "Own" },
        { id: joined, name: "Joined" },
        { id: empty, name: "Empty" }
      ])
      assert.lengthOf((yield* everywhere.get("group/list"))["groupList"] as ReadonlyArray<unknown>, 5)
      for (const id of [foreign, String(anywhere), "", "unknown"]) {
        assert.deepStrictEqual(yield* app.get("group/info", { id }), NO_GROUP)
        assert.deepStrictEqual(yield* app.get("group/delete", { id }), NO_GROUP)
        assert.deepStrictEqual(yield* app.get("group/ismember", { id, userId: "alice" }), NO_GROUP)
        assert.deepStrictEqual(yield* app.post("group/update", { id, name: "x" }), NO_GROUP)
        assert.deepStrictEqual(yield* app.post("group/addmember", { id, userList: ["alice"] }), NO_GROUP)
        assert.deepStrictEqual(yield* app.post("group/delmember", { id, userList: ["alice"] }), NO_GROUP)
      }
      // With the rights of the organisation's members: alice owns one group, and is a member of the other.
      const noAdmin = failure(403, "The group has no admin in the app's organisation.")
      assert.deepStrictEqual(yield* app.post("group/update", { id: joined, name: "Renamed" }), ok())
      assert.deepStrictEqual(yield* app.post("group/addmember", { id: joined, userList: ["bob"] }), ok())
      assert.deepStrictEqual(yield* app.post("group/delmember", { id: joined, userList: ["bob"] }), noAdmin)
      assert.deepStrictEqual(yield* app.get("group/delete", { id: joined }), noAdmin)
      assert.deepStrictEqual(yield* app.post("group/delmember", { id: own, userList: ["dave", "bob"] }), ok())
      const owner = failure(403, "userList: the owner cannot be removed.")
      assert.deepStrictEqual(yield* app.post("group/delmember", { id: own, userList: ["alice"] }), owner)
      // Their numbers are not for the app.
      yield* everywhere.post("user/update", { userId: "dave", mobile: "139" })
      yield* everywhere.post("user/update", { userId: "alice", mobile: "138" })
      const { members } = yield* app.get("group/info", { id: joined })
      assert.includeDeepMembers(members as Array<object>, [
        { account: "dave", name: "dave", mobile: "" },
        { account: "alice", name: "alice", mobile: "138" }
      ])
      // Users of other organisations are known as members only.
      const unknown = (account: string) => failure(404, `There are no such users: ${account} (userList).`)
      assert.deepStrictEqual(
        yield* app.post("group/addmember", { id: own, userList: ["bob", "erin"] }),
        unknown("erin")
      )
      assert.deepStrictEqual(yield* app.post("group/delmember", { id: own, userList: ["dave"] }), unknown("dave"))
      assert.deepStrictEqual(yield* app.get("group/ismember", { id: joined, userId: "dave" }), ok({ belong: true }))
      const stranger = failure(404, "There are no such users: dave (userId).")
      assert.deepStrictEqual(yield* app.get("group/ismember", { id: own, userId: "dave" }), stranger)
      assert.deepStrictEqual(yield* app.get("group/list", { userId: "dave" }), stranger)
      // A speaker of another organisation gives no right to rename.
      yield* engine.perform(dave.caller, {
        _tag: "SetSenders",
        chat: { gid: joined },
        senders: [UserId(erin.id)]
      })
      const silent = failure(403, "No member of the app's organisation may speak in this group.")
      assert.deepStrictEqual(yield* app.post("group/update", { id: joined, name: "y" }), silent)
      // Only groups: no direct chats, no dissolved ones.
      const pair = yield* engine.perform(alice.caller, {
        _tag: "CreateChat",
        gid: "",
        name: "",
        type: "one2one",
        members: [UserId(bob.id)],
        subject: 0,
        public: false
      })
      assert.deepStrictEqual(yield* app.get("group/info", { id: pair.chat.gid }), NO_GROUP)
      yield* engine.perform(alice.caller, { _tag: "DissolveChat", chat: { gid: own } })
      assert.deepStrictEqual(yield* app.get("group/info", { id: own }), NO_GROUP)
      assert.deepStrictEqual((yield* app.get("group/list", { userId: "alice" }))["groupList"], [
        { id: joined, name: "Renamed" }
      ])
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("bad input names the field, in both forms, and changes nothing", () =>
    Effect.gen(function* () {
      const { app, everywhere, call, token } = yield* asked
      const store = yield* Store
      const { id } = yield* app.post("group/create", { name: "Crew" })
      const long = "字".repeat(65)
      const many = Array.from({ length: 1001 }, (_, index) => `u${index}`)
      type Row = readonly [path: string, fields: Record<string, unknown>, errmsg: string, errcode?: number]
      const table: ReadonlyArray<Row> = [
        ["group/create", {}, "name is missing."],
        ["group/create", { name: null }, "name is missing."],
        ["group/create", { name: 5 }, "name must be a string."],
        ["group/create", { name: "" }, "name must have 1 to 64 characters."],
        ["group/create", { name: "  " }, "name must not be blank."],
        ["group/create", { name: long }, "name must have 1 to 64 characters."],
        ["group/update", { name: "x" }, "id is missing."],
        ["group/update", { id: 7, name: "x" }, "id must be a string."],
        ["group/update", { id }, "name is missing."],
        ["group/update", { id, name: "" }, "name must have 1 to 64 characters."],
        ["group/addmember", { userList: ["bob"] }, "id is missing."],
        ["group/addmember", { id }, "userList is missing."],
        ["group/addmember", { id, userList: [] }, "userList must name at least one user."],
        ["group/addmember", { id, userList: "bob" }, "userList must be an array of accounts."],
        ["group/addmember", { id, userList: ["bob", 5] }, "userList[1] must be a string."],
        ["group/addmember", { id, userList: [""] }, "userList[0] must not be empty."],
        ["group/addmember", { id, userList: many }, "userList must name at most 1000 users."],
        ["group/addmember", { id, userList: ["bob", "x"] }, "There are no such users: x (userList).", 404],
        ["group/delmember", { id, userList: [long] }, "userList[0] must have at most 64 characters."],
        ["group/delmember", { id, userList: ["x"] }, "There are no such users: x (userList).", 404]
      ]
      for (const [path, fields, errmsg, errcode = 400] of table) {
        for (const asker of [app, everywhere]) {
          assert.deepStrictEqual(yield* asker.post(path, fields), failure(errcode, errmsg), JSON.stringify(fields))
        }
      }
      for (const [path, fields, errmsg] of [
        ["group/delete", {}, "id is missing."],
        ["group/info", {}, "id is missing."],
        ["group/ismember", { userId: "bob" }, "id is missing."],
        ["group/ismember", { id: String(id) }, "userId is missing."],
        ["group/ismember", { id: String(id), userId: "" }, "userId must not be empty."]
      ] as const) {
        assert.deepStrictEqual(yield* app.get(path, fields), failure(400, errmsg))
      }
      yield* call("HEAD", `/cgi/group/delete?accessToken=${token}&id=${String(id)}`)
      assert.deepStrictEqual((yield* store.chatByGid(String(id)))?.chat.version, 1)
      assert.deepStrictEqual(yield* app.get("group/delete", { groupId: String(id) }), ok())
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("all are listed for organisations of a limited size; groups of one user for all", () =>
    Effect.gen(function* () {
      const { app } = yield* asked
      const users = yield* Users
      yield* users.add(Array.from({ length: 2000 }, (_, index) => ({ account: `u${index}`, organisation: 1 })))
      const refused = failure(400, "userId is required, since the app has more than 2000 users.")
      assert.deepStrictEqual(yield* app.get("group/list", { userId: "" }), refused)
      assert.deepStrictEqual(yield* app.get("group/list", { userId: "u7" }), ok({ groupList: [] }))
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("are all that an app may change by itself: other commands are of users", () =>
    Effect.gen(function* () {
      const { app } = yield* asked
      const engine = yield* Engine
      const { id } = yield* app.post("group/create", { name: "Crew" })
      const chat = { gid: String(id) }
      const message = { gid: "m", chat, type: "normal", contentType: "text", content: "x" } as const
      for (const command of [
        { _tag: "JoinChat", chat },
        { _tag: "LeaveChat", chat },
        { _tag: "SendMessages", messages: [message] },
        { _tag: "ReadHistory", chat },
        { _tag: "ListUsers" },
        { _tag: "RenameUser", name: "x" }
      ] as const) {
        for (const scope of [{ organisation: 1 }, "everywhere"] as const) {
          const error = yield* Effect.flip(engine.perform({ app: scope, device: null }, command))
          assert.deepStrictEqual(error.reason, { _tag: "NotLoggedIn" }, command._tag)
        }
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("of 20 concurrent changes each is one step, and a deletion ends them", () =>
    Effect.gen(function* () {
      const { app } = yield* asked
      const store = yield* Store
      const { id } = yield* app.post("group/create", { name: "0" })
      const names = Array.from({ length: 20 }, (_, index) => `name ${index}`)
      const answers = yield* Effect.forEach(names, (name) => app.post("group/update", { id, name }), {
        concurrency: "unbounded"
      })
      assert.isTrue(answers.every(({ errcode }) => errcode === 0))
      assert.strictEqual((yield* store.chatByGid(String(id)))?.chat.version, 21)
      const ends = yield* Effect.forEach([1, 2, 3], () => app.get("group/delete", { id: String(id) }), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(
        ends.map(({ errcode }) => errcode).toSorted((a, b) => a - b),
        [0, 404, 404]
      )
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("where users see those of their organisation only", () => {
  it.effect("an app manages groups as before, and a shared group stays shared", () =>
    Effect.gen(function* () {
      const { app, everywhere } = yield* asked
      const { id } = yield* app.post("group/create", { name: "Crew" })
      assert.deepStrictEqual(yield* app.post("group/addmember", { id, userList: ["alice", "bob"] }), ok())
      const unknown = failure(404, "There are no such users: dave (userList).")
      assert.deepStrictEqual(yield* app.post("group/addmember", { id, userList: ["dave"] }), unknown)
      assert.deepStrictEqual(yield* everywhere.post("group/addmember", { id, userList: ["dave"] }), ok())
      assert.deepStrictEqual(yield* app.get("group/ismember", { id: String(id), userId: "dave" }), ok({ belong: true }))
      assert.deepStrictEqual(yield* app.post("group/delmember", { id, userList: ["dave"] }), ok())
      assert.deepStrictEqual(yield* app.get("group/delete", { id: String(id) }), ok())
    }).pipe(Effect.provide(engineLayer), Effect.provideService(Visibility, "organisation"))
  )
})

describe("a group and its record", () => {
  const batches: Array<WriteBatch> = []
  const recording = engineOver((store) => ({
    commit: (batch) => {
      batches.push(batch)
      return store.commit(batch)
    }
  }))

  it.effect("are one commit, when they are made and when they end", () =>
    Effect.gen(function* () {
      const { app } = yield* asked
      batches.length = 0
      const { id } = yield* app.post("group/create", { name: "Crew" })
      yield* app.get("group/delete", { id: String(id) })
      const tags = batches.map(({ writes }) => writes.map(({ _tag }) => _tag))
      assert.deepStrictEqual(tags, [
        ["CreateChat", "PutRecord"],
        ["Append", "PutRecord"]
      ])
    }).pipe(Effect.provide(recording))
  )
})
