/** Rejections by an embedder's hook reach the client in each protocol's own shape, over real connections. */
import { assert, describe, it } from "@effect/vitest"
import { type HookedCommand, Hooks } from "@parley/core/Hooks"
import { Credentials } from "@parley/core/Credentials"
import { Sessions } from "@parley/core/Sessions"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { Effect } from "effect"
import { newGid, webSocket } from "../../server/test/clients.ts"
import { engine, served } from "./serveDialect.ts"

const MESSAGE = "No advertisements here, 请注意."
const BANNED = "This name is banned."

const isBanned = (command: HookedCommand): boolean =>
  (command._tag === "CreateChat" || command._tag === "RenameChat" || command._tag === "EditChat") &&
  command.name === "Banned"

const hooks: Hooks = {
  before: (command) =>
    Effect.succeed(
      isBanned(command)
        ? { _tag: "Reject", message: BANNED }
        : (command._tag === "SendMessages" && command.messages.some(({ content }) => content.includes("spam"))) ||
            (command._tag === "AddFiles" && command.files.some(({ title }) => title.includes("spam")))
          ? { _tag: "Reject", code: "spam", message: MESSAGE }
          : undefined
    )
}

/** Alice, a system administrator, and Bob and Carol, each with a token. */
const fixture = Effect.gen(function* () {
  const users = yield* Users
  const sessions = yield* Sessions
  const added = yield* users.add([{ account: "alice", admin: true }, { account: "bob" }, { account: "carol" }])
  const [alice, bob, carol] = added
  if (!alice || !bob || !carol) return yield* Effect.die("no people")
  const { token } = yield* sessions.issue(alice.id, "token")
  return { ...(yield* served), alice, bob, carol, token }
})

const hooked = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  test.pipe(Effect.scoped, Effect.provide(engine), Effect.provideService(Hooks, hooks))

const nothingStored = Effect.gen(function* () {
  const store = yield* Store
  for (const id of (yield* store.users([1 as never])).map((user) => user.id)) {
    for (const chat of yield* store.chatsOf(id)) {
      assert.deepStrictEqual(yield* store.history(chat, { from: 1, to: 100 }), [])
    }
  }
})

describe("a rejection by the host", () => {
  it.live("is a fail with the host's message in xuanxuan, for each message of a request", () =>
    hooked(
      Effect.gen(function* () {
        const { http, alice, bob, call, token } = yield* fixture
        const client = yield* webSocket(http)
        const password = yield* (yield* Credentials).mint(alice.id)
        yield* client.get("login", { account: "alice", password })
        const [gid, one, two] = [newGid(), newGid(), newGid()]
        yield* client.get("create", { gid, name: "Group", type: "group", members: [{ id: bob.id }] })
        const refused = yield* client.ask("message", [
          { gid: one, cgid: gid, content: "hello" },
          { gid: two, cgid: gid, content: "spam" }
        ])
        const expected = { module: "chat", method: "message", result: "fail", sid: client.sid(), message: MESSAGE }
        assert.deepStrictEqual(refused, {
          ...expected,
          data: [
            { gid: one, cgid: gid, message: MESSAGE },
            { gid: two, cgid: gid, message: MESSAGE }
          ]
        })
        const create = yield* client.ask("create", { gid: newGid(), name: "Banned", type: "group", members: [] })
        assert.deepStrictEqual(create, { ...expected, method: "create", message: BANNED })
        yield* nothingStored
        const form = new FormData()
        form.set("gid", gid)
        form.set("files", new Blob(["x"]), "spam.txt")
        assert.deepStrictEqual(yield* call("POST", `/attach-upload.json?sid=${token}`, { form }), {
          status: 403,
          json: { module: "attach", method: "upload", result: "fail", message: MESSAGE }
        })
      })
    )
  )

  it.live("is a 403 in spark, with the host's code if any", () =>
    hooked(
      Effect.gen(function* () {
        const { call, token } = yield* fixture
        const post = (path: string, json: unknown) => call("POST", `${path}?token=${token}`, { json })
        const { json } = yield* post("/session/start", { To: ["bob", "carol"] })
        const { SessionId } = json as { readonly SessionId: string }
        assert.deepStrictEqual(yield* post("/message/push", { SessionId, Type: 0, Content: "spam" }), {
          status: 403,
          json: { success: false, error: "spam", message: MESSAGE }
        })
        assert.deepStrictEqual(yield* post("/session/Edit", { SessionId, Data: { name: "Banned" } }), {
          status: 403,
          json: { success: false, error: "forbidden", message: BANNED }
        })
        yield* nothingStored
      })
    )
  )

  it.live("is a 403 in hisihi, with the host's code if any", () =>
    hooked(
      Effect.gen(function* () {
        const { call, token } = yield* fixture
        const headers = { authorization: `Bearer ${token}` }
        const group = {
          group_name: "Banned",
          member_client_ids: "bob:carol",
          organization_id: 2,
          conversion_id: "c",
          group_avatar: ""
        }
        assert.deepStrictEqual(yield* call("POST", "/im/group", { headers, json: group }), {
          status: 403,
          json: { error: "forbidden", message: BANNED }
        })
      })
    )
  )

  it.live("is a 403 with the envelope in ha", () =>
    hooked(
      Effect.gen(function* () {
        const { call, token, bob } = yield* fixture
        const headers = { "x-ha-key": "ha-demo", "x-ha-session": token }
        const started = yield* call("POST", "/conversation", {
          headers,
          json: { passiveuser: bob.id, time: "1700000000123" }
        })
        const { data } = started.json as { readonly data: { readonly conversationid: number } }
        const { conversationid } = data
        const message = { conversationid, type: -1, content: "spam", time: "1700000000123" }
        assert.deepStrictEqual(yield* call("POST", "/message", { headers, json: message }), {
          status: 403,
          json: { code: 1, msg: "不成功", data: null, error: MESSAGE }
        })
        yield* nothingStored
      })
    )
  )

  it.live("is errcode 403 in youdu", () =>
    hooked(
      Effect.gen(function* () {
        const { call, token } = yield* fixture
        const session = { title: "Banned", creator: "alice", member: ["bob", "carol"], type: "multi" }
        assert.deepStrictEqual(yield* call("POST", `/cgi/session/create?accessToken=${token}`, { json: session }), {
          status: 200,
          json: { errcode: 403, errmsg: BANNED }
        })
      })
    )
  )
})
