/** What becomes of the connection; the other end is played, and time is moved by hand. */
import { assert, describe, it } from "@effect/vitest"
import { CHAT, type exchange, settled, USER } from "./FakeServer.ts"
import { failure, online, setUp, setUpWith, stored } from "./harness.ts"

describe("connecting", () => {
  it("logs in with the md5 of the password, and knows who is there", async () => {
    const { net, parley } = await online({ status: "away", device: "laptop" })
    assert.deepStrictEqual(net.peer.heard[0], {
      module: "chat",
      method: "login",
      params: { account: "ann", password: "e10adc3949ba59abbe56e057f20f883e", status: "away", device: "laptop" }
    })
    assert.deepStrictEqual([parley.sid, parley.me.account, [...parley.chats.keys()]], ["sid-1", "ann", ["chat"]])
  })

  it("goes on trying until its time is over", async () => {
    const { net, clock, connecting, states } = setUp({ timeout: 5000 })
    net.peer.hangUp()
    clock.pass(500)
    net.peer.hangUp()
    assert.deepStrictEqual([net.peers.length, states], [2, ["connecting", "waiting", "connecting", "waiting"]])
    clock.pass(5000)
    assert.strictEqual((await failure(connecting)).code, "timeout")
    assert.strictEqual(clock.pending, 0)
    assert.strictEqual(states.at(-1), "ended")
  })

  it("ends at once where the password is wrong", async () => {
    const { net, clock, connecting } = setUp()
    net.peer.open()
    net.peer.answer("login", { result: "fail", message: "The account or the password is wrong." })
    const error = await failure(connecting)
    assert.deepStrictEqual([error.code, error.message], ["login", "The account or the password is wrong."])
    assert.deepStrictEqual([net.peers.length, net.peer.gone, clock.pending], [1, true, 0])
  })

  it("goes on trying where the server has no room for a connection", async () => {
    const { net, clock, connecting } = setUp()
    net.peer.open()
    net.peer.say({ module: "null", method: "null", result: "fail", message: "There are too many connections." })
    clock.pass(500)
    net.peer.welcome()
    assert.strictEqual((await connecting).state, "online")
  })

  it("tries once without retry", async () => {
    const { net, clock, connecting } = setUp({ retry: false })
    net.peer.hangUp()
    const error = await failure(connecting)
    assert.deepStrictEqual([error.code, error.message], ["connection", "ws://server/ws was not reached"])
    assert.deepStrictEqual([net.peers.length, clock.pending], [1, 0])
  })

  it("comes back without retry, too, once it was online", async () => {
    const { net, clock, parley, states } = await online({ retry: false })
    net.peer.hangUp()
    clock.pass(500)
    net.peer.open()
    net.peer.answer("ping")
    assert.deepStrictEqual([parley.state, states], ["online", ["waiting", "connecting", "online"]])
  })

  it("is given up by a signal", async () => {
    const controller = new AbortController()
    const { net, clock, connecting } = setUp({ signal: controller.signal })
    controller.abort("enough")
    const error = await failure(connecting)
    assert.deepStrictEqual([error.code, error.cause, net.peer.gone, clock.pending], ["aborted", "enough", true, 0])
  })

  it.each(["ftp://server", "server", ""])("does not take %j for an address", async (url) => {
    const { net, connecting } = setUp({ url })
    assert.strictEqual((await failure(connecting)).code, "connection")
    assert.strictEqual(net.peers.length, 0)
  })

  it("takes a token for a login, and learns from the server whose it is", async () => {
    const { net, connecting } = setUpWith({ token: "tok" })
    net.peer.open()
    assert.deepStrictEqual(net.peer.last, {
      module: "chat",
      method: "userChangeStatus",
      params: { status: "online" },
      sid: "tok"
    })
    net.peer.answer("userChangeStatus", { sid: "tok", data: { id: 1, status: "online" } })
    net.peer.push("userGetList", [USER])
    net.peer.push("getlist", [])
    assert.strictEqual((await connecting).me.account, "ann")
  })

  it("ends where a token is not worth anything", async () => {
    const { net, connecting } = setUpWith({ token: "tok" })
    net.peer.open()
    net.peer.answer("userChangeStatus", { result: "denied", message: "Your session has ended." })
    assert.strictEqual((await failure(connecting)).code, "login")
  })

  it("asks again for a token when the one it has is worth nothing any more", async () => {
    let tokens = 0
    const { net, clock, connecting } = setUpWith({ token: async () => `token-${++tokens}` })
    net.peer.open()
    await settled()
    assert.strictEqual(net.peer.last?.sid, "token-1")
    net.peer.answer("userChangeStatus", { data: { id: 1, status: "online" } })
    net.peer.push("userGetList", [USER])
    net.peer.push("getlist", [CHAT])
    await connecting
    net.peer.hangUp()
    clock.pass(500)
    net.peer.open()
    assert.deepStrictEqual(net.peer.last, { module: "chat", method: "ping", sid: "token-1" })
    net.peer.answer("ping", { result: "denied" })
    await settled()
    assert.deepStrictEqual([net.peers.length, net.peer.last?.sid], [2, "token-2"])
  })
})

describe("a connection that is lost", () => {
  it("comes back after waits whose bound doubles up to the longest", async () => {
    const { net, clock } = await online()
    const waits: Array<number> = []
    for (let attempt = 0; attempt < 6; attempt++) {
      const before = clock.now
      const count = net.peers.length
      net.peer.hangUp()
      while (net.peers.length === count) clock.pass(100)
      waits.push(clock.now - before)
    }
    assert.deepStrictEqual(waits, [500, 1000, 2000, 4000, 4000, 4000])
    // Once it was there, the waits begin anew.
    net.peer.welcome()
    net.peer.hangUp()
    clock.pass(500)
    assert.strictEqual(net.peers.length, 8)
  })

  it("resumes the session, and logs in anew where it is dead", async () => {
    const { net, clock, parley, states } = await online()
    net.peer.hangUp()
    clock.pass(500)
    net.peer.open()
    assert.deepStrictEqual(net.peer.last, { module: "chat", method: "ping", sid: "sid-1" })
    net.peer.answer("ping", { result: "denied", message: "Your session has ended." })
    assert.strictEqual(net.peer.last?.method, "login")
    net.peer.answer("login", { sid: "sid-2", data: { id: 1 } })
    assert.deepStrictEqual([parley.sid, states], ["sid-2", ["waiting", "connecting", "online"]])
  })

  it("resumes with the status that was chosen", async () => {
    const { net, clock, parley } = await online()
    const changed = parley.changeStatus("busy")
    net.peer.answer("userChangeStatus", { data: { id: 1, status: "busy" } })
    await changed
    net.peer.hangUp()
    clock.pass(500)
    net.peer.open()
    assert.deepInclude(net.peer.last, { method: "userChangeStatus", params: { status: "busy" } })
  })

  it("ends when a login after that is refused three times", async () => {
    const { net, clock, parley } = await online()
    for (let attempt = 0; attempt < 3; attempt++) {
      assert.notStrictEqual(parley.state, "ended")
      net.peer.hangUp()
      clock.pass(8000)
      net.peer.open()
      if (attempt === 0) net.peer.answer("ping", { result: "denied" })
      net.peer.answer("login", { result: "fail", message: "no" })
    }
    assert.deepStrictEqual([parley.state, parley.error?.code, clock.pending], ["ended", "login", 0])
  })

  it("comes back later where the server cannot look its session up", async () => {
    const { net, clock, parley } = await online()
    net.peer.hangUp()
    clock.pass(500)
    net.peer.open()
    net.peer.answer("ping", { result: "fail", message: "The storage does not answer." })
    assert.strictEqual(parley.state, "waiting")
    clock.pass(1000)
    net.peer.open()
    assert.deepStrictEqual([net.peers.length, net.peer.last?.sid], [3, "sid-1"])
  })

  it("does not hear a connection that it has left", async () => {
    const { net, clock, parley } = await online()
    const left = net.peer
    left.hangUp()
    clock.pass(500)
    net.peer.welcome()
    left.say({ module: "null", method: "null", message: "elsewhere" })
    left.hangUp(4001)
    assert.deepStrictEqual([parley.state, net.peers.length], ["online", 2])
  })

  it("is tried again at once when the application says so", async () => {
    const { net, parley } = await online()
    net.peer.hangUp()
    parley.wake()
    assert.strictEqual(net.peers.length, 2)
    net.peer.welcome()
    parley.wake()
    parley.wake()
    assert.deepStrictEqual(net.peer.asked, [{ module: "chat", method: "ping", sid: "sid-1" }])
  })

  it("is noticed by an answer that does not come", async () => {
    const { net, clock, parley } = await online()
    const sending = parley.send("chat", "hello")
    clock.pass(9000)
    // Pushes are no sign that the other direction is alive.
    net.peer.push("login", USER)
    clock.pass(1000)
    assert.deepStrictEqual([parley.state, net.peer.gone], ["waiting", true])
    clock.pass(500)
    net.peer.welcome()
    net.peer.answer("message", stored("hello"))
    assert.strictEqual((await sending).content, "hello")
  })

  it("is noticed by the heartbeat where nothing is asked", async () => {
    const { net, clock, parley } = await online()
    for (let beat = 0; beat < 3; beat++) {
      clock.pass(20_000)
      assert.strictEqual(net.peer.last?.method, "ping")
      net.peer.answer("ping")
    }
    assert.strictEqual(net.peer.asked.length, 3)
    clock.pass(30_000)
    assert.strictEqual(parley.state, "waiting")
  })

  it("is one that is never opened, or on which the greeting is not answered", async () => {
    const { net, clock } = setUp()
    clock.pass(10_500)
    assert.deepStrictEqual([net.peers.length, net.peers[0]?.gone], [2, true])
    net.peer.open()
    clock.pass(11_000)
    assert.strictEqual(net.peers.length, 3)
  })

  it("is given up where an answer is none to what was asked", async () => {
    const { net, parley } = await online()
    void parley.send("chat", "hello").catch(() => {})
    net.peer.answer("create")
    assert.deepStrictEqual([parley.state, net.peer.gone], ["waiting", true])
    parley.close()
  })
})

describe("a login elsewhere", () => {
  it.each<[string, (net: ReturnType<typeof exchange>) => void]>([
    ["the documented packet", ({ peer }) => peer.say({ module: "null", method: "null", message: "elsewhere" })],
    ["the packet of the 1.0 client", ({ peer }) => peer.say([{ module: "chat", method: "kickoff" }])],
    ["the close code", ({ peer }) => peer.hangUp(4001)]
  ])("ends the client by %s", async (_how, say) => {
    const { net, clock, parley, states } = await online()
    const sending = failure(parley.send("chat", "hello"))
    const reading = failure(parley.messages().next())
    say(net)
    assert.strictEqual((await sending).code, "elsewhere")
    assert.strictEqual((await reading).code, "elsewhere")
    assert.strictEqual((await failure(parley.listUsers())).code, "elsewhere")
    assert.deepStrictEqual([states, clock.pending, net.peers.length], [["ended"], 0, 1])
  })

  /** A connection that was lost, a session on the next one, and the news that it is elsewhere. */
  const withStray = async () => {
    const all = await online()
    all.net.peer.hangUp()
    all.clock.pass(500)
    all.net.peer.welcome()
    all.net.peer.say({ module: "null", method: "null", message: "elsewhere" })
    assert.strictEqual(all.parley.state, "waiting")
    all.clock.pass(500)
    all.net.peer.open()
    return all
  }

  it("may be what the client itself has said on a connection that it lost", async () => {
    const { net, parley } = await withStray()
    net.peer.answer("ping")
    assert.strictEqual(parley.state, "online")
    // One lost connection excuses it once.
    net.peer.say({ module: "null", method: "null", message: "elsewhere" })
    assert.strictEqual(parley.error?.code, "elsewhere")
  })

  it("is not excused by a connection that was never opened", async () => {
    const { net, clock, parley } = await online()
    net.peer.hangUp()
    clock.pass(500)
    net.peer.hangUp()
    clock.pass(1000)
    net.peer.welcome()
    net.peer.hangUp(4001)
    clock.pass(500)
    net.peer.welcome()
    net.peer.hangUp(4001)
    assert.strictEqual(parley.error?.code, "elsewhere")
  })

  it("is somebody else after all where the session is dead", async () => {
    const { net, parley } = await withStray()
    net.peer.answer("ping", { result: "denied" })
    assert.deepStrictEqual([parley.error?.code, net.peer.asked], ["elsewhere", []])
  })

  it("is somebody else once everything said would have come long ago", async () => {
    const { net, clock, parley } = await online()
    net.peer.hangUp()
    clock.pass(500)
    net.peer.welcome()
    for (let beat = 0; beat < 4; beat++) {
      clock.pass(20_000)
      net.peer.answer("ping")
    }
    net.peer.hangUp(4001)
    assert.deepStrictEqual([parley.error?.code, clock.pending], ["elsewhere", 0])
  })

  it("may be one's own login that the network had held back, which took the session with it", async () => {
    const { net, clock, connecting } = setUp()
    net.peer.open()
    net.peer.hangUp()
    clock.pass(500)
    net.peer.welcome()
    const parley = await connecting
    net.peer.hangUp(4001)
    clock.pass(1000)
    net.peer.open()
    net.peer.answer("ping", { result: "denied" })
    assert.strictEqual(net.peer.last?.method, "login")
    net.peer.answer("login", { sid: "sid-2", data: { id: 1 } })
    assert.strictEqual(parley.state, "online")
  })
})
