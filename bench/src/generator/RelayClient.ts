/** Clients of the bare relay, whose frames are `[verb, value]`. */
import { type Client, readingOnce, type Speaker } from "./Client.ts"
import { dial } from "./Line.ts"

const readOnce = readingOnce((text) => {
  const [verb, value] = JSON.parse(text) as readonly [string, { readonly id: number; readonly content: string }]
  return verb === "push"
    ? { answers: 0, ids: [value.id], contents: [value.content] }
    : { answers: verb === "stored" ? 1 : 0, ids: [], contents: [] }
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
      heard: (bytes) => {
        if (entered) return hooks.heard(readOnce(bytes))
        entered = true
        joined()
      },
      closed: hooks.lost
    })
    let count = 0
    const client: Client = {
      send: (content) =>
        line.send(
          `["send",{"gid":"${user.account}-${++count}","cgid":"${chat.gid}","user":${user.id},"date":${Date.now()},"type":"normal","contentType":"text","content":"${content}"}]`
        ),
      close: line.destroy
    }
    line.send(JSON.stringify(["join", chat.gid]))
    await inside
    return client
  }
})
