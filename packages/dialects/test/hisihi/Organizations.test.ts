import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ChatId } from "@parley/core/Ids"
import { Store } from "@parley/core/Store"
import { TestClock } from "effect/testing"
import { clientOf, engineLayer, GROUP, opened, addUsers, fixture } from "./harness.ts"

describe("the groups of an organisation", () => {
  it.effect("are listed by id, in pages of 20 by default", () =>
    Effect.gen(function* () {
      const call = yield* fixture()
      for (let id = 1; id <= 23; id++) {
        yield* call("POST", "/im/group", { form: { ...GROUP, group_name: `g${id}`, organization_id: "2" } })
      }
      yield* call("POST", "/im/group", { form: { ...GROUP, organization_id: "20" } })
      const listed = (from: number, to: number) =>
        Array.from({ length: to - from + 1 }, (_, index) => ({ id: from + index, group_name: `g${from + index}` }))
      const cases: ReadonlyArray<readonly [Record<string, string>, ReadonlyArray<object>]> = [
        [{}, listed(1, 20)],
        [{ page: "1" }, listed(1, 20)],
        [{ page: "2" }, listed(21, 23)],
        [{ page: "3" }, []],
        [{ per_page: "5" }, listed(1, 5)],
        [{ page: "2", per_page: "5" }, listed(6, 10)],
        [{ page: "1", per_page: "1000" }, listed(1, 23)],
        [{ page: "9007199254740991", per_page: "1000" }, []]
      ]
      for (const [query, data] of cases) {
        const reply = yield* call("GET", "/im/org/2/groups", { query })
        assert.deepStrictEqual([reply.status, reply.text], [200, JSON.stringify({ total_count: 23, data })])
      }
      yield* call("DELETE", "/im/group/2")
      yield* call("PUT", "/im/group/3", { form: { group_name: "renamed" } })
      const { json } = yield* call("GET", "/im/org/2/groups", { query: { per_page: "2" } })
      assert.deepStrictEqual(json, {
        total_count: 22,
        data: [
          { id: 1, group_name: "g1" },
          { id: 3, group_name: "renamed" }
        ]
      })
      const none = yield* call("GET", "/im/org/7/groups")
      assert.deepStrictEqual([none.status, none.text], [200, '{"total_count":0,"data":[]}'])
    }).pipe(Effect.provide(engineLayer))
  )

  const bad: ReadonlyArray<readonly [string, string, string]> = [
    ["/im/org/x/groups", "", "organization_id must be a positive integer"],
    ["/im/org/0/groups", "", "organization_id must be a positive integer"],
    ["/im/org/2/groups", "page=0", "page must be a positive integer"],
    ["/im/org/2/groups", "page=-1", "page must be a positive integer"],
    ["/im/org/2/groups", "page=x", "page must be a positive integer"],
    ["/im/org/2/groups", "page=", "page must be a positive integer"],
    ["/im/org/2/groups", "per_page=0", "per_page must be 1 to 1000"],
    ["/im/org/2/groups", "per_page=1001", "per_page must be 1 to 1000"],
    ["/im/org/2/groups", "per_page=1.5", "per_page must be 1 to 1000"],
    ["/im/org/x/contacts", "", "organization_id must be a positive integer"]
  ]
  it.effect.each(bad)("%s?%s is refused", ([path, query, message]) =>
    Effect.gen(function* () {
      const call = yield* fixture()
      const reply = yield* call("GET", path, { query: Object.fromEntries(new URLSearchParams(query)) })
      assert.deepStrictEqual([reply.status, reply.json["error"]], [400, "invalid_parameter"])
      assert.include(String(reply.json["message"]), message)
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("the contacts of an organisation", () => {
  it.effect('are its groups, then its users; a missing avatar is "0"', () =>
    Effect.gen(function* () {
      const call = yield* fixture()
      yield* addUsers(
        { account: "lee", realname: "LEE", organisation: 2, avatar: "http://a/55a62d15b9fc4.jpg" },
        { account: "ada", organisation: 2 },
        { account: "eve", organisation: 1 }
      )
      const { group_avatar: _, ...bare } = { ...GROUP, member_client_ids: "lee:eve" }
      yield* call("POST", "/im/group", { form: { ...bare, group_name: "g123" } })
      yield* call("POST", "/im/group", { form: { ...bare, group_name: "676", group_avatar: "http://a/g.jpg" } })
      const reply = yield* call("GET", "/im/org/2/contacts")
      assert.strictEqual(reply.status, 200)
      assert.strictEqual(
        reply.text,
        '{"data":[{"id":1,"avatar":"0","name":"g123","type":"group"},' +
          '{"id":2,"avatar":"http://a/g.jpg","name":"676","type":"group"},' +
          '{"id":1,"avatar":"http://a/55a62d15b9fc4.jpg","name":"LEE","type":"user"},' +
          '{"id":2,"avatar":"0","name":"ada","type":"user"}]}'
      )
      assert.strictEqual((yield* call("GET", "/im/org/9/contacts")).text, '{"data":[]}')
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("a broadcast to a class", () => {
  it.effect("is a record with an id, the class and the time only", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1450167470055)
      const call = yield* fixture()
      const reply = yield* call("POST", "/im/org/2/message")
      assert.deepStrictEqual([reply.status, reply.text], [201, '{"class_id":2,"push_history_record_id":1}'])
      const store = yield* Store
      assert.deepStrictEqual(yield* store.records("hisihi", "push-history"), [
        {
          dialect: "hisihi",
          kind: "push-history",
          key: "0000000000000001",
          value: { class: 2, sender: null, at: 1450167470055 }
        }
      ])
      assert.deepStrictEqual(yield* store.chats([ChatId(1)]), [])
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("has a unique id, even concurrently and from two servers on one store", () =>
    Effect.gen(function* () {
      const asks = [yield* fixture(), yield* fixture()]
      const replies = yield* Effect.forEach(
        Array.from({ length: 40 }, (_, index) => index),
        (index) => asks[index % 2]!("POST", "/im/org/2/message"),
        { concurrency: "unbounded" }
      )
      const ids = replies.map(({ json }) => Number(json["push_history_record_id"]))
      assert.strictEqual(new Set(ids).size, 40, ids.join())
      const again = yield* clientOf(yield* opened())
      const next = (yield* again("POST", "/im/org/2/message")).json
      assert.isAbove(Number(next["push_history_record_id"]), Math.max(...ids))
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("needs a class: one that the operator added, or an organisation with users or groups", () =>
    Effect.gen(function* () {
      const { commands } = yield* opened()
      const call = yield* fixture()
      yield* addUsers({ account: "lee", organisation: 5 })
      yield* call("POST", "/im/group", { form: { ...GROUP, organization_id: "6", member_client_ids: "lee" } })
      const add = commands.find(({ path: words }) => words.join(" ") === "class add")
      assert.strictEqual(yield* add!.run({ id: 7 }), "added class 7")
      assert.strictEqual(yield* Effect.flip(add!.run({ id: 7 })), "class 7 exists already")
      assert.strictEqual(yield* Effect.flip(add!.run({ id: 0 })), "id must be a positive integer")
      for (const id of [2, 5, 6, 7]) assert.strictEqual((yield* call("POST", `/im/org/${id}/message`)).status, 201)
      for (const id of [1, 99]) {
        const reply = yield* call("POST", `/im/org/${id}/message`)
        assert.deepStrictEqual(
          [reply.status, reply.text],
          [404, '{"error":"not_found","message":"There is no such class."}']
        )
      }
      const bad = yield* call("POST", "/im/org/two/message")
      assert.deepStrictEqual(bad.json, {
        error: "invalid_parameter",
        message: "class_id must be a positive integer."
      })
    }).pipe(Effect.provide(engineLayer))
  )
})
