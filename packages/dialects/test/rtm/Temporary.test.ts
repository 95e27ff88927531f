/** Temporary conversations, with the published SDKs against a server on SQLite. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Cmd, type Command, Op } from "../../src/rtm/codec.ts"
import { dial } from "./dial.ts"
import { codeOf, connect, next, type RtmServer, sdks, startServer } from "./harness.ts"

let server: RtmServer
beforeAll(async () => {
  server = await startServer()
  await server.parley.operate("rtm-app add", { id: "raw", "all-users": true, public: true })
})
afterAll(() => server.close())

interface Temporary {
  readonly id: string
  readonly expiredAt: Date
  readonly expired: boolean
  readonly send: (message: unknown) => Promise<unknown>
}
interface Creator {
  readonly createTemporaryConversation: (options: object) => Promise<Temporary>
}

/** Whether a time is about as many seconds from now; the test may take up to a minute. */
const isIn = (seconds: number, time: Date): boolean => Math.abs(time.getTime() - Date.now() - seconds * 1000) < 60_000

describe.each(sdks)("temporary conversations, with the SDK %s", (version, sdk) => {
  it("have a lifetime, carry messages, are found by id, survive a restart, and then end", async () => {
    const realtime = await connect(sdk, server)
    const [tomId, jerryId] = [`tom-${version}`, `jerry-${version}`]
    const tom = await realtime.createIMClient(tomId)
    const jerry = await realtime.createIMClient(jerryId)
    const creator = tom as unknown as Creator
    const received = next<[{ readonly text: string }, Temporary]>(jerry, "message")
    const conversation = await creator.createTemporaryConversation({ members: [jerryId], ttl: 3600 })
    assert.match(conversation.id, /^_tmp:/)
    assert.isTrue(isIn(3600, conversation.expiredAt))
    assert.isFalse(conversation.expired)
    await conversation.send(new sdk.TextMessage("psst"))
    const [message, ofJerry] = await received
    assert.strictEqual(message.text, "psst")
    assert.strictEqual(ofJerry.id, conversation.id)
    const found = (await jerry.getConversation(conversation.id, true)) as unknown as Temporary
    assert.instanceOf(found, (sdk as unknown as { readonly TemporaryConversation: never }).TemporaryConversation)
    assert.isTrue(isIn(3600, found.expiredAt))
    assert.deepStrictEqual(await jerry.getQuery().find(), [])
    // At most one day.
    const long = await creator.createTemporaryConversation({ members: [jerryId], ttl: 1_000_000 })
    assert.isTrue(isIn(86_400, long.expiredAt))
    assert.notStrictEqual(long.id, conversation.id)

    const reconnected = [next(tom, "reconnect"), next(jerry, "reconnect")]
    await server.restart()
    realtime.retry()
    await Promise.all(reconnected)
    const again = next<[{ readonly text: string }]>(jerry, "message")
    await conversation.send(new sdk.TextMessage("still here"))
    assert.strictEqual((await again)[0].text, "still here")

    await server.parley.as(tomId).dissolve({ gid: conversation.id })
    assert.strictEqual(await codeOf(conversation.send(new sdk.TextMessage("gone"))), 4323)
    await tom.close()
    await jerry.close()
  })
})

describe("temporary conversations", () => {
  it("end at their time, for members only until then", async () => {
    const { send, receive, socket } = await dial(server.url)
    let sent = 0
    /** Returns the reply to a command; a push may come before it. */
    const ask = async (command: Command): Promise<Command> => {
      const i = ++sent
      send({ ...command, i })
      for (;;) {
        const received = await receive()
        if (received.i === i) return received
      }
    }
    await ask({ cmd: Cmd.session, op: Op.open, appId: "raw", peerId: "ann" })
    const { conv } = await ask({ cmd: Cmd.conv, op: Op.start, conv: { tempConv: true, tempConvTTL: 1 } })
    const cid = conv?.cid ?? ""
    assert.deepInclude(conv, { tempConv: true, tempConvTTL: 1 })
    assert.isFalse((await server.parley.as("ann").chat({ gid: cid })).public)
    // Until the server has dissolved it, each message is stored.
    for (;;) {
      const { cmd, error } = await ask({ cmd: Cmd.direct, direct: { cid, msg: "hello" } })
      if (cmd === Cmd.ack) continue
      assert.strictEqual(error?.code, 4323)
      break
    }
    const { conv: found } = await ask({ cmd: Cmd.conv, op: Op.query, conv: { tempConvIds: [cid] } })
    assert.strictEqual(found?.results?.data, "[]")
    assert.deepStrictEqual(await server.parley.as("ann").chats(), [])
    socket.close()
  })
})
