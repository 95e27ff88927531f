/** One or several sessions of a user: takeovers, and the lifetime of a sid. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Client, contents, desktop, md5, newGroup, online, PASSWORD, webSocket } from "./clients.ts"
import { serveInProcess } from "./inProcess.ts"

const TOLD = { module: "null", method: "null", message: "This account logined in another place." }

/** Checks that the connection got the documented takeover and was closed. */
const assertTakenOver = Effect.fnUntraced(function* (client: Client) {
  const { code } = yield* client.untilClosed
  assert.deepStrictEqual(client.received.at(-1), TOLD)
  assert.strictEqual(code, 4001)
})

describe("a second login, with one session allowed", () => {
  it.live("notifies the first connection, closes it after a grace period, and ends its sid", () =>
    Effect.gen(function* () {
      const { http } = yield* serveInProcess({ "session.takeoverGrace": "1500" })
      const alice = yield* online(http, "alice")
      const gid = yield* newGroup(alice, "bob")
      const first = yield* online(http, "bob")
      const dead = first.sid()
      const second = yield* online(http, "bob")
      assert.notStrictEqual(second.sid(), dead)
      yield* first.until("the takeover", () => first.pushes("null").length > 0)
      // Within the grace period it can execute nothing, and receives nothing.
      assert.isUndefined(first.closed())
      assert.strictEqual((yield* first.ask("ping")).result, "denied")
      yield* alice.say(gid, "for the second")
      yield* second.untilMessage("for the second")
      yield* first.untilClosed
      assert.deepStrictEqual(contents(first.delivered), [])
      assert.deepStrictEqual(first.pushes("null"), [TOLD])

      const other = yield* webSocket(http)
      other.take(dead)
      assert.strictEqual((yield* other.ask("getlist")).result, "denied")
      // An acknowledgement with an ended sid gets a reply, and removes nothing from the queue.
      other.acknowledge(second.packets)
      yield* other.until("a reply", () => other.answers.length === 2)
      assert.strictEqual(other.answers[1]?.result, "denied")
      second.drop()
      const third = yield* online(http, "bob")
      yield* third.untilMessage("for the second")
    }).pipe(Effect.scoped)
  )

  it.live("takes over across transports and replaces a session of the same connection", () =>
    Effect.gen(function* () {
      const { http, tcp } = yield* serveInProcess()
      const first = yield* online(http, "bob")
      const client = yield* desktop(tcp)
      yield* client.get("login", ["bob", md5(PASSWORD), "online"])
      yield* assertTakenOver(first)
      const before = client.sid()
      yield* client.get("login", ["bob", md5(PASSWORD), "busy"])
      assert.notStrictEqual(client.sid(), before)
      yield* client.get("ping")
      assert.strictEqual(client.pushes("kickoff").length, 0)
      // Another user may log in on the same connection, which ends the previous sid.
      const bobs = client.sid()
      yield* client.get("login", ["carol", md5(PASSWORD), "online"])
      yield* client.get("ping")
      const other = yield* webSocket(http)
      other.take(bobs)
      assert.strictEqual((yield* other.ask("ping")).result, "denied")
    }).pipe(Effect.scoped)
  )
})

describe("a sid on a new connection", () => {
  it.live("resumes the session there: first the reply to its request, then the pushes of a login", () =>
    Effect.gen(function* () {
      const { http } = yield* serveInProcess()
      const alice = yield* online(http, "alice")
      const gid = yield* newGroup(alice, "bob", "carol")
      const first = yield* online(http, "bob")
      yield* alice.say(gid, "one", "two")
      yield* first.untilMessage("two")
      first.acknowledge(first.packets[0] ?? 0)
      yield* first.ask("ping")

      const second = yield* webSocket(http)
      second.take(first.sid())
      yield* second.say(gid, "said while resuming")
      yield* second.untilMessage("two")
      assert.deepStrictEqual(
        second.received.map(({ method, result }) => `${method} ${result ?? ""}`),
        ["message success", "userGetList ", "getlist ", "message "]
      )
      assert.deepStrictEqual(contents(second.delivered), ["two"])
      yield* assertTakenOver(first)
      yield* alice.untilMessage("said while resuming")
      yield* alice.until("bob's return", () => alice.pushes("login").length === 2)
      // The sid stays valid, and can be resumed on the first connection again.
      const third = yield* webSocket(http)
      third.take(second.sid())
      yield* third.get("getlist")
      yield* assertTakenOver(second)
    }).pipe(Effect.scoped)
  )

  it.live("is resumed by an acknowledgement too, which counts before the queue is delivered", () =>
    Effect.gen(function* () {
      const { http } = yield* serveInProcess()
      const alice = yield* online(http, "alice")
      const gid = yield* newGroup(alice, "bob")
      const first = yield* online(http, "bob")
      yield* alice.say(gid, "one", "two", "three")
      yield* first.untilMessage("three")
      first.drop()
      const second = yield* webSocket(http)
      second.take(first.sid())
      second.acknowledge([first.packets[0] ?? 0, first.packets[2] ?? 0])
      yield* second.untilMessage("two")
      yield* alice.say(gid, "four")
      yield* second.untilMessage("four")
      assert.deepStrictEqual(contents(second.delivered), ["two", "four"])
      assert.deepStrictEqual(second.answers, [])
    }).pipe(Effect.scoped)
  )

  it.live("is denied on a connection with another session, if it was never issued, and after a logout", () =>
    Effect.gen(function* () {
      const { http } = yield* serveInProcess()
      const alice = yield* online(http, "alice")
      const bob = yield* online(http, "bob")
      const own = alice.sid()
      for (const sid of [bob.sid(), "invented", `${own}x`]) {
        alice.take(sid)
        assert.strictEqual((yield* alice.ask("ping")).result, "denied")
      }
      alice.take("")
      assert.strictEqual((yield* alice.ask("ping")).result, "denied")
      alice.take(own)
      yield* alice.get("ping")

      const user = yield* bob.get<{ readonly account: string; readonly status: string }>("logout")
      assert.strictEqual(user.account, "bob")
      yield* alice.until("bob's logout", () =>
        alice.pushes("logout").some(({ data }) => (data as { readonly account: string }).account === "bob")
      )
      assert.strictEqual((yield* bob.ask("ping")).result, "denied")
      const other = yield* webSocket(http)
      other.take(bob.sid())
      assert.strictEqual((yield* other.ask("ping")).result, "denied")
      yield* bob.get("login", { account: "bob", password: md5(PASSWORD) })
      yield* bob.get("ping")
    }).pipe(Effect.scoped)
  )

  it.live("is valid after the connection was lost, without a push to others", () =>
    Effect.gen(function* () {
      const { http } = yield* serveInProcess()
      const alice = yield* online(http, "alice")
      const bob = yield* online(http, "bob")
      yield* alice.until("bob's login", () => alice.pushes("login").length === 1)
      yield* bob.leave
      const statusOf = Effect.map(
        alice.get<ReadonlyArray<{ readonly account: string; readonly status: string }>>("userGetList"),
        (users) => users.find(({ account }) => account === "bob")?.status
      )
      // The server's end of a connection may end a moment later than the client's.
      yield* Effect.repeat(statusOf, { until: (status) => status === "offline" })
      assert.strictEqual(alice.pushes("logout").length, 0)
      const again = yield* webSocket(http)
      again.take(bob.sid())
      yield* again.get("ping")
      assert.strictEqual(yield* statusOf, "online")
    }).pipe(Effect.scoped)
  )
})

describe("several sessions, if allowed", () => {
  it.live("coexist, each device with its own cursor", () =>
    Effect.gen(function* () {
      const { http } = yield* serveInProcess({ sessions: "multi" })
      const alice = yield* online(http, "alice")
      const gid = yield* newGroup(alice, "bob")
      const phone = yield* online(http, "bob", { device: "phone" })
      const laptop = yield* online(http, "bob", { device: "laptop" })
      assert.notStrictEqual(phone.sid(), laptop.sid())
      yield* alice.say(gid, "one", "two")
      for (const device of [phone, laptop]) yield* device.untilMessage("two")
      phone.acknowledge(phone.packets)
      laptop.acknowledge(laptop.packets[1] ?? 0)
      // Messages of one device are pushed to the other.
      yield* phone.say(gid, "from the phone")
      yield* laptop.untilMessage("from the phone")
      yield* laptop.say(gid, "from the laptop")
      yield* phone.untilMessage("from the laptop")
      phone.drop()
      laptop.drop()
      yield* alice.say(gid, "three")

      const phoneAgain = yield* online(http, "bob", { device: "phone" })
      const laptopAgain = yield* online(http, "bob", { device: "laptop" })
      yield* alice.say(gid, "the end")
      for (const device of [phoneAgain, laptopAgain]) yield* device.untilMessage("the end")
      assert.deepStrictEqual(contents(phoneAgain.delivered), ["from the laptop", "three", "the end"])
      assert.deepStrictEqual(contents(laptopAgain.delivered), ["one", "from the phone", "three", "the end"])
      assert.deepStrictEqual([...phoneAgain.pushes("null"), ...laptopAgain.pushes("null")], [])

      // One device logs out: the user stays online with the other one, without a push.
      yield* phoneAgain.get("logout")
      yield* laptopAgain.get("ping")
      assert.strictEqual(alice.pushes("logout").length, 0)
      yield* laptopAgain.get("logout")
      yield* alice.until("bob's logout", () => alice.pushes("logout").length === 1)
    }).pipe(Effect.scoped)
  )
})
