/** Silenced members and blocked users are refused in each protocol's own shape. */
import { assert, describe, it } from "@effect/vitest"
import { Credentials } from "@parley/core/Credentials"
import { Engine } from "@parley/core/Engine"
import { Sessions } from "@parley/core/Sessions"
import { Users } from "@parley/core/Users"
import { Effect } from "effect"
import { newGid, webSocket } from "../../server/test/clients.ts"
import { engine, served } from "./serveDialect.ts"

/** A public group of bob, its owner, and alice, who is logged in through xuanxuan. */
const fixture = Effect.gen(function* () {
  const users = yield* Users
  const [alice, bob] = yield* users.add([{ account: "alice" }, { account: "bob" }])
  if (!alice || !bob) return yield* Effect.die("no people")
  const sessions = yield* Sessions
  const { http, call } = yield* served
  const client = yield* webSocket(http)
  const password = yield* Effect.flatMap(Credentials, (credentials) => credentials.mint(alice.id))
  yield* client.get("login", { account: "alice", password })
  const { perform } = yield* Engine
  const owner = { user: bob.id, device: null }
  const gid = newGid()
  const members = [alice.id]
  yield* perform(owner, { _tag: "CreateChat", gid, name: "Group", type: "group", members, subject: 0, public: true })
  const tokenOf = (user: typeof alice) => Effect.map(sessions.issue(user.id, "token"), ({ token }) => token)
  return { alice, bob, call, client, gid, owner, perform, tokenOf }
})

describe("in a group", () => {
  it.live("a silenced member is refused by xuanxuan and spark", () =>
    Effect.gen(function* () {
      const { alice, call, client, gid, owner, perform, tokenOf } = yield* fixture
      yield* perform(owner, { _tag: "SilenceMembers", chat: { gid }, members: [alice.id], silenced: true })
      const refused = yield* client.ask("message", [{ gid: newGid(), cgid: gid, content: "hello" }])
      assert.deepInclude(refused, { result: "fail", message: "No message was stored. You may not speak in this chat." })
      const renamed = yield* client.ask("changename", { gid, name: "Mine" })
      assert.deepInclude(renamed, { result: "fail", message: "You may not speak in this chat." })
      const token = yield* tokenOf(alice)
      const json = { SessionId: gid, Type: 0, Content: "hello" }
      const pushed = yield* call("POST", `/message/push?token=${token}`, { json })
      assert.strictEqual(pushed.status, 403)
      assert.deepInclude(pushed.json, { success: false, error: "may_not_speak" })
      yield* perform(owner, { _tag: "SilenceMembers", chat: { gid }, members: [alice.id], silenced: false })
      yield* client.say(gid, "hello")
    }).pipe(Effect.scoped, Effect.provide(engine))
  )

  it.live("a blocked user is refused by xuanxuan and spark", () =>
    Effect.gen(function* () {
      const { alice, bob, call, client, gid, owner, perform, tokenOf } = yield* fixture
      yield* perform(owner, { _tag: "BlockUsers", chat: { gid }, users: [alice.id], blocked: true })
      const joined = yield* client.ask("joinchat", { gid, join: true })
      assert.deepInclude(joined, { result: "fail", message: "You are blocked from this chat." })
      const json = { SessionId: gid, To: ["alice"] }
      const added = yield* call("POST", `/session/AddMember?token=${yield* tokenOf(bob)}`, { json })
      assert.strictEqual(added.status, 403)
      assert.deepInclude(added.json, { success: false, error: "forbidden" })
      assert.include(JSON.stringify(added.json), "These users are blocked from the session: alice.")
      yield* perform(owner, { _tag: "BlockUsers", chat: { gid }, users: [alice.id], blocked: false })
      yield* client.get("joinchat", { gid, join: true })
    }).pipe(Effect.scoped, Effect.provide(engine))
  )
})
