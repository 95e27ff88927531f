/** Connections without an SDK. */
import { type Command, decodeCommand, encodeCommand } from "../../src/rtm/codec.ts"

/** A connection that reads commands one by one. */
export const dial = async (url: string, protocol = "lc.protobuf2.3") => {
  const socket = new WebSocket(url, protocol)
  socket.binaryType = "arraybuffer"
  const received: Array<Command> = []
  const waiting: Array<(command: Command) => void> = []
  socket.addEventListener("message", ({ data }: MessageEvent<ArrayBuffer | string>) => {
    const bytes = typeof data === "string" ? Buffer.from(data, "base64") : new Uint8Array(data)
    const command = decodeCommand(bytes) ?? {}
    const next = waiting.shift()
    if (next === undefined) received.push(command)
    else next(command)
  })
  const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve))
  await new Promise((resolve) => {
    socket.addEventListener("open", resolve)
    socket.addEventListener("close", resolve)
  })
  const receive = (): Promise<Command> =>
    new Promise((resolve) => {
      const command = received.shift()
      if (command === undefined) waiting.push(resolve)
      else resolve(command)
    })
  const send = (frame: Command | Uint8Array<ArrayBuffer> | string): void =>
    socket.send(
      typeof frame === "string" || frame instanceof Uint8Array ? frame : Uint8Array.from(encodeCommand(frame))
    )
  return {
    socket,
    closed,
    receive,
    send,
    ask: async (frame: Parameters<typeof send>[0]) => {
      send(frame)
      return receive()
    }
  }
}
