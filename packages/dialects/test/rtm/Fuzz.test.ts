/** Random frames: each is answered, or the connection goes on; none ends the server, and memory does not grow. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { repetitions } from "../../../../scripts/repetitions.ts"
import { Cmd, type Command, decodeCommand, encodeCommand, Op } from "../../src/rtm/codec.ts"
import { command, valid, wrongField } from "./commands.ts"
import { type RtmServer, startServer } from "./harness.ts"

let server: RtmServer
beforeAll(async () => {
  server = await startServer()
  await server.parley.operate("rtm-app add", { id: "fuzz", "all-users": true })
})
afterAll(() => server.close())

/** A logged-in connection that sends frames and waits until the server has handled all of them. */
const dial = async () => {
  const socket = new WebSocket(server.url, "lc.protobuf2.3")
  socket.binaryType = "arraybuffer"
  const codes = new Map<number | undefined, number>()
  const waiting = new Map<number, { readonly resolve: (reply: Command) => void; readonly reject: (e: Error) => void }>()
  let closed: Error | undefined
  socket.addEventListener("close", ({ code, reason }) => {
    closed = new Error(`the server closed the connection: ${code} ${reason}`)
    for (const { reject } of waiting.values()) reject(closed)
  })
  socket.addEventListener("message", ({ data }: MessageEvent<ArrayBuffer>) => {
    const reply = decodeCommand(new Uint8Array(data)) ?? {}
    if (reply.cmd === Cmd.error) codes.set(reply.error?.code, (codes.get(reply.error?.code) ?? 0) + 1)
    waiting.get(reply.i ?? 0)?.resolve(reply)
  })
  await new Promise((resolve) => socket.addEventListener("open", resolve))
  const send = (frame: Uint8Array): void => socket.send(Uint8Array.from(frame))
  let requests = 1_000_000
  const request = (one: Command): Promise<Command> =>
    new Promise((resolve, reject) => {
      if (closed !== undefined) return reject(closed)
      const i = ++requests
      waiting.set(i, { resolve, reject })
      send(encodeCommand({ ...one, i }))
    })
  await request({ cmd: Cmd.session, op: Op.open, appId: "fuzz", peerId: "fuzz" })
  return { socket, send, request, settled: () => request({ cmd: Cmd.echo }), codes }
}

/** Fixed, so that each of the expected codes occurs. */
const SEED = 19

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void
const heap = (): number => {
  collect()
  return process.memoryUsage().heapUsed
}

/** Sends the frames, in batches that the server handles before the next one. Session commands would end the session. */
const sendAll = async (
  { send, settled }: Awaited<ReturnType<typeof dial>>,
  frames: ReadonlyArray<Uint8Array>
): Promise<void> => {
  for (const [index, frame] of frames.entries()) {
    const { cmd, op, peerId } = decodeCommand(frame) ?? {}
    if ((cmd === Cmd.session && (op === Op.close || op === Op.open)) || peerId !== undefined) continue
    send(frame)
    if (index % 100 === 0) await settled()
  }
  await settled()
}

const sample = (arbitrary: fc.Arbitrary<Command>, numRuns: number): ReadonlyArray<Uint8Array> =>
  fc.sample(arbitrary, { numRuns, seed: SEED }).map((one) => encodeCommand(one))

describe("frames of the rtm protocol", () => {
  it("of random bytes are answered with 1007, and the memory stays flat", async () => {
    const count = repetitions(10_000, 500)
    const garbage = fc.sample(fc.uint8Array({ maxLength: 64 }), { numRuns: count, seed: SEED })
    const client = await dial()
    await sendAll(client, garbage)
    assert.isAbove(client.codes.get(1007) ?? 0, count / 2)
    const before = heap()
    await sendAll(client, garbage)
    assert.isBelow(heap() - before, 4_000_000)
    client.socket.close()
  })

  it("with any fields, or with a wrong bit, are answered", async () => {
    const frames = sample(command, repetitions(10_000, 600))
    const flipped = frames.map((bytes, index) => {
      const copy = Uint8Array.from(bytes)
      const at = (index * 7919) % Math.max(1, copy.length)
      copy[at] = (copy[at] ?? 0) ^ (1 << (index % 8))
      return copy
    })
    const client = await dial()
    await sendAll(client, frames)
    await sendAll(client, flipped)
    for (const code of [4301, 4303, 4308, 4401]) assert.isAbove(client.codes.get(code) ?? 0, 0, `no ${code}`)
    // Nothing that a client sends is a fault of the server.
    assert.isUndefined(client.codes.get(4200))
    client.socket.close()
  })

  it("that are valid except for one field are answered, and the memory stays flat", async () => {
    const client = await dial()
    const conversation = await client.request({ cmd: Cmd.conv, op: Op.start, conv: { m: ["fuzz", "friend"] } })
    const cid = conversation.conv?.cid ?? assert.fail("no conversation")
    const { ack } = await client.request({ cmd: Cmd.direct, direct: { cid, msg: '{"_lctype":-1,"_lctext":"hello"}' } })
    const known = { cid, mid: ack?.uid ?? "", timestamp: ack?.t ?? 0, friend: "friend" }
    // Each is accepted as it is: only the wrong field is wrong.
    for (const one of valid(known)) {
      const { cmd, op, error } = await client.request(one)
      assert.notStrictEqual(cmd, Cmd.error, `${one.cmd}/${one.op}: ${error?.code} ${error?.reason}; ${op}`)
    }
    const frames = sample(wrongField(valid(known)), repetitions(10_000, 400))
    const half = frames.length / 2
    await sendAll(client, frames.slice(0, half))
    const before = heap()
    await sendAll(client, frames.slice(half))
    // The conversations and messages that are made are in the store, of which a cache keeps a part.
    assert.isBelow(heap() - before, 16_000_000)
    for (const code of [4301, 4303, 4401]) assert.isAbove(client.codes.get(code) ?? 0, 0, `no ${code}`)
    assert.isUndefined(client.codes.get(4200))
    client.socket.close()
  })
})
