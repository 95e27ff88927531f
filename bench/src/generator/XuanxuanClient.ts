/** Clients of Parley as in docs/protocols/xuanxuan.md: they acknowledge every packet, in batches of 50 ms. */
import { randomUUID } from "node:crypto"
import { type Chat, type Client, type Received, readingOnce, type Speaker } from "./Client.ts"
import { dial, type Line } from "./Line.ts"

/** Time for which acknowledgements are batched, in ms. */
export const GATHER = 50

export interface Packet {
  readonly id?: number
  readonly method?: string
  readonly result?: string
  readonly message?: string
  readonly sid?: string
  readonly data?: unknown
}

/** The pushed list of all users, which is ignored here. */
export const isNoUserList = (beginning: Buffer): boolean => !beginning.includes("userGetList")

export const packetsIn = (text: string): ReadonlyArray<Packet> => {
  const json = JSON.parse(text) as Packet | ReadonlyArray<Packet>
  return Array.isArray(json) ? (json as ReadonlyArray<Packet>) : [json as Packet]
}

const read = (text: string): Received => {
  let answers = 0
  const ids: Array<number> = []
  const contents: Array<string> = []
  for (const packet of packetsIn(text)) {
    if (packet.method?.toLowerCase() !== "message") continue
    if (packet.result === "success") answers++
    else if (packet.result !== undefined) throw new Error(`a message was refused: ${text.slice(0, 500)}`)
    else if (packet.id !== undefined) {
      for (const { content } of packet.data as ReadonlyArray<{ readonly content: string }>) {
        ids.push(packet.id)
        contents.push(content)
      }
    }
  }
  return { answers, ids, contents }
}

/** A connection with one request at a time, until it is handed over. */
export interface Conversation {
  readonly line: Line
  /** Sends a request and waits for the reply. */
  readonly ask: (method: string, params?: unknown, sid?: string) => Promise<Packet>
  /** Waits for a push. */
  readonly until: (method: string) => Promise<Packet>
  /** Passes further frames to this handler. */
  readonly become: (received: (bytes: Buffer) => void) => void
}

export const converse = async (port: number, lost: () => void): Promise<Conversation> => {
  const waiting = new Set<{
    readonly wanted: (packet: Packet) => boolean
    readonly found: (packet: Packet) => void
    readonly gone: (error: Error) => void
  }>()
  let received = (bytes: Buffer): void => {
    for (const packet of packetsIn(bytes.toString("utf8"))) {
      for (const one of waiting) {
        if (!one.wanted(packet)) continue
        waiting.delete(one)
        one.found(packet)
      }
    }
  }
  const line = await dial(port, "/ws", {
    received: (bytes) => received(bytes),
    closed: () => {
      for (const { gone } of waiting) gone(new Error("the server ended the connection before it answered"))
      lost()
    },
    shouldRead: isNoUserList
  })
  const wait = (wanted: (packet: Packet) => boolean): Promise<Packet> =>
    new Promise((found, gone) => waiting.add({ wanted, found, gone }))
  return {
    line,
    ask: async (method, params, sid) => {
      const answer = wait((packet) => packet.result !== undefined)
      line.send(JSON.stringify({ module: "chat", method, params, sid }))
      const packet = await answer
      if (packet.result !== "success") throw new Error(`${method}: ${packet.result}, ${packet.message ?? ""}`)
      return packet
    },
    until: (method) => wait((packet) => packet.result === undefined && packet.method?.toLowerCase() === method),
    become: (next) => {
      received = next
    }
  }
}

export const xuanxuan = (port: number): Speaker => ({
  prepare: async (chats) => {
    const made: Array<Chat> = []
    for (const { gid, members } of chats) {
      const [first] = members
      if (first === undefined) continue
      const { line, ask, until } = await converse(port, () => {})
      const greeted = until("getlist")
      await ask("ping", undefined, first.sid)
      await greeted
      const type = members.length === 2 ? "one2one" : "group"
      const params = { gid, name: gid, type, members: members.map(({ id }) => ({ id })) }
      const { data } = await ask("create", params, first.sid)
      // The server assigns its own gids to direct chats.
      made.push({ gid: (data as Chat).gid, members })
      line.destroy()
    }
    return made
  },
  connect: async (chat, user, hooks) => {
    const { line, ask, until, become } = await converse(port, hooks.lost)
    const greeted = until("getlist")
    await ask("ping", undefined, user.sid)
    await greeted
    let unacknowledged: Array<number> = []
    const acknowledge = (): void => {
      line.send(`{"module":"chat","method":"message","id":[${unacknowledged.join(",")}],"sid":"${user.sid}"}`)
      unacknowledged = []
    }
    const head = `{"module":"chat","method":"message","params":[{"cgid":"${chat.gid}","type":"normal","contentType":"text"`
    const tail = `"}],"sid":"${user.sid}"}`
    const client: Client = {
      send: (content) => line.send(`${head},"gid":"${randomUUID()}","content":"${content}${tail}`),
      close: line.destroy
    }
    become((bytes) => {
      const received = readOnce(bytes)
      if (received.ids.length > 0) {
        if (unacknowledged.length === 0) setTimeout(acknowledge, GATHER)
        for (const id of received.ids) unacknowledged.push(id)
      }
      hooks.received(received)
    })
    return client
  }
})

const readOnce = readingOnce(read)
