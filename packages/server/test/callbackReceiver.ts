/** A receiver of youdu callbacks on a real port, and the chat whose messages it gets. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { createDecipheriv, createHash, randomBytes } from "node:crypto"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { type Client, idsOf, newGid } from "./clients.ts"

export const BUIN = 7
export const APP = "mine"
export const KEY = randomBytes(32)
export const TOKEN = "token-of-the-callback"
export const ACCOUNT = `yd-${BUIN}-${APP}`
export const APP_FLAGS = ["--buin", String(BUIN), "--app-id", APP]

/** Reaction of the receiver to a request. */
export type Reaction = "accept" | "fail" | "wrong" | "hang" | "reset"

interface Packet {
  readonly packageId: string
  readonly fromUser: string
  readonly text: { readonly content: string }
}

const opened = (sealed: string): Packet => {
  const decipher = createDecipheriv("aes-256-cbc", KEY, KEY.subarray(0, 16)).setAutoPadding(false)
  const plain = Buffer.concat([decipher.update(Buffer.from(sealed, "base64")), decipher.final()])
  return JSON.parse(plain.subarray(20, 20 + plain.readUInt32BE(16)).toString("utf8")) as Packet
}

/** A receiver that checks signatures as the SDKs do, and reacts to each request as `react` decides. */
export const receiver = Effect.gen(function* () {
  const attempts: Array<Packet> = []
  const accepted: Array<Packet> = []
  const problems: Array<string> = []
  const watchers = new Set<() => void>()
  let react: (attempt: number) => Reaction = () => "accept"
  const server = http.createServer((request, response) => {
    let body = ""
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk))
    request.on("end", () => {
      const { toBuin, toApp, encrypt = "" } = JSON.parse(body) as Record<string, string>
      const query = new URL(request.url ?? "", "http://receiver").searchParams
      const parts = [TOKEN, query.get("timestamp") ?? "", query.get("nonce") ?? "", encrypt].toSorted()
      const signature = createHash("sha1").update(parts.join("")).digest("hex")
      if (signature !== query.get("msg_signature")) problems.push("the signature is wrong")
      if (Number(toBuin) !== BUIN || toApp !== APP) problems.push(`the packet is for ${toBuin}/${toApp}`)
      const packet = opened(encrypt)
      attempts.push(packet)
      const reaction = react(attempts.length)
      if (reaction === "accept") {
        accepted.push(packet)
        response.end(packet.packageId)
      } else if (reaction === "fail") response.writeHead(500).end(packet.packageId)
      else if (reaction === "wrong") response.end(`not ${packet.packageId}`)
      else if (reaction === "reset") request.socket.resetAndDestroy()
      for (const watcher of watchers) watcher()
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/youdu`,
    attempts,
    accepted,
    problems,
    react: (next: typeof react) => {
      react = next
    },
    until: (isDone: () => boolean): Effect.Effect<void> =>
      Effect.callback((resume) => {
        const check = (): void => {
          if (!isDone()) return
          watchers.delete(check)
          resume(Effect.void)
        }
        watchers.add(check)
        check()
        return Effect.sync(() => void watchers.delete(check))
      })
  }
})

export const contents = (packets: ReadonlyArray<Packet>): ReadonlyArray<string> =>
  packets.map(({ text }) => text.content)

/** Texts in the order of their first attempt. */
export const firstOrder = (packets: ReadonlyArray<Packet>): ReadonlyArray<string> => [...new Set(contents(packets))]

/** Opens the chat of a client's user with the app; returns its gid. */
export const chatWithApp = (client: Client): Effect.Effect<string> =>
  Effect.gen(function* () {
    const users = yield* client.get<ReadonlyArray<{ readonly id: number; readonly account: string }>>("userGetList")
    const app = users.find(({ account }) => account === ACCOUNT)
    assert.isDefined(app, `${ACCOUNT} is not in the list`)
    const own = idsOf(client)
    const chat = yield* client.get<{ readonly gid: string }>("create", {
      gid: newGid(),
      name: "",
      type: "one2one",
      members: [{ id: own.get("alice") }, { id: app?.id }]
    })
    return chat.gid
  })

export const SETTINGS = { "youdu.callbackRetry": 1, "youdu.callbackTimeout": 1 }
