/**
 * The least that a chat server on Node can do: no users, no rules, no history. `relay.ts <frame|coalesced|durable>`.
 * Its requests and pushes have the envelope that ours have, so that as many bytes are read, parsed and written.
 *
 * - `frame`: a message is made into one WebSocket frame, and written to each recipient's socket at once;
 * - `coalesced`: what is due to a socket in one turn of the event loop leaves in one write;
 * - `durable`: the same, and nothing leaves before SQLite has it on the disk.
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import type { Duplex } from "node:stream"
import { type WebSocket, WebSocketServer } from "ws"
import { type Record, RelayStore } from "./RelayStore.ts"

const [, , mode = "frame", file = ""] = process.argv

type Request =
  | { readonly method: "send"; readonly params: readonly [Omit<Record, "id">] }
  | { readonly method: "give"; readonly params: readonly [number] }
  | { readonly method: "join"; readonly params: readonly [string] }

const textFrame = (text: string): Buffer => {
  const length = Buffer.byteLength(text)
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(head + length)
  frame[0] = 0x81
  if (head === 2) frame[1] = length
  else if (head === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.write(text, head)
  return frame
}

class Seat {
  readonly ws: WebSocket
  readonly socket: Duplex
  chat: Set<Seat> | undefined
  waiting: Array<Buffer> = []

  constructor(ws: WebSocket, socket: Duplex) {
    this.ws = ws
    this.socket = socket
  }
}

const dirty = new Set<Seat>()
/** Most of those who are due something are due the same: it is copied together once. */
let lately: { readonly frames: ReadonlyArray<Buffer>; readonly bytes: Buffer } = { frames: [], bytes: Buffer.alloc(0) }
const joined = (frames: ReadonlyArray<Buffer>): Buffer => {
  const same = frames.length === lately.frames.length && frames.every((frame, index) => frame === lately.frames[index])
  if (!same) lately = { frames, bytes: Buffer.concat(frames) }
  return lately.bytes
}
const flush = (): void => {
  for (const seat of dirty) {
    const [first] = seat.waiting
    if (first !== undefined) seat.socket.write(seat.waiting.length === 1 ? first : joined(seat.waiting))
    seat.waiting = []
  }
  dirty.clear()
}

const write: (seat: Seat, frame: Buffer) => void =
  mode === "frame"
    ? (seat, frame) => void seat.socket.write(frame)
    : (seat, frame) => {
        seat.waiting.push(frame)
        if (dirty.size === 0) setImmediate(flush)
        dirty.add(seat)
      }

/** To one client: made by `ws`, but where it may share a write. */
const answer = (seat: Seat, text: string): void => {
  if (mode === "frame") seat.ws.send(text)
  else write(seat, textFrame(text))
}

const deliver = (from: Seat, record: Record): void => {
  const push = textFrame(JSON.stringify({ module: "message", method: "push", params: [record] }))
  for (const seat of from.chat ?? []) if (seat !== from) write(seat, push)
  answer(from, `{"stored":"${record.gid}","id":${record.id}}`)
}

/** Frame for requests of bytes; grows to the largest requested number. */
let payload = textFrame("")
const give = (seat: Seat, bytes: number): void => {
  if (payload.length < bytes) payload = textFrame("x".repeat(bytes))
  write(seat, payload)
}

const store = mode === "durable" ? new RelayStore<Seat>(file, deliver) : undefined
const chats = new Map<string, Set<Seat>>()
let lastId = 0

const server = createServer()
new WebSocketServer({ server, perMessageDeflate: false }).on("connection", (ws, { socket }) => {
  const seat = new Seat(ws, socket)
  ws.on("message", (data) => {
    const { method, params } = JSON.parse((data as Buffer).toString("utf8")) as Request
    if (method === "send") {
      const record: Record = { id: ++lastId, ...params[0] }
      if (store === undefined) deliver(seat, record)
      else store.add(seat, record)
    } else if (method === "give") give(seat, params[0])
    else {
      const [gid] = params
      seat.chat = chats.get(gid) ?? new Set()
      chats.set(gid, seat.chat.add(seat))
      answer(seat, `{"joined":${JSON.stringify(gid)}}`)
    }
  })
  ws.on("error", () => {})
  ws.on("close", () => {
    seat.chat?.delete(seat)
    dirty.delete(seat)
  })
})
server.listen(0, "127.0.0.1", 4096, () => console.log(`listening ${(server.address() as AddressInfo).port}`))
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => process.exit(0))
