/** Receiver of the demonstration app's callback: it checks signatures as the public SDKs do, and can refuse for a while. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { DEMO, open } from "../../../dialects/test/youdu/Envelope.ts"

export interface Packet {
  readonly packageId: string
  readonly fromUser: string
  readonly msgType: string
  readonly sessionId?: string
  readonly [body: string]: unknown
}

const TOKEN = "the-callback-of-the-bridge"

/** Account of the app's user. */
export const APP_ACCOUNT = `yd-${DEMO.buin}-${DEMO.appId}`

/** Accepted packets, and a way to wait for them. */
export interface CallbackReceiver {
  readonly packets: ReadonlyArray<Packet>
  /** Whether requests are refused. */
  readonly refuse: (refused: boolean) => void
  readonly until: (isThere: (packet: Packet) => boolean) => Effect.Effect<void>
  /** Waits for a refused packet. */
  readonly untilRefused: (isThere: (packet: Packet) => boolean) => Effect.Effect<void>
}

/** Inputs of `youdu-app set-callback`, and the receiver at their URL. */
export const callbackReceiver = Effect.gen(function* () {
  const packets: Array<Packet> = []
  const refused: Array<Packet> = []
  const watchers = new Set<() => void>()
  let isRefusing = false
  const server = http.createServer((request, response) => {
    let body = ""
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk))
    request.on("end", () => {
      const { encrypt = "" } = JSON.parse(body) as { readonly encrypt?: string }
      const query = new URL(request.url ?? "", "http://receiver").searchParams
      const parts = [TOKEN, query.get("timestamp") ?? "", query.get("nonce") ?? "", encrypt].toSorted()
      assert.strictEqual(query.get("msg_signature"), createHash("sha1").update(parts.join("")).digest("hex"))
      const packet = JSON.parse(open(encrypt).text) as Packet
      if (isRefusing) {
        refused.push(packet)
        response.writeHead(503).end()
      } else {
        packets.push(packet)
        response.end(packet.packageId)
      }
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
  const until = (among: ReadonlyArray<Packet>, isThere: (packet: Packet) => boolean): Effect.Effect<void> =>
    Effect.callback((resume) => {
      const check = (): void => {
        if (!among.some(isThere)) return
        watchers.delete(check)
        resume(Effect.void)
      }
      watchers.add(check)
      check()
      return Effect.sync(() => void watchers.delete(check))
    })
  const receiver: CallbackReceiver = {
    packets,
    refuse: (refused) => {
      isRefusing = refused
    },
    until: (isThere) => until(packets, isThere),
    untilRefused: (isThere) => until(refused, isThere)
  }
  const { port } = server.address() as AddressInfo
  const inputs = {
    buin: DEMO.buin,
    "app-id": DEMO.appId,
    callback: `http://127.0.0.1:${port}/callback`,
    "callback-token": TOKEN
  }
  return { receiver, inputs }
})
