/** Pushes to clients that leave out their client id have none, and the same bytes for all; the others' have their own. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { toBinaryText, fromBinaryText } from "../../src/rtm/binary.ts"
import { Cmd, type Command, decodeCommand, encodeCommand, Op } from "../../src/rtm/codec.ts"
import { type RtmServer, startServer } from "./harness.ts"

let server: RtmServer
beforeAll(async () => {
  server = await startServer()
  await server.parley.operate("rtm-app add", { id: "bytes", "all-users": true })
})
afterAll(() => server.close())

/** A connection with its frames, which waits for one that fits. */
const dial = async (...peerIds: ReadonlyArray<string>) => {
  const socket = new WebSocket(server.url, "lc.protobuf2.3")
  socket.binaryType = "arraybuffer"
  const received: Array<Uint8Array> = []
  let onward = (): void => {}
  socket.addEventListener("message", ({ data }: MessageEvent<ArrayBuffer>) => {
    received.push(new Uint8Array(data))
    onward()
  })
  await new Promise((resolve) => socket.addEventListener("open", resolve))
  const until = (fits: (command: Command) => boolean): Promise<Uint8Array> =>
    new Promise((resolve) => {
      onward = () => {
        const found = received.find((bytes) => fits(decodeCommand(bytes) ?? {}))
        if (found !== undefined) resolve(found)
      }
      onward()
    })
  const ask = async (command: Command): Promise<Command> => {
    const i = received.length + 1000
    socket.send(Uint8Array.from(encodeCommand({ ...command, i })))
    return decodeCommand(await until((reply) => reply.i === i)) ?? {}
  }
  for (const peerId of peerIds) await ask({ cmd: Cmd.session, op: Op.open, appId: "bytes", peerId })
  return { ask, pushOf: (msg: string) => until(({ direct }) => direct?.msg === msg), close: () => socket.close() }
}

describe("the bytes of a push", () => {
  it("are shared by the clients that have left out their id once", async () => {
    const [ann, bob, cid, dan] = [await dial("ann"), await dial("bob"), await dial("cid"), await dial("dan", "eve")]
    const members = ["ann", "bob", "cid", "dan", "eve"]
    const { conv } = await ann.ask({ cmd: Cmd.conv, op: Op.start, peerId: "ann", conv: { m: members } })
    const where = { data: JSON.stringify({ objectId: conv?.cid }) }
    // Bob and Cid leave their id out, as an SDK does for its only client; Dan and Eve share a connection.
    for (const client of [bob, cid]) await client.ask({ cmd: Cmd.conv, op: Op.query, conv: { where } })
    await dan.ask({ cmd: Cmd.echo })
    await ann.ask({ cmd: Cmd.direct, peerId: "ann", direct: { cid: conv?.cid ?? "", msg: "hello" } })
    const [toBob, toCid, toDan] = await Promise.all([bob, cid, dan].map((client) => client.pushOf("hello")))
    assert.deepStrictEqual(toBob, toCid)
    assert.isUndefined(decodeCommand(toBob ?? new Uint8Array())?.peerId)
    assert.oneOf(decodeCommand(toDan ?? new Uint8Array())?.peerId, ["dan", "eve"])
    for (const { close } of [ann, bob, cid, dan]) close()
  })

  it("survive the conversion to a text and back, of any length", () => {
    for (const length of [0, 1, 255, 256, 257, 5000]) {
      const bytes = Uint8Array.from({ length }, (_, index) => (index * 37) & 255)
      assert.deepStrictEqual(fromBinaryText(toBinaryText(bytes)), bytes)
    }
  })
})
