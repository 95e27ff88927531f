/** Outcome of requests across lost connections. */
import { assert, describe, it } from "@effect/vitest"
import { settled } from "./FakeServer.ts"
import { failure, online, stored } from "./harness.ts"

describe("a request", () => {
  it("is sent again after a reconnect, unchanged and in the same order", async () => {
    const { net, clock, parley } = await online()
    const sending = ["a", "b", "c"].map((content) => parley.send("chat", content))
    const before = net.peer.requests
    assert.strictEqual(before.length, 3)
    net.peer.reply("message", stored("a"))
    net.peer.disconnect()
    const later = parley.send("chat", "d")
    clock.advance(500)
    net.peer.acceptLogin()
    assert.deepStrictEqual(net.peer.requests.slice(0, 2), before.slice(1))
    assert.strictEqual(net.peer.requests.length, 3)
    for (const content of ["b", "c", "d"]) net.peer.reply("message", stored(content))
    const messages = await Promise.all([...sending, later])
    assert.deepStrictEqual(
      messages.map(({ content }) => content),
      ["a", "b", "c", "d"]
    )
  })

  it("waits while 32 others are in flight", async () => {
    const { net, parley } = await online()
    for (let index = 0; index < 50; index++) void parley.send("chat", String(index)).catch(() => {})
    assert.strictEqual(net.peer.requests.length, 32)
    net.peer.reply("message", stored("0"))
    assert.strictEqual(net.peer.requests.length, 33)
    parley.close()
  })

  it("is sent again in a new session if the old one ended", async () => {
    const { net, clock, parley } = await online()
    const sending = parley.send("chat", "hello")
    net.peer.reply("message", { result: "denied", message: "Your session has ended." })
    clock.advance(500)
    net.peer.open()
    net.peer.reply("ping", { result: "denied" })
    net.peer.reply("login", { sid: "sid-2", data: { id: 1 } })
    assert.deepInclude(net.peer.last, { method: "message", sid: "sid-2" })
    net.peer.reply("message", stored("hello"))
    await sending
  })

  it("is refused with the server's reason", async () => {
    const { net, parley } = await online()
    const sending = failure(parley.send("chat", "hello"))
    const refused = [{ gid: "g", cgid: "chat", message: "You may not speak in this chat." }]
    net.peer.reply("message", { result: "fail", message: "No message was stored.", data: refused })
    const { code, message, method, refused: messages, repeated } = await sending
    assert.deepStrictEqual(
      { code, message, method, messages, repeated },
      { code: "refused", message: "No message was stored.", method: "message", messages: refused, repeated: false }
    )
  })

  it("fails after its timeout, and its late reply is ignored", async () => {
    const { net, clock, parley } = await online()
    const expired = failure(parley.send("chat", "a", { timeout: 100 }))
    const sending = parley.send("chat", "b")
    clock.advance(100)
    assert.strictEqual((await expired).code, "timeout")
    net.peer.reply("message", stored("a"))
    net.peer.reply("message", stored("b"))
    assert.strictEqual((await sending).content, "b")
  })

  it("is not sent again after it was aborted", async () => {
    const { net, clock, parley } = await online()
    const controller = new AbortController()
    const aborted = failure(parley.send("chat", "a", { signal: controller.signal }))
    net.peer.disconnect()
    controller.abort("enough")
    const error = await aborted
    assert.deepStrictEqual([error.code, error.cause], ["aborted", "enough"])
    const already = await failure(parley.send("chat", "b", { signal: controller.signal }))
    assert.strictEqual(already.code, "aborted")
    clock.advance(500)
    net.peer.acceptLogin()
    assert.deepStrictEqual(net.peer.requests, [])
  })

  it("is refused by the client beyond its limit", async () => {
    const { net, parley } = await online({ limit: 2 })
    net.peer.disconnect()
    const sending = [failure(parley.listUsers()), failure(parley.listUsers())]
    assert.strictEqual((await failure(parley.listUsers())).code, "full")
    parley.close()
    for (const error of await Promise.all(sending)) assert.strictEqual(error.code, "closed")
  })

  it.each([true, false])("that is too large is not sent again (with an error packet: %s)", async (hasErrorPacket) => {
    const { net, clock, parley } = await online()
    const large = failure(parley.send("chat", "large"))
    const small = parley.send("chat", "small")
    if (hasErrorPacket)
      net.peer.emit({ module: "null", method: "null", result: "fail", message: "A frame may have at most 1 bytes." })
    net.peer.disconnect(1009)
    assert.strictEqual((await large).code, "refused")
    clock.advance(500)
    net.peer.acceptLogin()
    assert.strictEqual(net.peer.requests.length, 1)
    net.peer.reply("message", stored("small"))
    assert.strictEqual((await small).content, "small")
  })

  it("to leave a chat succeeds if it was executed before the connection was lost", async () => {
    const { net, clock, parley } = await online()
    const leaving = parley.leave("chat")
    net.peer.disconnect()
    clock.advance(500)
    net.peer.acceptLogin("sid-1", [])
    net.peer.reply("joinchat", { result: "fail", message: "There is no such chat." })
    await settled()
    net.peer.reply("getList", { data: [] })
    await leaving
    const again = failure(parley.leave("chat"))
    net.peer.reply("joinchat", { result: "fail", message: "There is no such chat." })
    assert.strictEqual((await again).message, "There is no such chat.")
  })
})
