/** Clients of the bare relay (see `servers/relay.ts`). */
import { randomUUID } from "node:crypto"
import { type Client, readingOnce, type Speaker, textBehind } from "./Client.ts"
import { dial } from "./Line.ts"

/** `servers/relay.ts` writes them: a push begins with its module, an answer with what was stored. */
const readOnce = readingOnce((text) => {
  if (text.startsWith('{"stored"')) return { answers: 1, ids: [], contents: [] }
  if (!text.startsWith('{"module"')) return { answers: 0, ids: [], contents: [] }
  return { answers: 0, ids: [Number(textBehind(text, '"id":', ","))], contents: [textBehind(text, '"content":"', '"')] }
})

export const relay = (port: number): Speaker => ({
  prepare: (chats) => Promise.resolve(chats),
  connect: async (chat, user, hooks) => {
    let joined = (): void => {}
    const inside = new Promise<void>((resolve) => {
      joined = resolve
    })
    let entered = false
    const line = await dial(port, "/", {
      received: (bytes) => {
        if (entered) return hooks.received(readOnce(bytes))
        entered = true
        joined()
      },
      closed: hooks.lost
    })
    const client: Client = {
      send: (content) =>
        line.send(
          `{"module":"message","method":"send","params":[{"gid":"${randomUUID()}","cgid":"${chat.gid}","user":${user.id},"date":${Date.now()},"type":"normal","contentType":"text","content":"${content}"}],"sid":"${user.sid}"}`
        ),
      close: line.destroy
    }
    line.send(JSON.stringify({ module: "chat", method: "join", params: [chat.gid] }))
    await inside
    return client
  }
})
