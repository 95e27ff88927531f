/** Requests for messages in plain JSON and in an envelope, and the stored messages of a user. */
import { assert } from "@effect/vitest"
import { Engine } from "@parley/core/Engine"
import { Store } from "@parley/core/Store"
import { Effect } from "effect"
import { type TestUser } from "../ha/harness.ts"
import { DEMO, open } from "./Envelope.ts"
import { envelope, fixture, jsonOf } from "./harness.ts"

interface Sealed {
  readonly errcode: number
  readonly errmsg: string
  readonly encrypt: string
}

export const APP_USER = `yd-${DEMO.buin}-${DEMO.appId}`
export const OF_APP = { buin: DEMO.buin, appId: DEMO.appId }

export const messages = Effect.gen(function* () {
  const all = yield* fixture
  const { call, root, appToken } = all
  const token = yield* appToken
  const store = yield* Store
  /** Sends in plain JSON as a system administrator. */
  const plain = (path: string, json: object) =>
    Effect.map(call("POST", `/cgi/${path}?accessToken=${root.token}`, { json }), ({ status, json: reply }) => {
      assert.strictEqual(status, 200)
      return reply as Record<string, unknown>
    })
  /** Sends in an envelope of the demo app; returns the content, or the failure. */
  const sealed = (path: string, content: object) =>
    Effect.map(
      call("POST", `/cgi/${path}?accessToken=${encodeURIComponent(token)}`, {
        json: envelope(content),
        headers: { "content-encoding": "UTF-8" }
      }),
      (reply): Record<string, unknown> => {
        const { errcode, errmsg, encrypt } = jsonOf<Sealed>(reply)
        assert.deepStrictEqual([reply.status, encrypt === ""], [200, errcode !== 0])
        return errcode === 0 ? (JSON.parse(open(encrypt).text) as Record<string, unknown>) : { errcode, errmsg }
      }
    )
  /** The messages of a user's chats, in their order, as `sender account: type content`. */
  const seenBy = Effect.fnUntraced(function* ({ id }: TestUser) {
    const { context } = yield* Engine
    const found: Array<string> = []
    const chats = yield* store.chats(yield* store.chatsOf(id as never))
    for (const { chat, head } of chats) {
      if (head.posted === 0) continue
      for (const message of yield* store.history(chat.id, { from: 1, to: head.posted })) {
        const [sender] = yield* context.users.findMany(message.sender === null ? [] : [message.sender])
        found.push(`${sender?.account}: ${message.contentType} ${message.content}`)
      }
    }
    return found
  })
  return { ...all, plain, sealed, seenBy, store }
})

export const text = (content: string) => ({ msgType: "text", text: { content } })
