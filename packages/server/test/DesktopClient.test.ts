/**
 * A client like the one published for 1.0, over raw TCP: params by position, packets split anywhere, and no
 * acknowledgements, so that its next frame acknowledges all packets flushed before.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { contents, desktop, idsOf, md5, newGid, newGroup, online, PASSWORD } from "./clients.ts"
import { serveInProcess } from "./inProcess.ts"

const server = serveInProcess()

const loggedIn = Effect.fnUntraced(function* (tcp: string, account: string) {
  const client = yield* desktop(tcp)
  yield* client.get("login", [account, md5(PASSWORD), "online"])
  yield* client.until("the list of chats", () => client.pushes("getlist").length > 0)
  return client
})

const TEXT = "你好，世界 👋🏽 naïve\u2028Ω"

describe("the desktop client", () => {
  it.live("converses with params by position", () =>
    Effect.gen(function* () {
      const { http, tcp } = yield* server
      const alice = yield* loggedIn(tcp, "alice")
      const bob = yield* online(http, "bob")
      const ids = idsOf(alice)
      const gid = newGid()
      const members = [ids.get("alice"), ids.get("bob")]
      const chat = yield* alice.get<{ readonly members: unknown; readonly public: unknown }>("create", [
        gid,
        "Tea",
        "group",
        members,
        0,
        true
      ])
      assert.deepStrictEqual([chat.members, chat.public], [members, true])
      yield* bob.until("the chat", () => bob.pushes("create").length > 0)
      const [pushed] = bob.pushes("create").map(({ data }) => data as { readonly members: unknown })
      assert.deepStrictEqual(
        pushed?.members,
        members.map((id) => ({ id }))
      )
      yield* alice.get("message", [[{ gid: newGid(), cgid: gid, contentType: "text", content: TEXT }]])
      yield* bob.untilMessage(TEXT)
      yield* bob.say(gid, "hello")
      yield* alice.untilMessage("hello")
      const history = yield* alice.get<ReadonlyArray<{ readonly content: string }>>("history", [gid, 1, 1, 0, true])
      assert.deepStrictEqual(
        history.map(({ content }) => content),
        ["hello"]
      )
      assert.deepStrictEqual(yield* alice.get("star", [gid, true]), { gid, star: true })
      const chats =
        yield* alice.get<ReadonlyArray<{ readonly gid: string; readonly members: unknown; readonly star: boolean }>>(
          "getlist"
        )
      const listed = chats.find((one) => one.gid === gid)
      assert.deepStrictEqual([listed?.members, listed?.star], [members, true])
    }).pipe(Effect.scoped)
  )

  it.live("may send several texts in one packet, and one text in several, split within characters", () =>
    Effect.gen(function* () {
      const { http, tcp } = yield* server
      const bob = yield* online(http, "bob")
      const alice = yield* desktop(tcp)
      const login = JSON.stringify({
        module: "chat",
        method: "login",
        params: ["alice", md5(PASSWORD), "online"]
      })
      yield* byteByByte(alice, `${login}\n`)
      yield* alice.until("the list of chats", () => alice.pushes("getlist").length > 0)
      const sid = alice.answers[0]?.sid ?? ""
      alice.take(sid)
      const gid = yield* newGroup(alice, "bob")
      const message = (content: string) =>
        JSON.stringify({ module: "chat", method: "message", sid, params: [{ gid: newGid(), cgid: gid, content }] })
      const ping = JSON.stringify({ module: "chat", method: "ping", sid })

      yield* byteByByte(alice, `${message(TEXT)}\n`)
      yield* bob.untilMessage(TEXT)
      // The end of one text, two whole ones with a blank line and a carriage return between, and half of the next.
      const split = Buffer.from(`${message("first")}\n${message("second")}\r\n\n${ping}\n${message(`${TEXT}!`)}\n`)
      const cut = split.lastIndexOf(Buffer.from("👋🏽")) + 2
      alice.write(split.subarray(0, 5))
      alice.write(split.subarray(5, cut))
      yield* alice.until("the first answers", () => alice.answers.length === 6)
      alice.write(split.subarray(cut))
      yield* bob.untilMessage(`${TEXT}!`)
      assert.deepStrictEqual(contents(bob.delivered), [TEXT, "first", "second", `${TEXT}!`])
      yield* alice.until("all answers", () => alice.answers.length === 7)
      assert.deepStrictEqual(
        alice.answers.map(({ method, result }) => `${method} ${result ?? ""}`),
        ["login", "create", "message", "message", "message", "ping", "message"].map((method) => `${method} success`)
      )
    }).pipe(Effect.scoped)
  )

  it.live("gets errors for broken frames, and continues", () =>
    Effect.gen(function* () {
      const { tcp } = yield* server
      const alice = yield* loggedIn(tcp, "alice")
      const broken = [`{"module":"chat"`, "null", "7", `"text"`, Buffer.from([0xff, 0xfe, 0x00])]
      for (const [index, frame] of broken.entries()) {
        alice.write(frame)
        alice.write("\n")
        yield* alice.until("an answer", () => alice.answers.length === index + 2)
        const { module, method, result, message } = alice.answers.at(-1) ?? {}
        assert.deepStrictEqual([module, method, result], ["null", "null", "fail"])
        assert.isNotEmpty(message)
      }
      alice.write("[]\n")
      yield* alice.get("ping")
    }).pipe(Effect.scoped)
  )

  it.live("gets `kickoff` after a login elsewhere, and is closed", () =>
    Effect.gen(function* () {
      const { tcp } = yield* server
      const first = yield* loggedIn(tcp, "alice")
      yield* loggedIn(tcp, "alice")
      yield* first.untilClosed
      assert.deepStrictEqual(first.received.at(-1), {
        module: "chat",
        method: "kickoff",
        message: "This account logined in another place."
      })
    }).pipe(Effect.scoped)
  )
})

describe("a packet to the desktop client", () => {
  it.live("from the offline queue is delivered again unless the client has sent another frame since", () =>
    Effect.gen(function* () {
      const { http, tcp } = yield* server
      const alice = yield* online(http, "alice")
      const gid = yield* newGroup(alice, "bob")
      yield* alice.say(gid, "one", "two", "three")
      for (const how of ["drop", "leave"] as const) {
        const bob = yield* loggedIn(tcp, "bob")
        yield* bob.untilMessage("three")
        assert.deepStrictEqual(contents(bob.delivered), ["one", "two", "three"], how)
        if (how === "drop") bob.drop()
        else yield* bob.leave
      }
      const bob = yield* loggedIn(tcp, "bob")
      yield* bob.untilMessage("three")
      yield* bob.get("ping")
      bob.drop()
      const again = yield* loggedIn(tcp, "bob")
      yield* alice.say(gid, "four")
      yield* again.untilMessage("four")
      assert.deepStrictEqual(contents(again.delivered), ["four"])
    }).pipe(Effect.scoped)
  )

  it.live("pushed live is delivered again unless the client has sent another frame since", () =>
    Effect.gen(function* () {
      const { http, tcp } = yield* server
      const alice = yield* online(http, "alice")
      const gid = yield* newGroup(alice, "bob")
      const bob = yield* loggedIn(tcp, "bob")
      yield* alice.say(gid, "one", "two")
      yield* bob.untilMessage("two")
      yield* bob.say(gid, "bob's own")
      yield* alice.say(gid, "three", "four")
      yield* bob.untilMessage("four")
      bob.drop()
      const again = yield* loggedIn(tcp, "bob")
      yield* alice.say(gid, "five")
      yield* again.untilMessage("five")
      assert.deepStrictEqual(contents(again.delivered), ["three", "four", "five"])
    }).pipe(Effect.scoped)
  )

  it.live("may be acknowledged by id too", () =>
    Effect.gen(function* () {
      const { http, tcp } = yield* server
      const alice = yield* online(http, "alice")
      const gid = yield* newGroup(alice, "bob")
      yield* alice.say(gid, "one", "two")
      const bob = yield* loggedIn(tcp, "bob")
      yield* bob.untilMessage("two")
      bob.acknowledge(bob.packets[1] ?? 0)
      // The frame acknowledges all packets before it.
      yield* bob.get("ping")
      bob.drop()
      const again = yield* loggedIn(tcp, "bob")
      yield* alice.say(gid, "three")
      yield* again.untilMessage("three")
      assert.deepStrictEqual(contents(again.delivered), ["three"])
    }).pipe(Effect.scoped)
  )
})

/** Writes each byte in its own turn, so that hardly two are sent together. */
const byteByByte = (client: { readonly write: (bytes: Uint8Array) => void }, text: string) =>
  Effect.promise(async () => {
    for (const byte of Buffer.from(text)) {
      client.write(Uint8Array.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
  })
