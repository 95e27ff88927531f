/** Order of the pushes of a login, and redelivery until they are acknowledged. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { contents, desktop, idsOf, md5, newGroup, online, PASSWORD, webSocket } from "./clients.ts"
import { serveInProcess } from "./inProcess.ts"

const server = serveInProcess()

describe("login", () => {
  it.live("gets its reply first, then all users, the user's chats, and missed messages by id over all chats", () =>
    Effect.gen(function* () {
      const { http } = yield* server
      const alice = yield* online(http, "alice")
      const bob = yield* online(http, "bob")
      const left = yield* newGroup(alice, "bob", "carol")
      const right = yield* newGroup(alice, "bob", "carol")
      const sent: Array<number> = []
      for (let turn = 0; turn < 6; turn++) {
        const [message] = yield* (turn % 3 === 0 ? bob : alice).say(turn % 2 === 0 ? left : right, `turn ${turn}`)
        if (message !== undefined) sent.push(message.id)
      }
      const carol = yield* webSocket(http)
      yield* carol.get("login", { account: "carol", password: md5(PASSWORD), status: "away" })
      yield* carol.untilMessage("turn 5")
      assert.deepStrictEqual(
        carol.received.map(({ module, method, result }) => `${module}/${method} ${result ?? ""}`),
        ["chat/login success", "chat/userGetList ", "chat/getlist ", ...sent.map(() => "chat/message ")]
      )
      assert.deepStrictEqual(
        carol.delivered.map(({ id }) => id),
        sent
      )
      const [, users, chats, ...packets] = carol.received.map(({ id }) => id ?? 0)
      assert.isTrue(Number.isInteger(users) && Number.isInteger(chats))
      assert.deepStrictEqual(
        packets,
        packets.toSorted((a, b) => a - b)
      )
      const [list] = carol.pushes("getlist").map(({ data }) => data as ReadonlyArray<{ gid: string }>)
      assert.includeMembers(list?.map(({ gid }) => gid) ?? [], [left, right])

      // The login is pushed to all other online users, not to the new connection.
      for (const other of [alice, bob]) {
        yield* other.until("carol's login", () =>
          other.pushes("login").some(({ data }) => {
            const user = data as { readonly account: string; readonly status: string }
            return user.account === "carol" && user.status === "away"
          })
        )
      }
      yield* carol.ask("ping")
      assert.strictEqual(carol.pushes("login").length, 0)
    }).pipe(Effect.scoped)
  )

  it.live("is refused alike for a wrong password and an unknown account, and may be retried on the connection", () =>
    Effect.gen(function* () {
      const { http } = yield* server
      const guest = yield* webSocket(http)
      const wrong = yield* guest.ask("login", { account: "alice", password: md5("wrong") })
      const nobody = yield* guest.ask("login", { account: "nobody", password: md5("wrong") })
      assert.strictEqual(wrong.result, "fail")
      assert.deepStrictEqual(nobody, wrong)
      const denied = yield* guest.ask("getlist")
      assert.strictEqual(denied.result, "denied")
      yield* guest.get("login", { account: "alice", password: md5(PASSWORD) })
      yield* guest.get("getlist")
    }).pipe(Effect.scoped)
  )

  it.live("chooses its wire profile by the path's query", () =>
    Effect.gen(function* () {
      const { http, tcp } = yield* server
      const alice = yield* online(http, "alice")
      const gid = yield* newGroup(alice, "bob", "carol")
      const ids = idsOf(alice)
      const members = [ids.get("alice"), ids.get("bob"), ids.get("carol")]
      const membersTold = (client: typeof alice) =>
        client
          .pushes("getlist")
          .flatMap(({ data }) => data as ReadonlyArray<{ gid: string; members: unknown }>)
          .find((chat) => chat.gid === gid)?.members
      const documented = yield* online(http, "bob")
      assert.deepStrictEqual(
        membersTold(documented),
        members.map((id) => ({ id }))
      )
      const client = yield* online(http, "bob", { query: "?profile=client-1.0" })
      assert.deepStrictEqual(membersTold(client), members)
      yield* documented.until("to be told", () => documented.pushes("null").length > 0)
      const last = yield* desktop(tcp)
      yield* last.get("login", ["bob", md5(PASSWORD), "online"])
      yield* client.until("to be told", () => client.pushes("kickoff").length > 0)
      assert.strictEqual(client.pushes("null").length, 0)
    }).pipe(Effect.scoped)
  )
})

describe("an acknowledgement", () => {
  it.live("by one id or several, in any order, removes exactly those packets from the queue", () =>
    Effect.gen(function* () {
      const { http } = yield* server
      const alice = yield* online(http, "alice")
      const gid = yield* newGroup(alice, "bob", "carol")
      yield* alice.say(gid, "a", "b", "c", "d", "e", "f", "g", "h")
      const first = yield* online(http, "carol")
      yield* first.untilMessage("h")
      const id = (content: string): number => first.packets[contents(first.delivered).indexOf(content)] ?? 0
      first.acknowledge(id("f"))
      first.acknowledge([id("d"), id("b")])
      // Unknown ids, ids never pushed, and repeated ids have no effect and no reply.
      first.acknowledge([id("b"), 1_000_000_007, 0, -1])
      yield* first.ask("ping")
      assert.strictEqual(first.answers.length, 2)
      yield* first.leave

      const second = yield* online(http, "carol")
      yield* alice.say(gid, "the end")
      yield* second.untilMessage("the end")
      assert.deepStrictEqual(contents(second.delivered), ["a", "c", "e", "g", "h", "the end"])
      second.acknowledge(second.packets.toReversed())
      yield* second.ask("ping")
      second.drop()

      const third = yield* online(http, "carol")
      yield* alice.say(gid, "after the end")
      yield* third.untilMessage("after the end")
      assert.deepStrictEqual(contents(third.delivered), ["after the end"])
    }).pipe(Effect.scoped)
  )

  it.live("does not affect another user's queue", () =>
    Effect.gen(function* () {
      const { http } = yield* server
      const alice = yield* online(http, "alice")
      const bob = yield* online(http, "bob")
      const gid = yield* newGroup(alice, "bob", "carol")
      yield* alice.say(gid, "one", "two")
      yield* bob.untilMessage("two")
      bob.acknowledge(bob.packets)
      yield* bob.ask("ping")
      const carol = yield* online(http, "carol")
      yield* carol.untilMessage("two")
      assert.deepStrictEqual(contents(carol.delivered), ["one", "two"])
      assert.deepStrictEqual(carol.packets, bob.packets)
    }).pipe(Effect.scoped)
  )

  it.live("is required for live messages too", () =>
    Effect.gen(function* () {
      const { http } = yield* server
      const alice = yield* online(http, "alice")
      const gid = yield* newGroup(alice, "carol")
      const carol = yield* online(http, "carol")
      yield* alice.say(gid, "live 1", "live 2", "live 3")
      yield* carol.untilMessage("live 3")
      carol.acknowledge(carol.packets[1] ?? 0)
      yield* carol.ask("ping")
      carol.drop()
      const again = yield* online(http, "carol")
      yield* again.untilMessage("live 3")
      assert.deepStrictEqual(contents(again.delivered), ["live 1", "live 3"])
    }).pipe(Effect.scoped)
  )
})
