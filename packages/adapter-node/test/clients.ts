/** Small clients for servers of a test's own: xuanxuan over a WebSocket, `ha` over HTTP. */
import { createHash } from "node:crypto"
import type { Server } from "node:http"
import { WebSocket } from "ws"

export const KEY = "an-app"

export interface Packet {
  readonly id?: number
  readonly method: string
  readonly result?: string
  readonly message?: string
  readonly sid?: string
  readonly data?: unknown
}

/** Listens on a port of its own; answers `http://…`. */
export const listening = (server: Server): Promise<string> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resolve(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`)
    })
  })

export const closing = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })

/** A chat client; `at` is where WebSockets are: `http://host:port/im/ws`. */
export const chatClient = async (at: string, headers: Readonly<Record<string, string>> = {}) => {
  const ws = new WebSocket(at.replace("http:", "ws:"), { headers, perMessageDeflate: false })
  const heard: Array<Packet> = []
  const waiting = new Set<() => void>()
  let closed: number | undefined
  const look = (): void => {
    for (const one of waiting) one()
  }
  ws.on("message", (data: Buffer) => {
    heard.push(...([JSON.parse(data.toString())] as ReadonlyArray<Packet | ReadonlyArray<Packet>>).flat())
    look()
  })
  ws.on("close", (code) => {
    closed = code
    look()
  })
  await new Promise((resolve, reject) => {
    ws.once("open", resolve)
    ws.once("error", reject)
  })
  const until = <A>(find: () => A | undefined): Promise<A> =>
    new Promise((resolve, reject) => {
      const again = (): void => {
        const found = find()
        if (found === undefined && closed === undefined) return
        waiting.delete(again)
        if (found === undefined) reject(new Error(`closed with ${closed}; heard ${JSON.stringify(heard.slice(-3))}`))
        else resolve(found)
      }
      waiting.add(again)
      again()
    })
  let sid: string | undefined
  const ask = async (method: string, params?: unknown): Promise<Packet> => {
    const from = heard.length
    ws.send(JSON.stringify({ module: "chat", method, params, ...(sid !== undefined && { sid }) }))
    return until(() => heard.slice(from).find((packet) => packet.method === method && packet.result !== undefined))
  }
  return {
    heard,
    ask,
    until,
    login: async (account: string, password = "") => {
      const md5 = createHash("md5").update(password).digest("hex")
      const answer = await ask("login", { account, password: password === "" ? "" : md5 })
      sid = answer.sid
      return answer
    },
    /** Waits for a message that was pushed. */
    told: (content: string) =>
      until(() =>
        heard.find(
          ({ method, result, data }) =>
            method === "message" &&
            result === undefined &&
            (data as ReadonlyArray<{ readonly content: string }>).some((message) => message.content === content)
        )
      ),
    closed: () =>
      new Promise<number>((resolve) => (closed === undefined ? ws.once("close", resolve) : resolve(closed))),
    leave: () => ws.terminate()
  }
}

/** Sends a request of the `ha` protocol. */
export const ha = async (at: string, token: string, path: string, body: object) => {
  const response = await fetch(`${at}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-ha-key": KEY, "x-ha-session": token },
    body: JSON.stringify(body)
  })
  return { status: response.status, text: await response.text() }
}

/** Sends by HTTP, through a parser if there is one in the way; answers the stored message's key. */
export const sayByHa = async (at: string, token: string, to: number, content: string): Promise<string> => {
  const opened = await ha(at, token, "/conversation", { passiveuser: to, time: "1700000000000" })
  const { data } = JSON.parse(opened.text) as { readonly data: { readonly conversationid: number } }
  const sent = await ha(at, token, "/message", {
    conversationid: data.conversationid,
    type: -1,
    content,
    time: "1700000000000"
  })
  const answer = JSON.parse(sent.text) as { readonly data?: { readonly messagekey: string } }
  if (answer.data === undefined) throw new Error(sent.text)
  return answer.data.messagekey
}
