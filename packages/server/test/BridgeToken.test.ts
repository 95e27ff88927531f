/**
 * The bridge with hisihi's token authentication: its users are ordinary members, and can change chats of other protocols by
 * their ids. Source: PROTOCOLS, "hisihi"; docs/bridge.md.
 */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { idsOf, online, PASSWORD } from "./clients.ts"
import { serveInProcess } from "./inProcess.ts"

type Fields = Readonly<Record<string, unknown>>

it.live("with a token hisihi changes chats of spark and youdu, and both show it", () =>
  Effect.gen(function* () {
    const { http } = yield* serveInProcess({ "hisihi.auth": "token" })
    const ask = (method: string, path: string, token: string, json?: object) =>
      Effect.promise(async () => {
        const response = await fetch(http + path, {
          method,
          headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
          ...(json !== undefined && { body: JSON.stringify(json) })
        })
        const text = await response.text()
        return { status: response.status, json: (text === "" ? {} : JSON.parse(text)) as Fields }
      })
    const tokenOf = (account: string) =>
      Effect.map(ask("POST", "/auth/login", "", { account, password: PASSWORD }), ({ json }) => String(json["token"]))
    const [alice, bob, erin, admin] = yield* Effect.forEach(["alice", "bob", "erin", "admin"], tokenOf)
    assert(alice && bob && erin && admin)
    const desk = yield* online(http, "bob")
    const dave = idsOf(desk).get("dave")
    const youdu = (gid: string) =>
      Effect.map(ask("GET", `/cgi/session/get?accessToken=${admin}&sessionId=${gid}`, ""), ({ json }) => json)

    const started = yield* ask("POST", "/session/start", alice, { To: ["bob", "erin"] })
    const titled = { title: "Team", creator: "alice", member: ["bob", "erin"] }
    const created = yield* ask("POST", `/cgi/session/create?accessToken=${admin}`, "", titled)
    for (const gid of [String(started.json["SessionId"]), String(created.json["sessionId"])]) {
      const chats = yield* desk.get<ReadonlyArray<Fields>>("getlist")
      const id = Number(chats.find((chat) => chat["gid"] === gid)?.["id"])
      const before = yield* youdu(gid)
      assert.strictEqual((yield* ask("PUT", `/im/group/${id}`, bob, { group_name: `renamed ${id}` })).status, 200)
      yield* desk.until("the new name", () =>
        desk.pushes("changeName").some(({ data }) => (data as Fields)["name"] === `renamed ${id}`)
      )
      const added = yield* ask("POST", `/im/group/${id}/member`, bob, { member_client_ids: "dave" })
      assert.deepStrictEqual(added.json, { group_id: id, member_client_ids: "dave" })
      yield* desk.until("the newcomer", () =>
        desk
          .pushes("addMember")
          .map(({ data }) => data as { readonly gid: string; readonly members: ReadonlyArray<{ readonly id: number }> })
          .some((chat) => chat.gid === gid && chat.members.some((member) => member.id === dave))
      )
      assert.deepStrictEqual(yield* youdu(gid), {
        ...before,
        title: `renamed ${id}`,
        version: Number(before["version"]) + 2,
        member: ["alice", "bob", "erin", "dave"]
      })
      const seen = yield* ask("POST", "/session/AddMember", bob, { SessionId: gid, To: ["bob"] })
      assert.deepStrictEqual(seen.json["Members"], ["alice", "bob", "dave", "erin"])

      // Only admins remove members, including themselves; lists contain no groups of other protocols.
      const leaving = yield* ask("DELETE", `/im/group/${id}/member?member_client_ids=erin`, erin)
      assert.strictEqual(leaving.status, 403)
      assert.strictEqual((yield* ask("DELETE", `/im/group/${id}/member?member_client_ids=erin`, alice)).status, 204)
      assert.deepStrictEqual((yield* youdu(gid))["member"], ["alice", "bob", "dave"])
      assert.strictEqual((yield* ask("PUT", `/im/group/${id}`, erin, { group_name: "x" })).status, 404)
      assert.deepStrictEqual((yield* ask("GET", "/im/org/1/groups", bob)).json, { total_count: 0, data: [] })
    }
  }).pipe(Effect.scoped)
)
