/**
 * Client side of a WebSocket (RFC 6455): complete messages, no compression. All connections read into one buffer, and
 * frames are parsed in place, so that a thousand clients fit on one core.
 */
import { randomBytes } from "node:crypto"
import * as net from "node:net"

const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10

/** Any mask except zero, since the server has to undo it. */
const MASK = [0x5a, 0x3c, 0x71, 0xe9] as const

const shared = Buffer.allocUnsafe(256 * 1024)

const masked = (opcode: number, payload: Uint8Array): Buffer => {
  const { length } = payload
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(head + 4 + length)
  frame[0] = 0x80 | opcode
  if (head === 2) frame[1] = 0x80 | length
  else if (head === 4) {
    frame[1] = 0x80 | 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 0x80 | 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.set(MASK, head)
  for (let from = 0, to = head + 4; from < length; from++, to++) {
    frame[to] = (payload[from] ?? 0) ^ (MASK[from & 3] ?? 0)
  }
  return frame
}

/** Bytes of a message that are available when the caller decides whether to read it. */
const PEEK = 96

export interface Handlers {
  /** A message; the bytes are valid during the call only. */
  readonly received: (bytes: Buffer) => void
  /**
   * Called for a message of which only the beginning has arrived; if false, the rest is discarded on arrival. A list of
   * thousands of users is not worth buffering for each of thousands of clients.
   */
  readonly shouldRead?: (beginning: Buffer) => boolean
  /** Called at the end of discarded bytes, with their number. */
  readonly skipped?: (length: number) => void
  readonly closed: () => void
}

export interface Line {
  /** Sends a text message, or a binary one. */
  readonly send: (message: Uint8Array | string) => void
  readonly destroy: () => void
}

/** Resolves once the server has accepted the upgrade. */
export const dial = (port: number, path: string, handlers: Handlers, subprotocol?: string): Promise<Line> =>
  new Promise((resolve, reject) => {
    let upgraded = false
    /** Chunks of an incomplete message. */
    let kept: Array<Buffer> = []
    let keptSize = 0
    /** Number of buffered bytes from which parsing is worth another attempt. */
    let needed = 0
    /** Remaining bytes of a discarded message, and bytes of the complete message. */
    let [skipping, skipped] = [0, 0]
    const line: Line = {
      send: (message) =>
        void socket.write(typeof message === "string" ? masked(TEXT, Buffer.from(message)) : masked(BINARY, message)),
      destroy: () => socket.destroy()
    }
    /** Parses complete messages; returns the number of consumed bytes. */
    const read = (bytes: Buffer): number => {
      let at = 0
      needed = 0
      if (!upgraded) {
        const end = bytes.indexOf("\r\n\r\n")
        if (end < 0) return 0
        if (!bytes.toString("latin1", 0, end).startsWith("HTTP/1.1 101")) {
          reject(new Error(`no WebSocket at ${path}: ${bytes.toString("latin1", 0, bytes.indexOf("\r\n"))}`))
          socket.destroy()
          return bytes.length
        }
        upgraded = true
        at = end + 4
        resolve(line)
      }
      while (bytes.length - at >= 2) {
        const opcode = (bytes[at] ?? 0) & 0x0f
        let length = (bytes[at + 1] ?? 0) & 0x7f
        let head = 2
        if (length === 126) {
          if (bytes.length - at < 4) break
          length = bytes.readUInt16BE(at + 2)
          head = 4
        } else if (length === 127) {
          if (bytes.length - at < 10) break
          length = Number(bytes.readBigUInt64BE(at + 2))
          head = 10
        }
        if (bytes.length - at < head + length) {
          const here = bytes.length - at - head
          const isAsked = handlers.shouldRead !== undefined && here < PEEK
          needed = head + (isAsked ? Math.min(length, PEEK) : length)
          if (here >= PEEK && handlers.shouldRead?.(bytes.subarray(at + head, at + head + PEEK)) === false) {
            skipping = length - here
            skipped = length
            return bytes.length
          }
          break
        }
        const payload = bytes.subarray(at + head, at + head + length)
        if (opcode === TEXT || opcode === BINARY) handlers.received(payload)
        else if (opcode === PING) socket.write(masked(PONG, payload))
        else if (opcode === CLOSE) socket.end(masked(CLOSE, payload))
        at += head + length
      }
      return at
    }
    const socket = net.connect({
      host: "127.0.0.1",
      port,
      noDelay: true,
      onread: {
        buffer: shared,
        callback: (count) => {
          let fresh = shared.subarray(0, count)
          if (skipping > 0) {
            const dropped = Math.min(skipping, count)
            skipping -= dropped
            if (skipping > 0) return true
            handlers.skipped?.(skipped)
            fresh = fresh.subarray(dropped)
            if (fresh.length === 0) return true
          }
          if (keptSize > 0 && keptSize + fresh.length < needed) {
            kept.push(Buffer.from(fresh))
            keptSize += fresh.length
            return true
          }
          const bytes: Buffer = keptSize > 0 ? Buffer.concat([...kept, fresh]) : fresh
          const used = read(bytes)
          // The rest is copied: the shared buffer is the next connection's.
          kept = used < bytes.length ? [Buffer.from(bytes.subarray(used))] : []
          keptSize = bytes.length - used
          return true
        }
      }
    })
    socket.on("error", reject)
    socket.on("close", () => {
      reject(new Error("the connection was closed before it was one"))
      handlers.closed()
    })
    socket.write(
      [
        `GET ${path} HTTP/1.1`,
        `Host: 127.0.0.1:${port}`,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        ...(subprotocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
        `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
        "\r\n"
      ].join("\r\n")
    )
  })
