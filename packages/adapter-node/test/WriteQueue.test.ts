/** Large frames are not copied, and do not delay other connections. */
import { assert, describe, it } from "@effect/vitest"
import { Frame, EncodedChunk } from "@parley/core/Frame"
import { Writable } from "node:stream"
import { setImmediate as turn } from "node:timers/promises"
import { WriteQueue } from "../src/internal/socket/WriteQueue.ts"
import { encodeParts, encodeText } from "../src/internal/socket/WebSocketConnection.ts"

/** A socket with manual writes. */
const socketOf = () => {
  const chunks: Array<Buffer> = []
  let waiting: (() => void) | undefined
  const socket = new Writable({
    highWaterMark: 16 * 1024,
    writev: (written, done) => {
      for (const { chunk } of written) chunks.push(chunk as Buffer)
      waiting = done
    },
    write: (chunk, _encoding, done) => {
      chunks.push(chunk as Buffer)
      waiting = done
    }
  })
  const take = async (): Promise<void> => {
    for (let done = waiting; done !== undefined; done = waiting) {
      waiting = undefined
      done()
      await turn()
      await turn()
    }
  }
  const outbox = new WriteQueue({ socket, writable: () => true, overflowed: () => socket.destroy() }, 64 * 1024 * 1024)
  return {
    outbox,
    chunks,
    take,
    bytes: () => Buffer.concat(chunks),
    arrived: () => chunks.reduce((n, c) => n + c.length, 0)
  }
}

const MIB = 1024 * 1024
const part = (bytes: number, fill: string): Buffer => Buffer.alloc(bytes, fill)

describe("a frame of large chunks", () => {
  it("has the same bytes in parts as in one", () => {
    for (const texts of [["a"], ["[", "x".repeat(200), "]"], ["[", "é".repeat(70_000), "]", "中文"]]) {
      const pieces = texts.map((text) => new EncodedChunk(text))
      const { all, length } = encodeParts(new Frame(pieces, true))
      assert.deepStrictEqual(Buffer.concat(all), Buffer.from(encodeText(new Frame(pieces))))
      assert.strictEqual(length, Buffer.concat(all).length)
    }
  })

  it("is written in steps without a copy, before later frames", async () => {
    const { outbox, chunks, take, bytes } = socketOf()
    const all = Array.from({ length: 64 }, (_, index) => part(256 * 1024, String.fromCharCode(65 + (index % 26))))
    outbox.sendParts({ all, length: 16 * MIB })
    await turn()
    outbox.send(Buffer.from("later"))
    assert.isAtMost(chunks.length, 6)
    assert.strictEqual(outbox.buffered(), 16 * MIB + 5)
    let drained = false
    outbox.onDrained(0, () => (drained = true))
    await take()
    assert.isTrue(bytes().equals(Buffer.concat([...all, Buffer.from("later")])))
    assert.isTrue(all.every((one) => chunks.includes(one)))
    assert.isTrue(drained)
    assert.strictEqual(outbox.buffered(), 0)
  })

  it("is written completely when the connection is closed", async () => {
    const { outbox, take, bytes } = socketOf()
    const all = [part(4 * MIB, "a"), part(4 * MIB, "b"), part(1, "c")]
    outbox.sendParts({ all, length: 8 * MIB + 1 })
    await turn()
    outbox.close()
    outbox.send(Buffer.from("after the end"))
    await take()
    assert.isTrue(bytes().equals(Buffer.concat(all)))
  })

  it("does not delay connections with small frames", async () => {
    const large = Array.from({ length: 100 }, socketOf)
    const small = socketOf()
    for (const { outbox } of large) outbox.sendParts({ all: [part(MIB, "x")], length: MIB })
    small.outbox.send(Buffer.from("small"))
    await turn()
    assert.strictEqual(small.arrived(), 5)
    // A turn writes some of the large ones only.
    assert.isAtMost(large.filter(({ arrived }) => arrived() > 0).length, 10)
    for (let turns = 0; turns < 100; turns++) await turn()
    assert.isTrue(large.every(({ arrived }) => arrived() === MIB))
  })
})
