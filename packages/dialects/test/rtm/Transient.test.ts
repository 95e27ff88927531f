/** Transient messages and wills, with the published SDKs against a server on SQLite. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import type { Conversation, Message } from "leancloud-realtime"
import { codeOf, connect, cut, next, type RtmServer, sdks, startServer } from "./harness.ts"

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

  it("are sent as a will when a connection ends, the newest one, and not after a logout", async () => {
    const [tomId, jerryId, annId] = [`tom-w${version}`, `jerry-w${version}`, `ann-w${version}`]
    const [toms, jerries] = [await connect(sdk, server), await connect(sdk, server)]
    // Two clients of one connection.
    const [tom, ann] = [await toms.createIMClient(tomId), await toms.createIMClient(annId)]
    const jerry = await jerries.createIMClient(jerryId)
    const conversation = await tom.createConversation({ members: [jerryId, annId], name: "Cheese" })
    const anns = await ann.getConversation(conversation.id)
    const received: Array<string | undefined> = []
    jerry.on("message" as never, (message: Received[0]) => received.push(message.text))
    const will = { will: true }
    const first = await conversation.send(new TextMessage("never"), will)
    assert.isTrue(first.timestamp instanceof Date)
    await conversation.send(new TextMessage("tom is gone"), will)
    await anns.send(new TextMessage("ann is gone"), will)
    await ann.close()

    const willOfTom = next<Received>(jerry, "message")
    await cut(toms, tom)
    const [message] = await willOfTom
    assert.strictEqual(message.text, "tom is gone")
    assert.strictEqual(message.from, tomId)
    const seen = await jerry.getConversation(conversation.id)
    assert.deepStrictEqual(await seen.queryMessages({} as never), [])

    // The will of the former connection is spent.
    const marker = next<Received>(jerry, "message")
    await cut(toms, tom)
    await conversation.send(new TextMessage("marker"))
    await marker
    assert.deepStrictEqual(received, ["tom is gone", "marker"])

    await conversation.remove([jerryId])
    assert.strictEqual(await codeOf(seen.send(new TextMessage("x"), will)), 4401)
    await tom.close()
    await jerry.close()
  })

  it("are no will of a client whose tag another device has taken, or who may not send any more", async () => {
    const [tomId, jerryId] = [`tom-x${version}`, `jerry-x${version}`]
    const [toms, jerries] = [await connect(sdk, server), await connect(sdk, server)]
    const tom = await toms.createIMClient(tomId, { tag: "phone" } as never)
    const jerry = await jerries.createIMClient(jerryId)
    const conversation = await jerry.createConversation({ members: [tomId], name: "Cheese" })
    const received: Array<string | undefined> = []
    jerry.on("message" as never, (message: Received[0]) => received.push(message.text))
    const toTom = await tom.getConversation(conversation.id)
    await toTom.send(new TextMessage("gone"), { will: true })
    const conflict = next(tom, "conflict")
    const others = await connect(sdk, server)
    const again = await others.createIMClient(tomId, { tag: "phone" } as never)
    await conflict

    const second = await again.getConversation(conversation.id)
    await second.send(new TextMessage("gone, too"), { will: true })
    await conversation.remove([tomId])
    await cut(others, again)
    await conversation.add([tomId])
    const marker = next<Received>(jerry, "message")
    await server.parley.as(tomId).send({ gid: conversation.id }, "marker")
    await marker
    assert.deepStrictEqual(received, ["marker"])
    await again.close()
    await jerry.close()
  })
})
