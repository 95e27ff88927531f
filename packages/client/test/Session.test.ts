/** Connecting, reconnecting and takeover, with a fake server and a manual clock. */
import { assert, describe, it } from "@effect/vitest"
import type { Credentials } from "../src/index.ts"
import { CHAT, type fakeNetwork, settled, USER } from "./FakeServer.ts"
import { failure, online, setUp, setUpWith, stored } from "./harness.ts"

describe("connecting", () => {
  it("logs in with the md5 of the password, and gets the lists", async () => {
    const { net, parley } = await online({ status: "away", device: "laptop" })
    assert.deepStrictEqual(net.peer.frames[0], {
      module: "chat",
      method: "login",
      params: { account: "ann", password: "e10adc3949ba59abbe56e057f20f883e", status: "away", device: "laptop" }
    })
    assert.deepStrictEqual([parley.sid, parley.me.account, [...parley.chats.keys()]], ["sid-1", "ann", ["chat"]])
  })

  it("logs in without credentials, for servers that recognise the page's own session", async () => {
    const { net, connecting } = setUpWith({}, { device: "laptop" })
    net.peer.open()
    assert.deepStrictEqual(net.peer.frames, [
      { module: "chat", method: "login", params: { status: "online", device: "laptop" } }
    ])
    net.peer.acceptLogin()
    assert.strictEqual((await connecting).me.account, "ann")
  })

  it("uses an address relative to the page", async () => {
    Object.assign(globalThis, { location: new URL("https://app.example/rooms/1?a=b") })
    try {
      const { net, clock, connecting } = setUpWith({}, { url: "/chat", retry: false })
      net.peer.disconnect()
      assert.strictEqual((await failure(connecting)).message, "cannot connect to wss://app.example/chat/ws")
      assert.strictEqual(clock.pending, 0)
    } finally {
      Reflect.deleteProperty(globalThis, "location")
    }
    const { connecting } = setUpWith({}, { url: "/chat" })
    assert.strictEqual(
      (await failure(connecting)).message,
      "/chat is not an http, https, ws or wss URL: outside of a page it must have a scheme and a host"
    )
  })

  const REFUSED = "The account or the password is wrong."
  const TOKEN = "q".repeat(43)
  const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
  it.each([
    [{ account: "ann", password: "123456" }, ""],
    [{ account: "ann", password: TOKEN }, " A one-time token is valid once; a session token is a `token`."],
    [{ account: "ann", password: JWT }, " A JWT is for the server's `authenticate`: leave it out."],
    [{ token: TOKEN }, " `token` is a session token; a one-time token is a `password`."],
    [{ token: JWT }, " A JWT is for the server's `authenticate`: leave it out."],
    [{}, " The server's `authenticate` recognised no session of this page."]
  ] satisfies ReadonlyArray<[Credentials, string]>)(
    "names the expected kind of token: %j",
    async (credentials, hint) => {
      const { net, connecting } = setUpWith(credentials)
      net.peer.open()
      const denied = "token" in credentials
      net.peer.reply(net.peer.last?.method ?? "", { result: denied ? "denied" : "fail", message: REFUSED })
      const error = await failure(connecting)
      assert.deepStrictEqual([error.code, error.message], ["login", REFUSED + hint])
    }
  )

  it("is retried until the timeout", async () => {
    const { net, clock, connecting, states } = setUp({ timeout: 5000 })
    net.peer.disconnect()
    clock.advance(500)
    net.peer.disconnect()
    assert.deepStrictEqual([net.peers.length, states], [2, ["connecting", "waiting", "connecting", "waiting"]])
    clock.advance(5000)
    assert.strictEqual((await failure(connecting)).code, "timeout")
    assert.strictEqual(clock.pending, 0)
    assert.strictEqual(states.at(-1), "ended")
  })

  it("ends at once with a wrong password", async () => {
    const { net, clock, connecting } = setUp()
    net.peer.open()
    net.peer.reply("login", { result: "fail", message: "The account or the password is wrong." })
    const error = await failure(connecting)
    assert.deepStrictEqual([error.code, error.message], ["login", "The account or the password is wrong."])
    assert.deepStrictEqual([net.peers.length, net.peer.closed, clock.pending], [1, true, 0])
  })

  it("is retried if the server is at its limit of connections", async () => {
    const { net, clock, connecting } = setUp()
    net.peer.open()
    net.peer.emit({ module: "null", method: "null", result: "fail", message: "There are too many connections." })
    clock.advance(500)
    net.peer.acceptLogin()
    assert.strictEqual((await connecting).state, "online")
  })

  it("is tried once without `retry`", async () => {
    const { net, clock, connecting } = setUp({ retry: false })
    net.peer.disconnect()
    const error = await failure(connecting)
    assert.deepStrictEqual([error.code, error.message], ["connection", "cannot connect to ws://server/ws"])
    assert.deepStrictEqual([net.peers.length, clock.pending], [1, 0])
  })

  it("is retried after the first login even without `retry`", async () => {
    const { net, clock, parley, states } = await online({ retry: false })
    net.peer.disconnect()
    clock.advance(500)
    net.peer.open()
    net.peer.reply("ping")
    assert.deepStrictEqual([parley.state, states], ["online", ["waiting", "connecting", "online"]])
  })

  it("is aborted by a signal", async () => {
    const controller = new AbortController()
    const { net, clock, connecting } = setUp({ signal: controller.signal })
    controller.abort("enough")
    const error = await failure(connecting)
    assert.deepStrictEqual([error.code, error.cause, net.peer.closed, clock.pending], ["aborted", "enough", true, 0])
  })

  it.each(["ftp://server", "server", ""])("rejects %j as an address", async (url) => {
    const { net, connecting } = setUp({ url })
    assert.strictEqual((await failure(connecting)).code, "connection")
    assert.strictEqual(net.peers.length, 0)
  })

  it("accepts a token, and gets its user from the server", async () => {
    const { net, connecting } = setUpWith({ token: "tok" })
    net.peer.open()
    assert.deepStrictEqual(net.peer.last, {
      module: "chat",
      method: "userChangeStatus",
      params: { status: "online" },
      sid: "tok"
    })
    net.peer.reply("userChangeStatus", { sid: "tok", data: { id: 1, status: "online" } })
    net.peer.push("userGetList", [USER])
    net.peer.push("getlist", [])
    assert.strictEqual((await connecting).me.account, "ann")
  })

  it("ends with an invalid token", async () => {
    const { net, connecting } = setUpWith({ token: "tok" })
    net.peer.open()
    net.peer.reply("userChangeStatus", { result: "denied", message: "Your session has ended." })
    assert.strictEqual((await failure(connecting)).code, "login")
  })

  it("calls the token function again when the token has expired", async () => {
    let tokens = 0
    const { net, clock, connecting } = setUpWith({ token: async () => `token-${++tokens}` })
    net.peer.open()
    await settled()
    assert.strictEqual(net.peer.last?.sid, "token-1")
    net.peer.reply("userChangeStatus", { data: { id: 1, status: "online" } })
    net.peer.push("userGetList", [USER])
    net.peer.push("getlist", [CHAT])
    await connecting
    net.peer.disconnect()
    clock.advance(500)
    net.peer.open()
    assert.deepStrictEqual(net.peer.last, { module: "chat", method: "ping", sid: "token-1" })
    net.peer.reply("ping", { result: "denied" })
    await settled()
    assert.deepStrictEqual([net.peers.length, net.peer.last?.sid], [2, "token-2"])
  })
})

describe("a connection that is lost", () => {
  it("is restored after waits whose bound doubles up to the maximum", async () => {
    const { net, clock } = await online()
    const waits: Array<number> = []
    for (let attempt = 0; attempt < 6; attempt++) {
      const before = clock.now
      const count = net.peers.length
      net.peer.disconnect()
      while (net.peers.length === count) clock.advance(100)
      waits.push(clock.now - before)
    }
    assert.deepStrictEqual(waits, [500, 1000, 2000, 4000, 4000, 4000])
    // A successful login resets the waits.
    net.peer.acceptLogin()
    net.peer.disconnect()
    clock.advance(500)
    assert.strictEqual(net.peers.length, 8)
  })

  it("resumes the session, and logs in again if it has ended", async () => {
    const { net, clock, parley, states } = await online()
    net.peer.disconnect()
    clock.advance(500)
    net.peer.open()
    assert.deepStrictEqual(net.peer.last, { module: "chat", method: "ping", sid: "sid-1" })
    net.peer.reply("ping", { result: "denied", message: "Your session has ended." })
    assert.strictEqual(net.peer.last?.method, "login")
    net.peer.reply("login", { sid: "sid-2", data: { id: 1 } })
    assert.deepStrictEqual([parley.sid, states], ["sid-2", ["waiting", "connecting", "online"]])
  })

  it("resumes with the status that was chosen", async () => {
    const { net, clock, parley } = await online()
    const changed = parley.changeStatus("busy")
    net.peer.reply("userChangeStatus", { data: { id: 1, status: "busy" } })
    await changed
    net.peer.disconnect()
    clock.advance(500)
    net.peer.open()
    assert.deepInclude(net.peer.last, { method: "userChangeStatus", params: { status: "busy" } })
  })

  it("ends when the login is refused three times in a row", async () => {
    const { net, clock, parley } = await online()
    for (let attempt = 0; attempt < 3; attempt++) {
      assert.notStrictEqual(parley.state, "ended")
      net.peer.disconnect()
      clock.advance(8000)
      net.peer.open()
      if (attempt === 0) net.peer.reply("ping", { result: "denied" })
      net.peer.reply("login", { result: "fail", message: "no" })
    }
    assert.deepStrictEqual([parley.state, parley.error?.code, clock.pending], ["ended", "login", 0])
  })

  it("is retried later if the server cannot look up the session", async () => {
    const { net, clock, parley } = await online()
    net.peer.disconnect()
    clock.advance(500)
    net.peer.open()
    net.peer.reply("ping", { result: "fail", message: "The storage does not answer." })
    assert.strictEqual(parley.state, "waiting")
    clock.advance(1000)
    net.peer.open()
    assert.deepStrictEqual([net.peers.length, net.peer.last?.sid], [3, "sid-1"])
  })

  it("is ignored after that", async () => {
    const { net, clock, parley } = await online()
    const lost = net.peer
    lost.disconnect()
    clock.advance(500)
    net.peer.acceptLogin()
    lost.emit({ module: "null", method: "null", message: "elsewhere" })
    lost.disconnect(4001)
    assert.deepStrictEqual([parley.state, net.peers.length], ["online", 2])
  })

  it("is restored at once by `wake`", async () => {
    const { net, parley } = await online()
    net.peer.disconnect()
    parley.wake()
    assert.strictEqual(net.peers.length, 2)
    net.peer.acceptLogin()
    parley.wake()
    parley.wake()
    assert.deepStrictEqual(net.peer.requests, [{ module: "chat", method: "ping", sid: "sid-1" }])
  })

  it("is detected by a missing reply", async () => {
    const { net, clock, parley } = await online()
    const sending = parley.send("chat", "hello")
    clock.advance(9000)
    // Pushes do not show that the other direction works.
    net.peer.push("login", USER)
    clock.advance(1000)
    assert.deepStrictEqual([parley.state, net.peer.closed], ["waiting", true])
    clock.advance(500)
    net.peer.acceptLogin()
    net.peer.reply("message", stored("hello"))
    assert.strictEqual((await sending).content, "hello")
  })

  it("is detected by the heartbeat if there are no requests", async () => {
    const { net, clock, parley } = await online()
    for (let beat = 0; beat < 3; beat++) {
      clock.advance(20_000)
      assert.strictEqual(net.peer.last?.method, "ping")
      net.peer.reply("ping")
    }
    assert.strictEqual(net.peer.requests.length, 3)
    clock.advance(30_000)
    assert.strictEqual(parley.state, "waiting")
  })

  it("is detected if it never opens, or the login gets no reply", async () => {
    const { net, clock } = setUp()
    clock.advance(10_500)
    assert.deepStrictEqual([net.peers.length, net.peers[0]?.closed], [2, true])
    net.peer.open()
    clock.advance(11_000)
    assert.strictEqual(net.peers.length, 3)
  })

  it("is closed if a reply does not match the oldest request", async () => {
    const { net, parley } = await online()
    void parley.send("chat", "hello").catch(() => {})
    net.peer.reply("create")
    assert.deepStrictEqual([parley.state, net.peer.closed], ["waiting", true])
    parley.close()
  })
})

describe("a login elsewhere", () => {
  it.each<[string, (net: ReturnType<typeof fakeNetwork>) => void]>([
    ["the documented packet", ({ peer }) => peer.emit({ module: "null", method: "null", message: "elsewhere" })],
    ["the packet of the 1.0 client", ({ peer }) => peer.emit([{ module: "chat", method: "kickoff" }])],
    ["the close code", ({ peer }) => peer.disconnect(4001)]
  ])("ends the client by %s", async (_how, takeOver) => {
    const { net, clock, parley, states } = await online()
    const sending = failure(parley.send("chat", "hello"))
    const reading = failure(parley.messages().next())
    takeOver(net)
    assert.strictEqual((await sending).code, "elsewhere")
    assert.strictEqual((await reading).code, "elsewhere")
    assert.strictEqual((await failure(parley.listUsers())).code, "elsewhere")
    assert.deepStrictEqual([states, clock.pending, net.peers.length], [["ended"], 0, 1])
  })

  /** Loses a connection, resumes on the next one, and gets a takeover there. */
  const withStaleConnection = async () => {
    const all = await online()
    all.net.peer.disconnect()
    all.clock.advance(500)
    all.net.peer.acceptLogin()
    all.net.peer.emit({ module: "null", method: "null", message: "elsewhere" })
    assert.strictEqual(all.parley.state, "waiting")
    all.clock.advance(500)
    all.net.peer.open()
    return all
  }

  it("may be caused by the client's own frames on a lost connection", async () => {
    const { net, parley } = await withStaleConnection()
    net.peer.reply("ping")
    assert.strictEqual(parley.state, "online")
    // One lost connection explains one takeover.
    net.peer.emit({ module: "null", method: "null", message: "elsewhere" })
    assert.strictEqual(parley.error?.code, "elsewhere")
  })

  it("is not explained by a connection that was never opened", async () => {
    const { net, clock, parley } = await online()
    net.peer.disconnect()
    clock.advance(500)
    net.peer.disconnect()
    clock.advance(1000)
    net.peer.acceptLogin()
    net.peer.disconnect(4001)
    clock.advance(500)
    net.peer.acceptLogin()
    net.peer.disconnect(4001)
    assert.strictEqual(parley.error?.code, "elsewhere")
  })

  it("ends the client if the session has ended too", async () => {
    const { net, parley } = await withStaleConnection()
    net.peer.reply("ping", { result: "denied" })
    assert.deepStrictEqual([parley.error?.code, net.peer.requests], ["elsewhere", []])
  })

  it("ends the client 60 s after the last lost connection", async () => {
    const { net, clock, parley } = await online()
    net.peer.disconnect()
    clock.advance(500)
    net.peer.acceptLogin()
    for (let beat = 0; beat < 4; beat++) {
      clock.advance(20_000)
      net.peer.reply("ping")
    }
    net.peer.disconnect(4001)
    assert.deepStrictEqual([parley.error?.code, clock.pending], ["elsewhere", 0])
  })

  it("may be caused by the client's own delayed login, which also ended the session", async () => {
    const { net, clock, connecting } = setUp()
    net.peer.open()
    net.peer.disconnect()
    clock.advance(500)
    net.peer.acceptLogin()
    const parley = await connecting
    net.peer.disconnect(4001)
    clock.advance(1000)
    net.peer.open()
    net.peer.reply("ping", { result: "denied" })
    assert.strictEqual(net.peer.last?.method, "login")
    net.peer.reply("login", { sid: "sid-2", data: { id: 1 } })
    assert.strictEqual(parley.state, "online")
  })
})
