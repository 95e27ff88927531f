/** Transient messages, with the published SDKs against a server on SQLite. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import type { Conversation, Message } from "leancloud-realtime"
import { codeOf, connect, next, type RtmServer, sdks, startServer } from "./harness.ts"

let server: RtmServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

type Received = [Message & { readonly text?: string; readonly content?: unknown }, Conversation]

describe.each(sdks)("transient messages of the SDK %s", (version, sdk) => {
  const { TextMessage, BinaryMessage } = sdk

  it("reach members and devices that are online, and are in no history or unread count", async () => {
    const [tomId, jerryId] = [`tom-t${version}`, `jerry-t${version}`]
    const [toms, jerries] = [await connect(sdk, server), await connect(sdk, server)]
    const [tom, jerry] = [await toms.createIMClient(tomId), await jerries.createIMClient(jerryId)]
    const pad = await (await connect(sdk, server)).createIMClient(tomId)
    const conversation = await tom.createConversation({ members: [jerryId, `away-${version}`], name: "Cheese" })

    const [received, onPad] = [next<Received>(jerry, "message"), next<Received>(pad, "message")]
    const status = new TextMessage("typing…")
    status.setMentionList([jerryId])
    const sent = await conversation.send(status, { transient: true })
    const [message] = await received
    assert.strictEqual(message.text, "typing…")
    assert.strictEqual(message.from, tomId)
    assert.isTrue(message.mentioned)
    assert.strictEqual(message.id, sent.id)
    assert.deepStrictEqual(message.timestamp, sent.timestamp)
    assert.strictEqual((await onPad)[0].text, "typing…")

    const bytes = next<Received>(jerry, "message")
    await conversation.send(new BinaryMessage(Uint8Array.of(0, 255).buffer), { transient: true })
    assert.deepStrictEqual([...new Uint8Array((await bytes)[0].content as ArrayBuffer)], [0, 255])

    const elsewhere = next<Received>(jerry, "message")
    await server.parley.as(tomId).sendTransient({ gid: conversation.id }, "from the host")
    assert.strictEqual((await elsewhere)[0].text, "from the host")

    const seen = await jerry.getConversation(conversation.id)
    assert.deepStrictEqual(await seen.queryMessages({} as never), [])
    assert.deepStrictEqual(await server.parley.as(`away-${version}`).unread(), [])
    assert.strictEqual(await codeOf(conversation.recall(sent)), 4404)
    await conversation.remove([jerryId])
    assert.strictEqual(await codeOf(seen.send(new TextMessage("x"), { transient: true })), 4401)
    for (const client of [tom, jerry, pad]) await client.close()
  })
})
