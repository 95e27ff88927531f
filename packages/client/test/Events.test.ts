/** Delivery of messages and other events to the application. */
import { assert, describe, it } from "@effect/vitest"
import type { Parley } from "../src/index.ts"
import { CHAT, settled, USER } from "./FakeServer.ts"
import { online, stored } from "./harness.ts"

describe("messages", () => {
  const read = async (parley: Parley, count: number): Promise<ReadonlyArray<string>> => {
    const contents: Array<string> = []
    for await (const { content } of parley.messages()) if (contents.push(content) >= count) break
    return contents
  }

  it("are acknowledged when the iterator's next one is requested", async () => {
    const { net, parley } = await online()
    net.peer.message(5)
    net.peer.message(6)
    const messages = parley.messages()
    const first = await messages.next()
    assert.strictEqual(first.value?.content, "m5")
    await settled()
    assert.deepStrictEqual(net.peer.requests, [])
    assert.strictEqual((await messages.next()).value?.content, "m6")
    assert.deepStrictEqual(net.peer.requests, [{ module: "chat", method: "message", id: 5, sid: "sid-1" }])
    parley.close()
    assert.deepStrictEqual(await messages.next(), { done: true, value: undefined })
  })

  it("are delivered again from the one at which the last loop was left", async () => {
    const { net, parley } = await online()
    for (let id = 5; id < 9; id++) net.peer.message(id)
    assert.deepStrictEqual(await read(parley, 2), ["m5", "m6"])
    assert.deepStrictEqual(await read(parley, 3), ["m6", "m7", "m8"])
    assert.deepStrictEqual(
      net.peer.requests.map(({ id }) => id),
      [5, 6, 7]
    )
  })

  it("are delivered once if the connection was lost before the acknowledgement", async () => {
    const { net, clock, parley } = await online()
    const shown: Array<string> = []
    net.peer.message(5)
    net.peer.disconnect()
    parley.on("message", ({ content }) => shown.push(content))
    await settled()
    clock.advance(500)
    net.peer.acceptLogin()
    net.peer.emit(
      [5, 6].map((id) => ({
        id,
        module: "chat",
        method: "message",
        data: [{ id, gid: `g${id}`, cgid: "chat", content: `m${id}`, contentType: "text" }]
      }))
    )
    await settled()
    assert.deepStrictEqual(shown, ["m5", "m6"])
    assert.deepStrictEqual(
      net.peer.requests.map(({ id }) => id),
      [5, 6]
    )
  })

  it("of this client are not delivered if their reply was lost and the server pushes them", async () => {
    const { net, clock, parley } = await online()
    const shown: Array<string> = []
    parley.on("message", ({ content }) => shown.push(content))
    const sending = parley.send("chat", "mine", { gid: "mine" })
    net.peer.disconnect()
    clock.advance(500)
    net.peer.acceptLogin()
    net.peer.message(5, { gid: "mine", user: 1 })
    net.peer.reply("message", stored("mine"))
    await sending
    await settled()
    assert.deepStrictEqual(shown, [])
    assert.deepInclude(net.peer.last, { method: "message", id: 5 })
  })

  it("beyond the inbox limit are fetched over a new connection, without a wait", async () => {
    const { net, parley } = await online({ inbox: 1 })
    net.peer.message(5)
    net.peer.message(6)
    const shown: Array<string> = []
    parley.on("message", ({ content }) => shown.push(content))
    await settled()
    assert.strictEqual(net.peers.length, 2)
    net.peer.acceptLogin()
    net.peer.message(6)
    await settled()
    assert.deepStrictEqual(shown, ["m5", "m6"])
  })

  it("are not delivered to a removed listener", async () => {
    const { net, parley } = await online()
    const shown: Array<string> = []
    const leave = parley.on("message", ({ content }) => shown.push(content))
    net.peer.message(5)
    await settled()
    leave()
    net.peer.message(6)
    await settled()
    assert.deepStrictEqual(shown, ["m5"])
  })
})

describe("events", () => {
  it("report changes, and update the lists", async () => {
    const { net, parley } = await online()
    const events: Array<string> = []
    parley.onAny(({ type }) => events.push(type))
    net.peer.push("login", { ...USER, id: 2 })
    net.peer.push("userChangeName", { ...USER, id: 2, realname: "Ben" })
    net.peer.push("userChangeStatus", { ...USER, id: 2, realname: "Ben", status: "busy" })
    net.peer.push("changeName", { ...CHAT, name: "team" })
    assert.deepInclude(parley.users.get(2), { realname: "Ben", status: "busy" })
    assert.strictEqual(parley.chats.get("chat")?.name, "team")
    net.peer.push("create", { ...CHAT, gid: "new" })
    net.peer.push("joinChat", { ...CHAT, gid: "new", members: [{ id: 1 }, { id: 3 }] })
    net.peer.push("changePublic", { ...CHAT, gid: "new", public: true })
    net.peer.push("setAdmin", CHAT)
    net.peer.push("setCommitters", CHAT)
    net.peer.push("addMember", { ...CHAT, gid: "new", members: [{ id: 3 }] })
    net.peer.push("logout", { ...USER, id: 2, status: "offline" })
    net.peer.push("unknownMethod", {})
    net.peer.message(5)
    await settled()
    assert.deepStrictEqual(events, [
      "login",
      "userRenamed",
      "userStatus",
      "renamed",
      "created",
      "joined",
      "published",
      "admins",
      "senders",
      "members",
      "logout",
      "message"
    ])
    assert.deepStrictEqual([...parley.chats.keys()], ["chat"])
  })

  it("reach the other listeners if one throws", async () => {
    const errors: Array<unknown> = []
    const { net, parley } = await online({ onError: (error) => errors.push(error) })
    const seen: Array<number> = []
    parley.on("login", () => {
      throw new Error("mine")
    })
    const leave = parley.on("login", ({ id }) => seen.push(id))
    net.peer.push("login", { ...USER, id: 2 })
    leave()
    net.peer.push("login", { ...USER, id: 3 })
    assert.deepStrictEqual([errors.length, seen], [2, [2]])
  })
})
