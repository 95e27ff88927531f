/** Chats and users whose state must not change by bad input. */
import { Context, Effect, Layer } from "effect"
import type { Subjects } from "./MethodTable.ts"
import { type Fields, listed, loggedIn, type TestClient } from "./TestClient.ts"

/** alice with her room, and chats of which she is not a member. */
export class Harness extends Context.Service<
  Harness,
  Subjects & {
    readonly as: { readonly alice: TestClient; readonly admin: TestClient }
    /** A member of all of alice's chats, who would receive pushes. */
    readonly witness: TestClient
    readonly secret: { readonly gid: string; readonly id: number }
    readonly open: { readonly gid: string; readonly id: number }
    readonly pair: string
    /** Requests that return everything alice sees. */
    readonly seen: ReadonlyArray<Fields>
  }
>()("test/Harness") {
  static readonly layer = Layer.effect(
    Harness,
    Effect.gen(function* () {
      const alice = yield* loggedIn("alice")
      const bob = yield* loggedIn("bob")
      const carol = yield* loggedIn("carol")
      const admin = yield* loggedIn("admin")
      const dave = yield* loggedIn("dave")
      const created = (answer: Fields) => {
        const { id, gid } = answer["data"] as { id: number; gid: string }
        return { id, gid }
      }
      const make = (client: TestClient, gid: string, members: ReadonlyArray<number>, more: Fields = {}) =>
        Effect.map(client.done("create", { gid, name: gid, type: "group", members, ...more }), created)
      const room = yield* make(alice, "room", [bob.id])
      const secret = yield* make(carol, "secret", [dave.id])
      const open = yield* make(carol, "open", [dave.id], { public: true })
      const pair = yield* make(carol, "", [dave.id], { type: "one2one" })
      yield* alice.done("message", [{ gid: "m1", cgid: "room", content: "one" }])
      yield* bob.done("message", [{ gid: "m2", cgid: "room", content: "two" }])
      yield* carol.done("message", [{ gid: "m3", cgid: "secret", content: "three" }])
      yield* alice.done("settings", ["alice", { theme: "light" }])
      const system = listed(yield* alice.done("getList")).find((chat) => chat["type"] === "system")
      for (const client of [alice, bob, carol, admin, dave]) yield* client.news
      const ask = (module: string, method: string, ...params: ReadonlyArray<unknown>) => ({ module, method, params })
      return {
        alice: alice.id,
        bob: bob.id,
        carol: carol.id,
        dave: dave.id,
        room,
        secret,
        open,
        pair: pair.gid,
        system: String(system?.["gid"]),
        as: {
          alice,
          admin
        },
        witness: bob,
        seen: [
          ask("chat", "getList"),
          ask("chat", "userGetList"),
          ask("chat", "getPublicList"),
          ask("chat", "history", "room"),
          ask("chat", "members", "room"),
          ask("chat", "settings", "alice"),
          ask("attach", "getList", "room")
        ]
      }
    })
  )
}
