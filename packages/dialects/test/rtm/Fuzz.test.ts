/** Random frames: each is answered or acknowledged by the connection going on; none ends the server or the connection. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { repetitions } from "../../../../scripts/repetitions.ts"
import { Cmd, type Command, decodeCommand, encodeCommand, Op } from "../../src/rtm/codec.ts"
import { messages } from "../../src/rtm/schema.ts"
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
  let closed = false
  let echoed: (i: number) => void = () => {}
  socket.addEventListener("close", () => {
    closed = true
    echoed(-1)
  })
  socket.addEventListener("message", ({ data }: MessageEvent<ArrayBuffer>) => {
    const { cmd, error, i = 0 } = decodeCommand(new Uint8Array(data)) ?? {}
    if (cmd === Cmd.error) codes.set(error?.code, (codes.get(error?.code) ?? 0) + 1)
    if (cmd === Cmd.echo) echoed(i)
  })
  await new Promise((resolve) => socket.addEventListener("open", resolve))
  const send = (frame: Uint8Array): void => socket.send(Uint8Array.from(frame))
  send(encodeCommand({ cmd: Cmd.session, op: Op.open, appId: "fuzz", peerId: "fuzz", i: 1 }))
  const settled = (): Promise<number> =>
    new Promise((resolve) => {
      echoed = resolve
      send(encodeCommand({ cmd: Cmd.echo, i: 1_000_000 }))
    })
  return { socket, send, settled, codes, isClosed: () => closed }
}

/** Fixed, so that each of the expected codes occurs. */
const SEED = 19

const field = (type: string): fc.Arbitrary<unknown> => {
  if (type.startsWith("*")) return fc.array(field(type.slice(1)), { maxLength: 3 })
  switch (type) {
    case "string":
      return fc.oneof(
        fc.string({ unit: "grapheme", maxLength: 80 }),
        fc.constantFrom("", "0".repeat(24), `${"0".repeat(23)}1`, "5f1b2c3d4e5f6a7b8c9d0e1f", `${"0".repeat(15)}1`),
        fc.json()
      )
    case "bytes":
      return fc.uint8Array({ maxLength: 40 })
    case "bool":
      return fc.boolean()
    case "int32":
      return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
    case "int64":
      return fc.oneof(fc.maxSafeInteger(), fc.constant(Date.now()))
    default:
      return body(type as keyof typeof messages)
  }
}

/** A message with some of its fields. */
const body = (name: keyof typeof messages): fc.Arbitrary<object> =>
  fc.record(Object.fromEntries(Object.entries(messages[name]).map(([key, [, type]]) => [key, field(type)])), {
    requiredKeys: []
  })

const operations = Object.values(Op)
/** Commands of the protocol with any fields. A closed session would leave nothing to test. */
const command = fc
  .tuple(body("Command"), fc.constantFrom(...Object.values(Cmd)), fc.constantFrom(...operations))
  .map(([fields, cmd, op]) => ({ ...fields, cmd, op, i: 7 }) as Command)
  .filter(({ cmd, op }) => cmd !== Cmd.session || op !== Op.close)
  .map((fields): Command => {
    const { appId: _, peerId: __, ...others } = fields
    return others
  })

describe("random frames of the rtm protocol", () => {
  it("are answered, and the connection goes on", async () => {
    const { send, settled, codes, isClosed, socket } = await dial()
    const [frames, commands] = [repetitions(10_000, 500), repetitions(10_000, 400)]
    const garbage = fc.sample(fc.uint8Array({ maxLength: 64 }), { numRuns: frames, seed: SEED })
    const altered = fc.sample(command, { numRuns: commands, seed: SEED }).map((one) => encodeCommand(one))
    // One bit of each is wrong.
    const flipped = altered.map((bytes, index) => {
      const copy = Uint8Array.from(bytes)
      const at = (index * 7919) % Math.max(1, copy.length)
      copy[at] = (copy[at] ?? 0) ^ (1 << (index % 8))
      return copy
    })
    for (const batch of [garbage, altered, flipped]) {
      for (const [index, frame] of batch.entries()) {
        const { cmd, op, peerId } = decodeCommand(frame) ?? {}
        if ((cmd === Cmd.session && (op === Op.close || op === Op.open)) || peerId !== undefined) continue
        send(frame)
        if (index % 100 === 0) await settled()
      }
      await settled()
      assert.isFalse(isClosed())
    }
    assert.isAbove(codes.get(1007) ?? 0, frames / 2)
    for (const code of [4301, 4303, 4308, 4401]) assert.isAbove(codes.get(code) ?? 0, 0, `no ${code}`)
    // Nothing that a client sends is a fault of the server.
    assert.isUndefined(codes.get(4200))
    socket.close()
  })
})
