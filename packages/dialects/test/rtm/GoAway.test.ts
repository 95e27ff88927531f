/** A server that closes: its clients are asked to reconnect while it still answers. */
import { assert, describe, it } from "@effect/vitest"
import { Cmd, Op } from "../../src/rtm/codec.ts"
import { dial } from "./dial.ts"
import { type Client, connect, next, type RtmServer, type Sdk, sdks, startServer } from "./harness.ts"

/** A client that reconnects at once when it may. */
const client = async (sdk: Sdk, server: RtmServer, id: string) => {
  const realtime = await connect(sdk, server)
  const im = await realtime.createIMClient(id)
  let isBack = false
  const retry = (): void => {
    try {
      if (isBack) realtime.retry()
    } catch {
      // An attempt is under way.
    }
  }
  realtime.on("schedule" as never, retry as never)
  return {
    im: im as Client,
    disconnected: next(im, "disconnect"),
    comeBack: async (): Promise<void> => {
      const reconnected = next(im, "reconnect")
      isBack = true
      retry()
      await reconnected
    }
  }
}

describe.each(sdks)("a restart under clients of the SDK %s", (version, sdk) => {
  it("is announced: they leave by themselves, look up the address, and go on", async () => {
    const server = await startServer()
    const [tom, jerry] = [await client(sdk, server, `tom-${version}`), await client(sdk, server, `jerry-${version}`)]
    const conversation = await tom.im.createConversation({ members: [jerry.im.id], name: "Restart" })
    const seen = await jerry.im.getConversation(conversation.id)
    const { parley } = server
    const raw = await dial(server.url)
    let routes = 0
    const countRoutes = parley.node
    Object.defineProperty(parley, "node", {
      value: (...args: Parameters<typeof countRoutes>) => {
        if (args[0].url?.startsWith("/v1/route") === true) routes++
        countRoutes(...args)
      }
    })

    const restarted = server.restart()
    assert.strictEqual((await raw.receive()).cmd, Cmd.goaway)
    await Promise.all([tom.disconnected, jerry.disconnected])
    // Version 4 was given the address itself.
    assert.strictEqual(routes, version.startsWith("4") ? 0 : 2)
    assert.deepInclude(await raw.ask({ cmd: Cmd.echo, i: 1 }), { cmd: Cmd.echo, i: 1 })
    raw.socket.close()
    await restarted

    await Promise.all([tom.comeBack(), jerry.comeBack()])
    const message = next<[{ readonly text?: string }]>(jerry.im, "message")
    await conversation.send(new sdk.TextMessage("after the restart"))
    assert.strictEqual((await message)[0].text, "after the restart")
    assert.strictEqual((await seen.queryMessages({ limit: 10 } as never)).length, 1)
    await tom.im.close()
    await jerry.im.close()
    await server.close()
  })
})

describe("a server that closes", () => {
  it("accepts no more clients, and closes those who stay with 1001", async () => {
    const server = await startServer()
    await server.parley.operate("rtm-app add", { id: "closing", "all-users": true })
    const [leaving, staying] = [await dial(server.url), await dial(server.url, "lc.proto2base64.3")]
    const login = { cmd: Cmd.session, op: Op.open, appId: "closing", peerId: "ann", i: 1 }
    assert.strictEqual((await leaving.ask(login)).op, Op.opened)
    const closed = server.close()
    assert.strictEqual((await leaving.receive()).cmd, Cmd.goaway)
    assert.strictEqual((await staying.receive()).cmd, Cmd.goaway)
    leaving.socket.close()
    const late = await dial(server.url)
    // While the others leave; afterwards the upgrade is refused.
    assert.include([1001, 1006], (await late.closed).code)
    assert.strictEqual((await staying.closed).code, 1001)
    await closed
  })

  it("sends no will of clients who leave, since they come back", async () => {
    const server = await startServer()
    await server.parley.operate("rtm-app add", { id: "closing", "all-users": true })
    const [ann, ben] = [await dial(server.url), await dial(server.url)]
    const login = (peerId: string) => ({ cmd: Cmd.session, op: Op.open, appId: "closing", peerId, i: 1 })
    assert.strictEqual((await ann.ask(login("ann"))).op, Op.opened)
    const started = await ann.ask({ cmd: Cmd.conv, op: Op.start, peerId: "ann", i: 2, conv: { m: ["ben"] } })
    const cid = started.conv?.cid ?? ""
    assert.strictEqual((await ben.ask(login("ben"))).op, Op.opened)
    await ben.ask({ cmd: Cmd.conv, op: Op.members, peerId: "ben", i: 2, conv: { cid } })
    const will = await ann.ask({ cmd: Cmd.direct, peerId: "ann", i: 3, direct: { cid, msg: "gone", will: true } })
    assert.strictEqual(will.cmd, Cmd.ack)
    const restarted = server.restart()
    assert.strictEqual((await ben.receive()).cmd, Cmd.goaway)
    ann.socket.close()
    await ann.closed
    assert.deepInclude(await ben.ask({ cmd: Cmd.echo, i: 4 }), { cmd: Cmd.echo, i: 4 })
    ben.socket.close()
    await restarted
    await server.close()
  })
})
