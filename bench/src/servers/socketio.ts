/** A minimal chat server on socket.io: a room for each chat, nothing stored. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Server } from "socket.io"

interface Message {
  readonly gid: string
  readonly cgid: string
}

const server = createServer()
let lastId = 0
new Server(server, { transports: ["websocket"], perMessageDeflate: false }).on("connection", (socket) => {
  socket.on("join", (gid: string, joined: (answer: string) => void) => {
    void socket.join(gid)
    joined(gid)
  })
  socket.on("send", (message: Message, stored: (answer: { readonly id: number; readonly gid: string }) => void) => {
    const id = ++lastId
    socket.to(message.cgid).emit("push", { id, ...message })
    stored({ id, gid: message.gid })
  })
})
server.listen(0, "127.0.0.1", 4096, () => console.log(`listening ${(server.address() as AddressInfo).port}`))
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => process.exit(0))
