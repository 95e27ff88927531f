/** Messages, with the published SDKs against a server on SQLite. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import type { Conversation, Message, Realtime } from "leancloud-realtime"
import { type Client, codeOf, connect, cut, next, type RtmServer, sdks, startServer } from "./harness.ts"

let server: RtmServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

/** Queries have `as never`: the published types ask for fields that are optional. */
type Received = [Message & { readonly text?: string; readonly content?: unknown }, Conversation]

describe.each(sdks)("messages of clients of the SDK %s", (version, sdk) => {
  const { TextMessage, BinaryMessage } = sdk
  let started = 0

  /** Two new clients, each on a connection of its own, in a conversation. */
  const pair = async () => {
    started++
    const [tomId = "", jerryId = ""] = ["tom", "jerry"].map((id) => `${id}-m${started}-${version}`)
    const [toms, jerries] = [await connect(sdk, server), await connect(sdk, server)]
    const [tom, jerry] = [await toms.createIMClient(tomId), await jerries.createIMClient(jerryId)]
    const invited = next<[unknown, Conversation]>(jerry, "invited")
    const conversation = await tom.createConversation({ members: [jerryId], name: "Cheese" })
    const [, seen] = await invited
    const close = async () => {
      await tom.close()
      await jerry.close()
    }
    return { tom, jerry, tomId, jerryId, toms, jerries, conversation, seen, close }
  }

  it("are received as they were sent: texts, typed, binary, with mentions", async () => {
    const { jerry, tomId, jerryId, conversation, close } = await pair()
    const receive = () => next<Received>(jerry, "message")

    let received = receive()
    const sent = await conversation.send(new TextMessage("hello, 🧀"))
    let [message] = await received
    assert.strictEqual(message.text, "hello, 🧀")
    assert.strictEqual(message.from, tomId)
    assert.strictEqual(message.id, sent.id)
    assert.deepStrictEqual(message.timestamp, sent.timestamp)

    received = receive()
    await conversation.send(new TextMessage("with attributes").setAttributes({ mood: "good" }))
    ;[message] = await received
    assert.strictEqual(message.text, "with attributes")
    assert.deepStrictEqual((message as unknown as { getAttributes: () => unknown }).getAttributes(), { mood: "good" })

    received = receive()
    await conversation.send(new BinaryMessage(Uint8Array.of(0, 1, 254, 255).buffer))
    ;[message] = await received
    assert.deepStrictEqual([...new Uint8Array(message.content as ArrayBuffer)], [0, 1, 254, 255])

    received = receive()
    const mentioning = new TextMessage("look")
    mentioning.setMentionList([jerryId])
    await conversation.send(mentioning)
    ;[message] = await received
    assert.isTrue(message.mentioned)
    assert.deepStrictEqual(message.mentionList, [jerryId])
    await close()
  })

  it("reach the sender's other devices and members of every protocol", async () => {
    const { jerryId, tomId, tom, conversation, close } = await pair()
    const pad = await (await connect(sdk, server)).createIMClient(tomId)
    const onPad = next<Received>(pad, "message")
    await conversation.send(new TextMessage("from the phone"))
    assert.strictEqual((await onPad)[0].text, "from the phone")
    const chat = { gid: conversation.id }
    const [{ content } = { content: "" }] = (await server.parley.as(jerryId).history(chat)).messages
    assert.strictEqual(content, "from the phone")

    const onPhone = next<Received>(tom, "message")
    await server.parley.as(jerryId).send(chat, "from elsewhere")
    assert.strictEqual((await onPhone)[0].text, "from elsewhere")
    await pad.close()
    await close()
  })

  it("are counted as unread for who was away, and read on all devices", async () => {
    const { tom, jerry, jerryId, conversation } = await pair()
    const other = await tom.createConversation({ members: [jerryId], name: "Other", unique: false })
    await jerry.close()
    for (const text of ["one", "two", "three"]) await conversation.send(new TextMessage(text))
    const mentioning = new TextMessage("four")
    mentioning.mentionAll()
    await other.send(mentioning)

    const away = await connect(sdk, server)
    const back = await away.createIMClient(jerryId)
    const [unread] = await next<[ReadonlyArray<Conversation>]>(back, "unreadmessagescountupdate")
    const counts = new Map(unread.map((one) => [one.id, one]))
    assert.strictEqual(counts.get(conversation.id)?.unreadMessagesCount, 3)
    assert.isFalse(counts.get(conversation.id)?.unreadMessagesMentioned)
    assert.strictEqual((counts.get(conversation.id)?.lastMessage as { text?: string } | undefined)?.text, "three")
    assert.strictEqual(counts.get(other.id)?.unreadMessagesCount, 1)
    assert.isTrue(counts.get(other.id)?.unreadMessagesMentioned)

    const second = await (await connect(sdk, server)).createIMClient(jerryId)
    await next(second, "unreadmessagescountupdate")
    const cleared = next<[ReadonlyArray<Conversation>]>(second, "unreadmessagescountupdate")
    await counts.get(conversation.id)?.read()
    const [[gone]] = await cleared
    assert.strictEqual(gone?.id, conversation.id)
    assert.strictEqual(gone?.unreadMessagesCount, 0)
    await back.close()
    await second.close()
    await tom.close()
  })

  it("are shown as read to the other client of a conversation of two", async () => {
    const { jerry, conversation, seen, close } = await pair()
    const received = next<Received>(jerry, "message")
    const sent = await conversation.send(new TextMessage("read me"))
    await received
    await conversation.fetchReceiptTimestamps()
    assert.isNull(conversation.lastReadAt)
    const receipt = next(conversation, "lastreadatupdate")
    await seen.read()
    await receipt
    assert.deepStrictEqual(conversation.lastReadAt, sent.timestamp)
    const again = await conversation.fetchReceiptTimestamps()
    assert.deepStrictEqual(again.lastReadAt, sent.timestamp)
    await close()
  })

  it("are changed and recalled by their sender", async () => {
    const { jerry, conversation, seen, close } = await pair()
    const received = next<Received>(jerry, "message")
    const sent = await conversation.send(new TextMessage("first"))
    await received
    const updated = next<Received>(jerry, "messageupdate")
    await conversation.update(sent, new TextMessage("second"))
    const [changed] = await updated
    assert.strictEqual(changed.text, "second")
    assert.strictEqual(changed.id, sent.id)
    const recalled = next<Received>(jerry, "messagerecall")
    await conversation.recall(sent)
    assert.strictEqual((await recalled)[0].id, sent.id)
    const [last] = await seen.queryMessages({ limit: 1 } as never)
    assert.instanceOf(last, sdk.RecalledMessage)
    await close()
  })

  it("are changed to messages of any type, with attributes and mentions", async () => {
    const { jerry, jerryId, conversation, seen, close } = await pair()
    const arrived = next<Received>(jerry, "message")
    const sent = await conversation.send(new TextMessage("first").setAttributes({ color: "red" }))
    await arrived
    const change = async (message: Message): Promise<Received[0]> => {
      const updated = next<Received>(jerry, "messageupdate")
      await conversation.update(sent, message)
      return (await updated)[0]
    }
    const mentioning = new TextMessage("blue").setAttributes({ color: "blue" })
    mentioning.setMentionList([jerryId])
    const blue = await change(mentioning)
    assert.strictEqual(blue.id, sent.id)
    assert.strictEqual(blue.text, "blue")
    assert.deepStrictEqual((blue as unknown as { getAttributes: () => unknown }).getAttributes(), { color: "blue" })
    assert.deepStrictEqual(blue.mentionList, [jerryId])
    await change(new BinaryMessage(Uint8Array.of(1, 2).buffer))
    // The SDKs do not read the bytes of a pushed change.
    const [last] = (await seen.queryMessages({ limit: 1 } as never)) as unknown as ReadonlyArray<Received[0]>
    assert.deepStrictEqual([...new Uint8Array(last?.content as ArrayBuffer)], [1, 2])
    await close()
  })

  it("that were changed or recalled meanwhile are pushed to a client that comes back", async () => {
    const { jerry, jerries, conversation, close } = await pair()
    const received: Array<string> = []
    jerry.on("message" as never, (({ id }: Message) => void received.push(id)) as never)
    const [first, second] = [
      await conversation.send(new TextMessage("first")),
      await conversation.send(new TextMessage("second"))
    ]
    while (received.length < 2) await next(jerry, "message")
    const [updated, recalled] = [next<Received>(jerry, "messageupdate"), next<Received>(jerry, "messagerecall")]
    await cut(jerries, jerry, async () => {
      await conversation.update(first, new TextMessage("changed"))
      await conversation.update(first, new TextMessage("changed again"))
      await conversation.recall(second)
      for (let index = 0; index < 30; index++) await conversation.send(new TextMessage(`later ${index}`))
    })
    const [[changed], [gone]] = [await updated, await recalled]
    assert.deepStrictEqual([changed.id, changed.text], [first.id, "changed again"])
    assert.strictEqual(gone.id, second.id)
    await close()
  })

  it("refuse who is no member", async () => {
    const { jerryId, conversation, seen, close } = await pair()
    await conversation.remove([jerryId])
    assert.strictEqual(await codeOf(seen.send(new TextMessage("x"))), 4401)
    assert.strictEqual(await codeOf(seen.queryMessages({} as never)), 4312)
    await close()
  })
})

describe("an older client", () => {
  const [[, sdk] = []] = sdks
  if (sdk === undefined) throw new Error("there is no SDK")

  it("gets the messages that it has missed at its login, once", async () => {
    const writer = await (await connect(sdk, server)).createIMClient("older-writer")
    const conversation = await writer.createConversation({ members: ["older-reader"], name: "Older" })
    const texts = Array.from({ length: 50 }, (_, index) => `missed ${index}`)
    for (const text of texts) await conversation.send(new sdk.TextMessage(text))
    const login = async () => (await connect(sdk, server, { pushOfflineMessages: true })).createIMClient("older-reader")
    const received: Array<string | undefined> = []
    const listen = (client: Client, until: string) =>
      new Promise<void>((resolve) => {
        client.on(
          "message" as never,
          ((message: { readonly text?: string }) => {
            received.push(message.text)
            if (message.text === until) resolve()
          }) as never
        )
      })
    const first = await login()
    await listen(first, "missed 49")
    // The acknowledgement of what was received before.
    await first.ping(["older-reader"])
    await first.close()
    const second = await login()
    const live = listen(second, "live")
    await second.ping(["older-reader"])
    await conversation.send(new sdk.TextMessage("live"))
    await live
    assert.deepStrictEqual(received, [...texts, "live"])
    await second.close()
    await writer.close()
  })
})

describe("the history", () => {
  const [[, sdk] = []] = sdks
  if (sdk === undefined) throw new Error("there is no SDK")

  it("is paged in both directions through messages of the same time, none skipped or doubled", async () => {
    const realtime: Realtime = await connect(sdk, server)
    const reader = await realtime.createIMClient("reader")
    const conversation = await reader.createConversation({ members: ["writer"], name: "Long" })
    const writer = server.parley.as("writer")
    const texts = Array.from({ length: 1000 }, (_, index) => `message ${index + 1}`)
    const date = Date.now()
    // Batches of 100, of one time each.
    for (let at = 0; at < texts.length; at += 100) {
      await writer.sendAll(
        texts.slice(at, at + 100).map((content) => ({ chat: { gid: conversation.id }, content, date: date + at }))
      )
    }
    const textsOf = (messages: ReadonlyArray<Message>) => messages.map((one) => (one as { text?: string }).text)

    const backwards: Array<string | undefined> = []
    const pages = conversation.createMessagesIterator({ limit: 70 })
    for (let page = await pages.next(); page.value.length > 0; page = await pages.next()) {
      backwards.unshift(...textsOf(page.value))
      if (page.done === true) break
    }
    assert.deepStrictEqual(backwards, texts)

    const forwards: Array<string | undefined> = []
    const NEW = sdk.MessageQueryDirection.OLD_TO_NEW
    let from: { readonly startTime?: Date; readonly startMessageId?: string } = {}
    for (;;) {
      const page = await conversation.queryMessages({ limit: 130, direction: NEW, ...from } as never)
      forwards.push(...textsOf(page))
      const last = page.at(-1)
      if (last === undefined) break
      from = { startTime: last.timestamp, startMessageId: last.id }
    }
    assert.deepStrictEqual(forwards, texts)

    const range = { startTime: new Date(date + 200), endTime: new Date(date + 100), limit: 1000 }
    assert.deepStrictEqual(textsOf(await conversation.queryMessages(range as never)), [])
    const open = await conversation.queryMessages({ ...range, startClosed: true, endClosed: true } as never)
    assert.deepStrictEqual(textsOf(open), texts.slice(100, 300))
    const closedEnd = await conversation.queryMessages({ ...range, endClosed: true } as never)
    assert.deepStrictEqual(textsOf(closedEnd), texts.slice(100, 200))
    assert.strictEqual(await codeOf(conversation.queryMessages({ limit: 1001 } as never)), 4311)
    await reader.close()
  })
})
