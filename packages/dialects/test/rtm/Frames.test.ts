/** Frames that the SDKs do not send: garbage, unknown commands, commands without a login. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Cmd, type Command, encodeCommand, Op } from "../../src/rtm/codec.ts"
import { dial as dialServer } from "./dial.ts"
import { type RtmServer, startServer } from "./harness.ts"

let server: RtmServer
beforeAll(async () => {
  server = await startServer()
  await server.parley.operate("rtm-app add", { id: "frames", "all-users": true })
})
afterAll(() => server.close())

const dial = (protocol?: string, { url } = server) => dialServer(url, protocol)

const login = (peerId: string, i = 1): Command => ({ cmd: Cmd.session, op: Op.open, appId: "frames", peerId, i })

describe("frames of the rtm protocol", () => {
  it("are answered by an echo, before a login too", async () => {
    const { ask, socket } = await dial()
    assert.deepInclude(await ask({ cmd: Cmd.echo, i: 7 }), { cmd: Cmd.echo, i: 7 })
    socket.close()
  })

  it("are answered by an error if they are not commands", async () => {
    const { ask, socket } = await dial()
    const garbage: ReadonlyArray<Parameters<typeof ask>[0]> = [
      new Uint8Array(0),
      Uint8Array.of(255, 255, 255),
      Uint8Array.of(8),
      // A text that is not UTF-8.
      Uint8Array.of(0x08, 0x00, 0x22, 0x02, 0xff, 0xfe),
      "a text",
      { peerId: "tom" }
    ]
    for (const frame of garbage) {
      const { cmd, error } = await ask(frame)
      assert.deepStrictEqual([cmd, error?.code], [Cmd.error, 1007])
    }
    assert.strictEqual((await ask(login("garbage-tom"))).op, Op.opened)
    for (const frame of garbage) assert.strictEqual((await ask(frame)).error?.code, 1007)
    socket.close()
  })

  it("are answered by an error if the text is not base64", async () => {
    const { ask, socket } = await dial("lc.proto2base64.3")
    assert.strictEqual((await ask("%%%")).error?.code, 1007)
    assert.strictEqual((await ask(Uint8Array.of(8, 14))).error?.code, 1007)
    assert.strictEqual(
      (await ask(Buffer.from(encodeCommand({ cmd: Cmd.echo, i: 1 })).toString("base64"))).cmd,
      Cmd.echo
    )
    socket.close()
  })

  it("need a login", async () => {
    const { ask, socket } = await dial()
    const cid = "5f1b2c3d4e5f6a7b8c9d0e1f"
    for (const command of [
      { cmd: Cmd.conv, op: Op.query, i: 1 },
      { cmd: Cmd.direct, i: 2, direct: { cid, msg: "x", dt: "1" } },
      { cmd: Cmd.session, op: Op.close, i: 3, peerId: "tom" },
      { cmd: Cmd.read, read: { cid } },
      { cmd: Cmd.ack, ack: { cid } },
      { cmd: 99, i: 4 }
    ]) {
      const reply = await ask(command)
      assert.deepStrictEqual([reply.cmd, reply.error?.code, reply.i], [Cmd.error, 4105, command.i])
    }
    assert.strictEqual((await ask(login("logged-in"))).op, Op.opened)
    const other = await ask({ cmd: Cmd.logs, i: 5, peerId: "somebody-else", logs: { cid } })
    assert.strictEqual(other.error?.code, 4105)
    socket.close()
  })

  it("are refused if this server does not have the command", async () => {
    const { ask, socket } = await dial()
    await ask(login("unknown-commands"))
    for (const cmd of [9, 10, 12, 13, 19, 20, 99]) {
      const reply = await ask({ cmd, op: 1, i: cmd, peerId: "unknown-commands" })
      assert.deepStrictEqual([reply.cmd, reply.error?.code, reply.i], [Cmd.error, 4308, cmd])
    }
    const member = await ask({ cmd: Cmd.conv, op: 52, i: 3, conv: { cid: "x" } })
    assert.strictEqual(member.error?.code, 4308)
    socket.close()
  })

  it("close the connection of a client that cannot log in, but not the one of others", async () => {
    const first = await dial()
    const unknown = await first.ask({ ...login("tom"), appId: "none" })
    assert.strictEqual(unknown.error?.code, 4100)
    assert.strictEqual((await first.closed).code, 4100)

    const second = await dial()
    await second.ask(login("stays"))
    assert.strictEqual((await second.ask(login("two words", 2))).error?.code, 4103)
    assert.deepInclude(await second.ask({ cmd: Cmd.echo, i: 3 }), { cmd: Cmd.echo, i: 3 })
    second.socket.close()
  })

  it("close a connection of an unknown subprotocol", async () => {
    const { closed } = await dial("lc.protobuf2.9")
    assert.strictEqual((await closed).code, 1002)
  })

  it("cannot open a session by another client's token", async () => {
    const { ask, socket } = await dial()
    const st = (await ask(login("token-a"))).session?.st ?? ""
    assert.match(st, /^\S{43}$/)
    const stolen = await ask({ ...login("token-b", 2), session: { st, r: true } })
    assert.strictEqual(stolen.error?.code, 4112)
    await ask({ cmd: Cmd.session, op: Op.close, i: 3, peerId: "token-a" })
    const ended = await ask({ ...login("token-a", 4), session: { st, r: true } })
    assert.strictEqual(ended.error?.code, 4112)
    socket.close()
  })

  it("refuse the earlier device of a tag that opens its session again", async () => {
    const [first, second] = [await dial(), await dial()]
    const opened = await first.ask({ ...login("tagged"), session: { tag: "Mobile" } })
    first.socket.close()
    await first.closed
    await second.ask({ ...login("tagged"), session: { tag: "Mobile" } })
    const third = await dial()
    const st = opened.session?.st ?? ""
    assert.strictEqual((await third.ask({ ...login("tagged"), session: { st, r: true } })).error?.code, 4111)
    for (const { socket } of [second, third]) socket.close()
  })

  it("are accepted from clients up to the limit of one connection", async () => {
    const { ask, socket } = await dial()
    for (let index = 1; index <= 100; index++) {
      const reply = await ask(login(`many-${index}`, index))
      assert.deepStrictEqual([reply.op, reply.peerId], [Op.opened, `many-${index}`])
    }
    assert.strictEqual((await ask(login("many-101", 101))).error?.code, 4113)
    socket.close()
  })

  it("report the address of the WebSocket", async () => {
    const route = async (query: string) => (await fetch(`${server.http}/v1/route?${query}`)).json()
    const { host } = new URL(server.http)
    assert.deepStrictEqual(await route("appId=frames&secure=false"), {
      groupId: "g0",
      server: `ws://${host}/rtm`,
      secondary: `ws://${host}/rtm`,
      ttl: 3600
    })
    assert.deepInclude(await route("appId=frames&secure=true"), { server: `wss://${host}/rtm` })
    assert.deepInclude(await route("appId=none"), { code: 4100 })
  })

  it("are answered by an error for clients beyond the limit of connections, and the others go on", async () => {
    const small = await startServer([], { settings: { "limits.connectionsPerAddress": 4 } })
    await small.parley.operate("rtm-app add", { id: "frames", "all-users": true })
    const { ask, socket } = await dial("lc.protobuf2.3", small)
    const codes: Array<number | undefined> = []
    for (let index = 1; index <= 6; index++) codes.push((await ask(login(`limited-${index}`, index))).error?.code)
    assert.deepStrictEqual(codes, [undefined, undefined, undefined, undefined, 4113, 4113])
    assert.deepInclude(await ask({ cmd: Cmd.echo, i: 9 }), { cmd: Cmd.echo, i: 9 })
    socket.close()
    await small.close()
  })

  it("close a connection whose logins fail again and again", async () => {
    const { ask, send, closed } = await dial()
    const stolen = (i: number): Command => ({ ...login(`fails-${i}`, i), session: { st: "x", r: true } })
    for (let i = 1; i <= 10; i++) assert.strictEqual((await ask(stolen(i))).error?.code, 4112)
    send(stolen(11))
    assert.strictEqual((await closed).code, 1008)
  })

  it("mark as read what came up to a message or a time", async () => {
    const { send, ask, receive, socket } = await dial()
    let marked = 100
    await ask(login("marks"))
    const created = await ask({ cmd: Cmd.conv, op: Op.start, i: 2, conv: { m: ["marks-other"] } })
    const cid = created.conv?.cid ?? ""
    const date = Date.now()
    const other = server.parley.as("marks-other")
    const texts = ["one", "two", "three", "four"]
    const sent = await other.sendAll(texts.map((content, at) => ({ chat: { gid: cid }, content, date: date + at })))
    const unread = async () => (await server.parley.as("marks").unread({ gid: cid }))[0]?.count
    const mark = async (conv: { readonly mid?: string; readonly timestamp?: number }) => {
      send({ cmd: Cmd.read, read: { convs: [{ cid, ...conv }] } })
      // Answered after the mark; the messages have been pushed before.
      const i = ++marked
      send({ cmd: Cmd.echo, i })
      while ((await receive()).i !== i);
      return unread()
    }
    assert.strictEqual(await unread(), 4)
    assert.strictEqual(await mark({ timestamp: date - 1 }), 4)
    assert.strictEqual(await mark({ timestamp: date + 1 }), 2)
    assert.strictEqual(await mark({ mid: (sent[2]?.id ?? 0).toString(16).padStart(16, "0") }), 1)
    assert.isUndefined(await mark({}))
    socket.close()
  })
})
