import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Host from "../../../adapter-node/src/internal/http/HttpHost.ts"
import { Engine } from "@parley/core/Engine"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { clientOf, type Call, audited, engineLayer, GROUP, opened, addUsers, fixture } from "./harness.ts"

const ALL_OPERATIONS: ReadonlyArray<readonly [string, string]> = [
  ["GET", "/signature/login/1/alice"],
  ["GET", "/signature/conversion/1/alice/bob"],
  ["GET", "/signature/invite/1/alice/c"],
  ["GET", "/signature/invite/1/alice/c/bob"],
  ["GET", "/signature/kick/1/alice/c/bob"],
  ["POST", "/im/group"],
  ["PUT", "/im/group/1"],
  ["DELETE", "/im/group/1"],
  ["POST", "/im/group/1/member"],
  ["DELETE", "/im/group/1/member"],
  ["GET", "/im/org/2/groups"],
  ["GET", "/im/org/2/contacts"],
  ["POST", "/im/org/2/message"]
]

describe("access", () => {
  it.effect("is anonymous in a demonstration, and by token elsewhere", () =>
    Effect.gen(function* () {
      const cases = [
        [{}, true, 200],
        [{ "hisihi.auth": "auto" }, true, 200],
        [{ "hisihi.auth": "open" }, true, 200],
        [{ "hisihi.auth": "token" }, true, 401],
        [{}, false, 401],
        [{ "hisihi.auth": "auto" }, false, 401],
        [{ "hisihi.auth": "token" }, false, 401]
      ] as const
      for (const [settings, demonstration, status] of cases) {
        const call = yield* clientOf(yield* opened(settings, demonstration))
        assert.strictEqual((yield* call("GET", "/im/org/2/groups")).status, status)
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is never anonymous on a public server: opening fails and names the setting", () =>
    Effect.gen(function* () {
      const refused = yield* Effect.flip(opened({ "hisihi.auth": "open" }, false))
      assert.strictEqual(refused._tag, "DialectConfigError")
      assert.include(refused.message, "--set hisihi.auth=token")
      assert.notInclude(refused.message, "\n")
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect.each(ALL_OPERATIONS)("%s %s through a proxy is refused while access is open", ([method, path]) =>
    Effect.gen(function* () {
      const call = yield* fixture()
      for (const name of ["Forwarded", "X-Forwarded-For"]) {
        const reply = yield* call(method, path, { headers: { [name]: "for=192.0.2.1" } })
        assert.deepStrictEqual([reply.status, reply.json["error"]], [403, "forbidden"])
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is refused for other machines, by the address or by a trusted proxy", () =>
    Effect.gen(function* () {
      const { endpoints } = yield* opened({}, true)
      const host = yield* Host.make({ endpoints, trustedProxies: ["loopback"] })
      const call = (from: Host.RequestOrigin, headers: Record<string, string> = {}) =>
        Effect.promise(async () => {
          const request = new Request("http://parley/im/org/2/groups", { headers })
          return (await host.fetch(request, from)).status
        })
      for (const local of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) {
        assert.strictEqual(yield* call({ address: local }), 200)
        assert.strictEqual(yield* call({ peer: local }), 200)
        for (const client of ["192.0.2.1", "127.0.0.1", "unknown", ""]) {
          assert.strictEqual(yield* call({ peer: local }, { "x-forwarded-for": client }), 403, `${local} for ${client}`)
        }
        assert.strictEqual(yield* call({ peer: local }, { forwarded: "for=127.0.0.1" }), 403)
      }
      for (const other of ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1"]) {
        assert.strictEqual(yield* call({ address: other }), 403)
        assert.strictEqual(yield* call({ peer: other }), 403)
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect.each(ALL_OPERATIONS)("%s %s needs a live session's token", ([method, path]) =>
    Effect.gen(function* () {
      const call = yield* fixture({ "hisihi.auth": "token" })
      const heads: ReadonlyArray<Record<string, string>> = [
        {},
        { authorization: "Bearer" },
        { authorization: "Bearer nonsense" },
        { authorization: "Basic YTpi" }
      ]
      for (const headers of heads) {
        const reply = yield* call(method, path, { headers })
        assert.strictEqual(reply.status, 401)
        assert.deepStrictEqual(Object.keys(reply.json), ["error", "message"])
        assert.strictEqual(reply.json["error"], "unauthorized")
        assert.strictEqual(reply.headers.get("www-authenticate"), "Bearer")
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("of a user includes signatures for their own client id only", () =>
    Effect.gen(function* () {
      const call = yield* fixture({ "hisihi.auth": "token" })
      const [alice, bob] = yield* addUsers("alice", "bob")
      for (const [method, path] of ALL_OPERATIONS.filter(([, path]) => path.startsWith("/signature"))) {
        const naming = path.endsWith("/c/bob")
        assert.strictEqual((yield* call(method, path, { headers: alice! })).status, naming ? 403 : 200, path)
        const refused = yield* call(method, path, { headers: bob! })
        assert.deepStrictEqual([refused.status, refused.json["error"]], [403, "forbidden"], path)
        assert.include(String(refused.json["message"]), "client_id")
      }
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("with a token, the rules of every protocol hold", () => {
  it.effect("the creator owns a group, members rename and add, admins remove and delete, others see nothing", () =>
    Effect.gen(function* () {
      const call = yield* fixture({ "hisihi.auth": "token" })
      const [owner, member, stranger] = yield* addUsers("owner", "member", "stranger", "carol")
      const made = yield* call("POST", "/im/group", {
        form: { ...GROUP, member_client_ids: "member" },
        headers: owner!
      })
      assert.strictEqual(made.status, 201)
      const groups = (headers: Record<string, string>) => call("GET", "/im/org/2/groups", { headers })
      assert.strictEqual((yield* groups(member!)).json["total_count"], 1)
      assert.strictEqual((yield* groups(stranger!)).json["total_count"], 0)

      const steps: ReadonlyArray<readonly [string, string, Call, Record<string, string>, number]> = [
        ["PUT", "/im/group/1", { form: { group_name: "x" } }, stranger!, 404],
        ["POST", "/im/group/1/member", { form: { member_client_ids: "nobody" } }, stranger!, 404],
        ["DELETE", "/im/group/1/member", { form: { member_client_ids: "member" } }, stranger!, 404],
        ["DELETE", "/im/group/1", {}, stranger!, 404],
        ["PUT", "/im/group/1", { form: { group_name: "x" } }, member!, 200],
        ["POST", "/im/group/1/member", { form: { member_client_ids: "nobody" } }, member!, 400],
        ["POST", "/im/group/1/member", { form: { member_client_ids: "carol" } }, member!, 201],
        ["DELETE", "/im/group/1/member", { form: { member_client_ids: "carol" } }, member!, 403],
        ["DELETE", "/im/group/1", {}, member!, 403],
        ["DELETE", "/im/group/1/member", { form: { member_client_ids: "owner" } }, owner!, 403],
        ["DELETE", "/im/group/1/member", { form: { member_client_ids: "carol" } }, owner!, 204],
        ["DELETE", "/im/group/1", {}, owner!, 204]
      ]
      for (const [method, path, given, headers, status] of steps) {
        const reply = yield* call(method, path, { ...given, headers })
        assert.strictEqual(reply.status, status, `${method} ${path} ${JSON.stringify(given)} ${reply.text}`)
      }
      const users = yield* Users
      assert.isUndefined(yield* users.byAccount("nobody"))
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("a group of another protocol can be renamed, a direct chat cannot", () =>
    Effect.gen(function* () {
      const call = yield* fixture({ "hisihi.auth": "token" })
      const [alice] = yield* addUsers("alice", "bob")
      const users = yield* Users
      const engine = yield* Engine
      const [a, b] = [yield* users.byAccount("alice"), yield* users.byAccount("bob")]
      const create = { _tag: "CreateChat", gid: "g", name: "n", members: [b!.id], subject: 0, public: false } as const
      yield* engine.perform({ user: a!.id, device: null }, { ...create, type: "group" })
      yield* engine.perform({ user: a!.id, device: null }, { ...create, type: "one2one" })
      assert.strictEqual(
        (yield* call("PUT", "/im/group/1", { form: { group_name: "x" }, headers: alice! })).status,
        200
      )
      const pair = yield* call("PUT", "/im/group/2", { form: { group_name: "x" }, headers: alice! })
      assert.deepStrictEqual([pair.status, pair.json["message"]], [403, "This needs a group."])
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("broadcasts to a class are for system administrators only, and record the sender", () =>
    audited((acts) =>
      Effect.gen(function* () {
        const call = yield* fixture({ "hisihi.auth": "token" })
        const drafts = [
          { account: "alice", organisation: 2 },
          { account: "root", admin: true }
        ]
        const [alice, root] = yield* addUsers(...drafts)
        for (const id of [2, 9]) {
          const refused = yield* call("POST", `/im/org/${id}/message`, { headers: alice! })
          assert.deepStrictEqual(
            [refused.status, refused.json],
            [403, { error: "forbidden", message: "Only system administrators may do this." }]
          )
        }
        assert.strictEqual((yield* call("POST", "/im/org/2/message", { headers: root! })).status, 201)
        assert.deepStrictEqual(acts, [{ audit: "hisihi.class.message", actor: "root", class: 2 }])
        const store = yield* Store
        const records = yield* store.records("hisihi", "push-history")
        assert.deepStrictEqual(
          records.map(({ value }) => (value as { readonly sender: unknown }).sender),
          [2]
        )
      })
    ).pipe(Effect.provide(engineLayer))
  )

  it.effect.each([
    [{}, undefined],
    [{ "hisihi.newUsers": false }, undefined],
    [{ "hisihi.newUsers": true }, { audit: "hisihi.users.add", actor: "alice", users: 2, organisation: 2 }]
  ] as const)("%o: unknown client ids make users only where that is set", ([settings, act]) =>
    audited((acts) =>
      Effect.gen(function* () {
        const call = yield* fixture({ "hisihi.auth": "token", ...settings })
        const [alice] = yield* addUsers("alice", "bob")
        const form = { ...GROUP, member_client_ids: "bob:new:newer" }
        const result = yield* call("POST", "/im/group", { form, headers: alice! })
        const users = yield* Users
        if (act === undefined) {
          assert.deepStrictEqual(
            [result.status, result.json],
            [400, { error: "invalid_parameter", message: "member_client_ids: there are no such users: new, newer." }]
          )
          assert.isUndefined(yield* users.byAccount("new"))
          assert.strictEqual((yield* call("GET", "/im/org/2/groups", { headers: alice! })).json["total_count"], 0)
          assert.deepStrictEqual(acts, [])
          const known = { ...form, member_client_ids: "bob" }
          assert.strictEqual((yield* call("POST", "/im/group", { form: known, headers: alice! })).status, 201)
        } else {
          assert.strictEqual(result.status, 201)
          assert.deepInclude(yield* users.byAccount("newer"), { organisation: 2 })
          assert.deepStrictEqual(acts, [act])
        }
      })
    ).pipe(Effect.provide(engineLayer))
  )
})

describe("with a token, signatures that add or remove others", () => {
  it.effect("are for admins of the conversation's group; other users get them for themselves", () =>
    Effect.gen(function* () {
      const call = yield* fixture({ "hisihi.auth": "token" })
      const [owner, member, stranger, root] = yield* addUsers("owner", "member", "stranger", {
        account: "root",
        admin: true
      })
      const form = { ...GROUP, member_client_ids: "member", conversion_id: "known" }
      assert.strictEqual((yield* call("POST", "/im/group", { form, headers: owner! })).status, 201)
      // A later group cannot claim the conversation.
      const taken = { ...form, member_client_ids: "member" }
      assert.strictEqual((yield* call("POST", "/im/group", { form: taken, headers: stranger! })).status, 201)

      const check = Effect.fnUntraced(function* (
        account: string,
        headers: Record<string, string>,
        expected: Readonly<Record<string, number>>
      ) {
        for (const [what, status] of Object.entries(expected)) {
          const [action, conversation, ids = ""] = what.split(" ")
          const path = `/signature/${action}/1/${account}/${conversation}/${ids}`
          assert.strictEqual((yield* call("GET", path, { headers })).status, status, path)
        }
      })
      yield* check("owner", owner!, {
        "invite known bob:member": 200,
        "kick known member": 200,
        "invite known": 200,
        "invite unknown member": 403,
        "kick unknown member:owner": 403,
        "kick unknown owner": 200
      })
      yield* check("member", member!, {
        "invite known bob": 403,
        "kick known owner": 403,
        "kick known owner:member": 403,
        "kick known member": 200,
        "invite known": 200,
        "invite unknown": 200,
        "invite unknown member": 200
      })
      yield* check("stranger", stranger!, {
        "invite known bob": 403,
        "invite known": 404,
        "invite known stranger": 404,
        "kick known member": 403,
        "kick known stranger": 404,
        "invite unknown": 200
      })
      yield* check("root", root!, { "kick known member": 403, "invite known": 404 })

      // A deleted group has no admins, even with a new group of the same conversation.
      assert.strictEqual((yield* call("DELETE", "/im/group/1", { headers: owner! })).status, 204)
      assert.strictEqual((yield* call("POST", "/im/group", { form, headers: member! })).status, 201)
      yield* check("member", member!, { "kick known owner": 403, "kick known member": 404 })
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("belong to one group even if two are created concurrently for one conversation", () =>
    Effect.gen(function* () {
      const call = yield* fixture({ "hisihi.auth": "token" })
      const both = yield* addUsers("alice", "bob")
      yield* addUsers("carol")
      const form = { ...GROUP, member_client_ids: "carol" }
      const made = yield* Effect.forEach(both, (headers) => call("POST", "/im/group", { form, headers }), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(
        made.map(({ status }) => status),
        [201, 201]
      )
      const signed = yield* Effect.forEach(["alice", "bob"], (account, index) =>
        call("GET", `/signature/kick/1/${account}/${GROUP.conversion_id}/carol`, { headers: both[index]! })
      )
      assert.deepStrictEqual(
        signed.map(({ status }) => status).toSorted((a, b) => a - b),
        [200, 403]
      )
    }).pipe(Effect.provide(engineLayer))
  )
})
