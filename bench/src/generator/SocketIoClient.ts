/** Clients of socket.io: its packets over Engine.IO 4, on a WebSocket from the start. Source: socket.io's protocol documents. */
import { randomUUID } from "node:crypto"
import { type Client, type Received, readingOnce, type Speaker, textBehind } from "./Client.ts"
import { dial } from "./Line.ts"

const NOTHING: Received = { answers: 0, ids: [], contents: [] }

const readOnce = readingOnce((text) => {
  if (text.startsWith("43")) return { ...NOTHING, answers: 1 }
  if (!text.startsWith("42")) return NOTHING
  return { answers: 0, ids: [Number(textBehind(text, '"id":', ","))], contents: [textBehind(text, '"content":"', '"')] }
})

const PING = 0x32

export const socketIo = (port: number): Speaker => ({
  prepare: (chats) => Promise.resolve(chats),
  connect: async (chat, user, hooks) => {
    let entered = false
    let expecting = { prefix: "0", met: (): void => {} }
    const expect = (prefix: string): Promise<void> =>
      new Promise((met) => {
        expecting = { prefix, met }
      })
    const greeted = expect("0")
    const line = await dial(port, "/socket.io/?EIO=4&transport=websocket", {
      received: (bytes) => {
        if (bytes.length === 1 && bytes[0] === PING) line.send("3")
        else if (entered) hooks.received(readOnce(bytes))
        else if (bytes.toString("latin1", 0, expecting.prefix.length) === expecting.prefix) expecting.met()
      },
      closed: hooks.lost
    })
    let count = 0
    const client: Client = {
      send: (content) => {
        count++
        line.send(
          `42${count}["send",{"gid":"${randomUUID()}","cgid":"${chat.gid}","user":${user.id},"date":${Date.now()},"type":"normal","contentType":"text","content":"${content}"}]`
        )
      },
      close: line.destroy
    }
    await greeted
    const connected = expect("40")
    line.send("40")
    await connected
    const joined = expect("43")
    line.send(`420${JSON.stringify(["join", chat.gid])}`)
    await joined
    entered = true
    return client
  }
})
