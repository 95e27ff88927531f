/** What becomes of what is asked, whatever becomes of the connection meanwhile. */
import { assert, describe, it } from "@effect/vitest"
import { settled } from "./FakeServer.ts"
import { failure, online, stored } from "./harness.ts"

describe("a request", () => {
  it("is asked again after a reconnect, the same and in the same order", async () => {
    const { net, clock, parley } = await online()
    const sending = ["a", "b", "c"].map((content) => parley.send("chat", content))
    const before = net.peer.asked
    assert.strictEqual(before.length, 3)
    net.peer.answer("message", stored("a"))
    net.peer.hangUp()
    const later = parley.send("chat", "d")
    clock.pass(500)
    net.peer.welcome()
    assert.deepStrictEqual(net.peer.asked.slice(0, 2), before.slice(1))
    assert.strictEqual(net.peer.asked.length, 3)
    for (const content of ["b", "c", "d"]) net.peer.answer("message", stored(content))
    const messages = await Promise.all([...sending, later])
    assert.deepStrictEqual(
      messages.map(({ content }) => content),
      ["a", "b", "c", "d"]
    )
  })

  it("waits for the answers of those before it when many are under way", async () => {
    const { net, parley } = await online()
    for (let index = 0; index < 50; index++) void parley.send("chat", String(index)).catch(() => {})
    assert.strictEqual(net.peer.asked.length, 32)
    net.peer.answer("message", stored("0"))
    assert.strictEqual(net.peer.asked.length, 33)
    parley.close()
  })

  it("is asked again on a new session where the old one died under it", async () => {
    const { net, clock, parley } = await online()
    const sending = parley.send("chat", "hello")
    net.peer.answer("message", { result: "denied", message: "Your session has ended." })
    clock.pass(500)
    net.peer.open()
    net.peer.answer("ping", { result: "denied" })
    net.peer.answer("login", { sid: "sid-2", data: { id: 1 } })
    assert.deepInclude(net.peer.last, { method: "message", sid: "sid-2" })
    net.peer.answer("message", stored("hello"))
    await sending
  })

  it("is refused with the server's reason", async () => {
    const { net, parley } = await online()
    const sending = failure(parley.send("chat", "hello"))
    const refused = [{ gid: "g", cgid: "chat", message: "You may not speak in this chat." }]
    net.peer.answer("message", { result: "fail", message: "No message was stored.", data: refused })
    const { code, message, method, refused: told, repeated } = await sending
    assert.deepStrictEqual(
      { code, message, method, told, repeated },
      { code: "refused", message: "No message was stored.", method: "message", told: refused, repeated: false }
    )
  })

  it("is not waited for longer than its time, and its late answer goes to nobody", async () => {
    const { net, clock, parley } = await online()
    const late = failure(parley.send("chat", "a", { timeout: 100 }))
    const sending = parley.send("chat", "b")
    clock.pass(100)
    assert.strictEqual((await late).code, "timeout")
    net.peer.answer("message", stored("a"))
    net.peer.answer("message", stored("b"))
    assert.strictEqual((await sending).content, "b")
  })

  it("is not asked again once nobody waits for it", async () => {
    const { net, clock, parley } = await online()
    const controller = new AbortController()
    const given = failure(parley.send("chat", "a", { signal: controller.signal }))
    net.peer.hangUp()
    controller.abort("enough")
    const error = await given
    assert.deepStrictEqual([error.code, error.cause], ["aborted", "enough"])
    const already = await failure(parley.send("chat", "b", { signal: controller.signal }))
    assert.strictEqual(already.code, "aborted")
    clock.pass(500)
    net.peer.welcome()
    assert.deepStrictEqual(net.peer.asked, [])
  })

  it("is refused by the client where too many wait", async () => {
    const { net, parley } = await online({ limit: 2 })
    net.peer.hangUp()
    const sending = [failure(parley.listUsers()), failure(parley.listUsers())]
    assert.strictEqual((await failure(parley.listUsers())).code, "full")
    parley.close()
    for (const error of await Promise.all(sending)) assert.strictEqual(error.code, "closed")
  })

  it.each([true, false])("that is too large is not asked for ever (the server says so: %s)", async (description) => {
    const { net, clock, parley } = await online()
    const large = failure(parley.send("chat", "large"))
    const small = parley.send("chat", "small")
    if (description)
      net.peer.say({ module: "null", method: "null", result: "fail", message: "A frame may have at most 1 bytes." })
    net.peer.hangUp(1009)
    assert.strictEqual((await large).code, "refused")
    clock.pass(500)
    net.peer.welcome()
    assert.strictEqual(net.peer.asked.length, 1)
    net.peer.answer("message", stored("small"))
    assert.strictEqual((await small).content, "small")
  })

  it("to leave a chat is done where it was done before the connection broke", async () => {
    const { net, clock, parley } = await online()
    const leaving = parley.leave("chat")
    net.peer.hangUp()
    clock.pass(500)
    net.peer.welcome("sid-1", [])
    net.peer.answer("joinchat", { result: "fail", message: "There is no such chat." })
    await settled()
    net.peer.answer("getList", { data: [] })
    await leaving
    const again = failure(parley.leave("chat"))
    net.peer.answer("joinchat", { result: "fail", message: "There is no such chat." })
    assert.strictEqual((await again).message, "There is no such chat.")
  })
})
