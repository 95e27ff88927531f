import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Engine } from "@parley/core/Engine"
import { ChatId } from "@parley/core/Ids"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { type Call, engineLayer, GROUP, addUsers, fixture } from "./harness.ts"

/** All visible facts of a group, by the id of its chat. */
const chatOf = Effect.fnUntraced(function* (id: number) {
  const { context } = yield* Engine
  const users = yield* Users
  const cached = yield* context.chats.find({ id: ChatId(id) })
  assert.isDefined(cached)
  const accounts = yield* Effect.forEach(cached.chat.members.keys(), (user) => users.byId(user))
  return { ...cached.chat, accounts: accounts.map((user) => user?.account) }
})

describe("creating a group", () => {
  const documented =
    '{"group_id":1,"group_name":"666","member_client_ids":"o12:u232:p23","organization_id":2,' +
    '"conversion_id":"dasjfr4529sadfh","group_avatar":"http://pic.hisihi.com/232rwfrqw.jpg"}'
  const ways: ReadonlyArray<readonly [string, Call]> = [
    ["a form", { form: GROUP }],
    ["a form in parts", { parts: GROUP }],
    ["a query", { query: GROUP }],
    ["JSON", { json: { ...GROUP, organization_id: 2, unknown: true } }],
    ["JSON with numbers as text", { json: GROUP }],
    ["JSON that says it is something else", { body: JSON.stringify(GROUP), headers: { "content-type": "text/plain" } }],
    ["a body before a query", { form: GROUP, query: { group_name: "other", conversion_id: "other" } }]
  ]
  it.effect.each(ways)("from %s returns 201 with the documented fields", ([, given]) =>
    Effect.gen(function* () {
      const call = yield* fixture()
      const reply = yield* call("POST", "/im/group", given)
      assert.deepStrictEqual([reply.status, reply.text], [201, documented])
      const chat = yield* chatOf(1)
      assert.deepStrictEqual(chat.accounts, ["o12", "u232", "p23"])
      assert.deepInclude(chat, { name: "666", type: "group", public: false, owner: null, createdBy: null })
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect('keeps known users, adds unknown ones without a password, and returns a missing avatar as "0"', () =>
    Effect.gen(function* () {
      const call = yield* fixture()
      yield* addUsers({ account: "o12", organisation: 7, avatar: "http://a/1.png" })
      const { group_avatar: _, ...bare } = GROUP
      const { json } = yield* call("POST", "/im/group", { form: { ...bare, member_client_ids: "o12:u232:o12" } })
      assert.deepInclude(json, { member_client_ids: "o12:u232:o12", group_avatar: "0" })
      const users = yield* Users
      const store = yield* Store
      const [known, added] = [yield* users.byAccount("o12"), yield* users.byAccount("u232")]
      assert.deepInclude(known, { organisation: 7, avatar: "http://a/1.png" })
      assert.deepInclude(added, { organisation: 2, realname: "u232", admin: false })
      assert.isNull(yield* store.password(added!.id))
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("50 times concurrently, with the same unknown client ids, creates 50 groups and each user once", () =>
    Effect.gen(function* () {
      const call = yield* fixture()
      const replies = yield* Effect.forEach(
        Array.from({ length: 50 }, (_, index) => index),
        (index) => call("POST", "/im/group", { form: { ...GROUP, conversion_id: `c${index}` } }),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(new Set(replies.map(({ status }) => status)), new Set([201]))
      assert.strictEqual(new Set(replies.map(({ json }) => json["group_id"])).size, 50)
      const users = yield* Users
      assert.deepStrictEqual((yield* users.list).map(({ account }) => account).sort(), ["o12", "p23", "u232"])
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is named 群聊 without a name", () =>
    Effect.gen(function* () {
      const call = yield* fixture()
      const { group_name: _name, ...unnamed } = GROUP
      for (const [index, given] of [{ form: unnamed }, { json: { ...unnamed, group_name: null } }].entries()) {
        const { status, json } = yield* call("POST", "/im/group", given)
        assert.deepStrictEqual([status, json["group_name"]], [201, "群聊"])
        const listed = (yield* call("GET", "/im/org/2/groups")).json["data"] as ReadonlyArray<object>
        assert.deepInclude(listed[index], { group_name: "群聊" })
      }
    }).pipe(Effect.provide(engineLayer))
  )

  const without = (name: keyof typeof GROUP): Record<string, string> =>
    Object.fromEntries(Object.entries(GROUP).filter(([key]) => key !== name))
  const bad: ReadonlyArray<readonly [string, Call, string]> = [
    ["nothing", {}, "member_client_ids is missing"],
    ["a blank name", { form: { ...GROUP, group_name: "  " } }, "group_name must not be empty"],
    ["a long name", { form: { ...GROUP, group_name: "n".repeat(256) } }, "group_name must have at most 255"],
    ["a name that is no text", { json: { ...GROUP, group_name: 666 } }, "group_name must be a string"],
    ["half a character", { json: { ...GROUP, group_name: "\ud800" } }, "group_name must be well-formed Unicode"],
    ["half a member", { json: { ...GROUP, member_client_ids: "a:\udc00" } }, "member_client_ids must be well-formed"],
    ["no members", { form: without("member_client_ids") }, "member_client_ids is missing"],
    ["empty members", { form: { ...GROUP, member_client_ids: "" } }, "member_client_ids must not be empty"],
    ["an empty member", { form: { ...GROUP, member_client_ids: "a::b" } }, "member_client_ids must be client ids"],
    [
      "a member with a comma",
      { form: { ...GROUP, member_client_ids: "a:b,c" } },
      "member_client_ids must be client ids"
    ],
    [
      "a long member",
      { form: { ...GROUP, member_client_ids: "x".repeat(65) } },
      "member_client_ids must be client ids"
    ],
    ["members in a list", { json: { ...GROUP, member_client_ids: ["a"] } }, "member_client_ids must be a string"],
    ["too many members", { form: { ...GROUP, member_client_ids: "a:".repeat(1000) + "b" } }, "at most 1000 users"],
    ["no organisation", { form: without("organization_id") }, "organization_id is missing"],
    ["organisation 0", { form: { ...GROUP, organization_id: "0" } }, "organization_id must be a positive integer"],
    ["organisation -1", { json: { ...GROUP, organization_id: -1 } }, "organization_id must be a positive integer"],
    ["organisation 1.5", { json: { ...GROUP, organization_id: 1.5 } }, "organization_id must be a positive integer"],
    ["organisation x", { form: { ...GROUP, organization_id: "x" } }, "organization_id must be a positive integer"],
    ["organisation true", { json: { ...GROUP, organization_id: true } }, "organization_id must be a positive integer"],
    ["organisation 2^60", { form: { ...GROUP, organization_id: "1152921504606846976" } }, "organization_id must be"],
    ["no conversation", { form: without("conversion_id") }, "conversion_id is missing"],
    ["an empty conversation", { form: { ...GROUP, conversion_id: "" } }, "conversion_id must not be empty"],
    ["a conversation with a colon", { form: { ...GROUP, conversion_id: "a:b" } }, "conversion_id must not contain"],
    ["an avatar that is no text", { json: { ...GROUP, group_avatar: {} } }, "group_avatar must be a string"],
    ["a long avatar", { form: { ...GROUP, group_avatar: "x".repeat(2049) } }, "group_avatar must have at most 2048"],
    ["broken JSON", { body: "{", headers: { "content-type": "application/json" } }, "The body is not JSON"],
    ["an array", { json: [GROUP] }, "The body must be a JSON object"],
    ["a text", { json: "x" }, "The body must be a JSON object"],
    ["null", { json: null }, "The body must be a JSON object"],
    ["a broken form in parts", { body: "--x", headers: { "content-type": "multipart/form-data" } }, "The body "]
  ]
  it.effect.each(bad)("with %s is refused, and nothing is stored", ([, given, message]) =>
    Effect.gen(function* () {
      const call = yield* fixture()
      const reply = yield* call("POST", "/im/group", given)
      assert.deepStrictEqual([reply.status, Object.keys(reply.json)], [400, ["error", "message"]])
      assert.strictEqual(reply.json["error"], "invalid_parameter")
      assert.include(String(reply.json["message"]), message)
      const users = yield* Users
      const store = yield* Store
      assert.deepStrictEqual(yield* users.list, [])
      assert.deepStrictEqual(yield* store.chats([1, 2].map(ChatId)), [])
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("a group", () => {
  it.effect("is renamed, gets and loses members, and is deleted", () =>
    Effect.gen(function* () {
      const call = yield* fixture()
      yield* call("POST", "/im/group", { form: GROUP })
      const renamed = yield* call("PUT", "/im/group/1", { form: { group_name: "g123" } })
      assert.deepStrictEqual([renamed.status, renamed.text], [200, '{"group_name":"g123"}'])
      const added = yield* call("POST", "/im/group/1/member", { form: { member_client_ids: "667:775:o12" } })
      assert.deepStrictEqual([added.status, added.text], [201, '{"group_id":1,"member_client_ids":"667:775:o12"}'])
      assert.deepInclude(yield* chatOf(1), { name: "g123", accounts: ["o12", "u232", "p23", "667", "775"] })

      for (const given of [
        { query: { member_client_ids: "667:nobody" } },
        { form: { member_client_ids: "667" } },
        { json: { member_client_ids: "nobody" } }
      ]) {
        const removed = yield* call("DELETE", "/im/group/1/member", given)
        assert.deepStrictEqual([removed.status, removed.text], [204, ""])
      }
      assert.deepStrictEqual((yield* chatOf(1)).accounts, ["o12", "u232", "p23", "775"])
      const users = yield* Users
      assert.isUndefined(yield* users.byAccount("nobody"))

      const deleted = yield* call("DELETE", "/im/group/1")
      assert.deepStrictEqual([deleted.status, deleted.text], [204, ""])
      assert.isTrue((yield* chatOf(1)).dissolved)
      for (const [method, path, given] of afterwards) {
        const reply = yield* call(method, path, given)
        assert.deepStrictEqual(
          [reply.status, reply.text],
          [404, '{"error":"not_found","message":"There is no such group."}'],
          `${method} ${path}`
        )
      }
      assert.isUndefined(yield* users.byAccount("stranger"))
    }).pipe(Effect.provide(engineLayer))
  )

  const afterwards: ReadonlyArray<readonly [string, string, Call]> = [
    ["PUT", "/im/group/1", { form: { group_name: "x" } }],
    ["DELETE", "/im/group/1", {}],
    ["POST", "/im/group/1/member", { form: { member_client_ids: "stranger" } }],
    ["DELETE", "/im/group/1/member", { form: { member_client_ids: "stranger" } }],
    ["PUT", "/im/group/999", { form: { group_name: "x" } }],
    ["DELETE", "/im/group/999", {}],
    ["POST", "/im/group/999/member", { form: { member_client_ids: "stranger" } }],
    ["DELETE", "/im/group/999/member", { form: { member_client_ids: "stranger" } }]
  ]

  it.effect("of another protocol does not exist for anonymous callers", () =>
    Effect.gen(function* () {
      const call = yield* fixture()
      const users = yield* Users
      const engine = yield* Engine
      const [owner] = yield* users.add([{ account: "owner" }])
      yield* engine.perform(
        { user: owner!.id, device: null },
        { _tag: "CreateChat", gid: "g", name: "theirs", type: "group", members: [], subject: 0, public: true }
      )
      for (const [method, path, given] of afterwards) {
        assert.strictEqual((yield* call(method, path, given)).status, 404, `${method} ${path}`)
      }
      assert.deepInclude(yield* chatOf(1), { name: "theirs", dissolved: false, accounts: ["owner"] })
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is deleted once under concurrent requests", () =>
    Effect.gen(function* () {
      const call = yield* fixture()
      yield* call("POST", "/im/group", { form: GROUP })
      const replies = yield* Effect.forEach(Array.from({ length: 20 }), () => call("DELETE", "/im/group/1"), {
        concurrency: "unbounded"
      })
      const counts = replies.map(({ status }) => status).toSorted((a, b) => a - b)
      assert.deepStrictEqual(counts, [204, ...Array.from({ length: 19 }, () => 404)])
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("has all members that were added concurrently", () =>
    Effect.gen(function* () {
      const call = yield* fixture()
      yield* call("POST", "/im/group", { form: GROUP })
      const ids = Array.from({ length: 15 }, (_, index) => `new${index}`)
      yield* Effect.forEach(ids, (id) => call("POST", "/im/group/1/member", { form: { member_client_ids: id } }), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(new Set((yield* chatOf(1)).accounts.slice(3)), new Set(ids))
    }).pipe(Effect.provide(engineLayer))
  )

  const bad: ReadonlyArray<readonly [string, string, Call, string]> = [
    ["PUT", "/im/group/x", { form: { group_name: "x" } }, "group_id must be a positive integer"],
    ["PUT", "/im/group/0", { form: { group_name: "x" } }, "group_id must be a positive integer"],
    ["PUT", "/im/group/-1", { form: { group_name: "x" } }, "group_id must be a positive integer"],
    ["PUT", "/im/group/1.5", { form: { group_name: "x" } }, "group_id must be a positive integer"],
    ["PUT", "/im/group/99999999999999999999", { form: { group_name: "x" } }, "group_id must be a positive integer"],
    ["PUT", "/im/group/1", {}, "group_name is missing"],
    ["PUT", "/im/group/1", { form: { group_name: "" } }, "group_name must not be empty"],
    ["PUT", "/im/group/1", { form: { group_name: "n".repeat(256) } }, "group_name must have at most 255"],
    ["PUT", "/im/group/1", { json: { group_name: ["x"] } }, "group_name must be a string"],
    ["PUT", "/im/group/1", { body: "{" }, "The body is not JSON"],
    ["DELETE", "/im/group/x", {}, "group_id must be a positive integer"],
    ["POST", "/im/group/x/member", { form: { member_client_ids: "a" } }, "group_id must be a positive integer"],
    ["POST", "/im/group/1/member", {}, "member_client_ids is missing"],
    ["POST", "/im/group/1/member", { form: { member_client_ids: ":" } }, "member_client_ids must be client ids"],
    ["POST", "/im/group/1/member", { json: { member_client_ids: 667 } }, "member_client_ids must be a string"],
    ["POST", "/im/group/1/member", { json: [] }, "The body must be a JSON object"],
    ["DELETE", "/im/group/x/member", { form: { member_client_ids: "a" } }, "group_id must be a positive integer"],
    ["DELETE", "/im/group/1/member", {}, "member_client_ids is missing"],
    ["DELETE", "/im/group/1/member", { query: { member_client_ids: "a b" } }, "member_client_ids must be client ids"]
  ]
  it.effect.each(bad)("is not changed by %s %s with invalid parameters", ([method, path, given, message]) =>
    Effect.gen(function* () {
      const call = yield* fixture()
      yield* call("POST", "/im/group", { form: GROUP })
      const before = yield* chatOf(1)
      const reply = yield* call(method, path, given)
      assert.deepStrictEqual([reply.status, reply.json["error"]], [400, "invalid_parameter"])
      assert.include(String(reply.json["message"]), message)
      assert.deepStrictEqual(yield* chatOf(1), before)
    }).pipe(Effect.provide(engineLayer))
  )
})
