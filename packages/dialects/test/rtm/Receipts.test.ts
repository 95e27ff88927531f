/** Receipts of delivery, with the published SDKs against a server on SQLite. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import type { DeliveredEvent } from "@parley/core/Event"
import { type ChatId, EntryId, UserId } from "@parley/core/Ids"
import type { Message } from "leancloud-realtime"
import { PendingReceipts } from "../../src/rtm/PendingReceipts.ts"
import { connect, next, type RtmServer, sdks, startServer } from "./harness.ts"

let server: RtmServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

describe.each(sdks)("receipts of the SDK %s", (version, sdk) => {
  const { TextMessage, MessageStatus } = sdk
  const DELIVERED = (MessageStatus as unknown as { readonly DELIVERED: unknown }).DELIVERED
  const statusOf = (message: Message): unknown => (message as unknown as { readonly status: unknown }).status

  it("reach the sender once the other one has received a message, if the sender wants one", async () => {
    const [tomId, jerryId] = [`tom-r${version}`, `jerry-r${version}`]
    const [toms, jerries] = [await connect(sdk, server), await connect(sdk, server)]
    const [tom, jerry] = [await toms.createIMClient(tomId), await jerries.createIMClient(jerryId)]
    const conversation = await tom.createConversation({ members: [jerryId], name: "Cheese" })
    let receipts = 0
    conversation.on("lastdeliveredatupdate" as never, () => receipts++)
    const confirmed: Array<number> = []
    server.parley.on("delivered", ({ delivered }) => confirmed.push(delivered))

    const silent = await conversation.send(new TextMessage("no receipt"))
    let receipt = next(conversation, "lastdeliveredatupdate")
    const sent = await conversation.send(new TextMessage("receipt"), { receipt: true })
    await receipt
    assert.strictEqual(statusOf(sent), DELIVERED)
    assert.strictEqual(statusOf(silent), MessageStatus.SENT)
    assert.deepStrictEqual(conversation.lastDeliveredAt, sent.timestamp)
    assert.strictEqual(receipts, 1)
    assert.include(confirmed, 3, "the sequence of the message")

    // The host delivers to a client of its own.
    await jerry.close()
    const late = await conversation.send(new TextMessage("while away"), { receipt: true })
    receipt = next(conversation, "lastdeliveredatupdate")
    await server.parley.as(jerryId).confirmDelivery({ gid: conversation.id }, 4)
    await receipt
    assert.strictEqual(statusOf(late), DELIVERED)
    assert.strictEqual(receipts, 2)
    await tom.close()
  })
})

/** Receipt times of all members, which the SDK has for its own use. */
interface AllReceipts {
  readonly _fetchAllReceiptTimestamps: () => Promise<
    ReadonlyArray<{ readonly pid: string; readonly lastDeliveredAt?: Date; readonly lastReadAt?: Date }>
  >
}

describe.each(sdks)("delivery to clients of the SDK %s who were away", (version, sdk) => {
  const { TextMessage } = sdk
  const [tomId, jerryId, spikeId] = [`tom-away-${version}`, `jerry-away-${version}`, `spike-away-${version}`]

  it("is confirmed once they fetch the newest messages, and its time is kept", async () => {
    const toms = await connect(sdk, server)
    const tom = await toms.createIMClient(tomId)
    const conversation = await tom.createConversation({ members: [jerryId], name: "Away" })
    const messages = []
    for (const text of ["one", "two"]) messages.push(await conversation.send(new TextMessage(text), { receipt: true }))
    await conversation.fetchReceiptTimestamps()
    assert.isNotOk(conversation.lastDeliveredAt)

    const delivered: Array<number> = []
    server.parley.on("delivered", (event) => {
      if (event.chat.gid === conversation.id) delivered.push(event.delivered)
    })
    const jerry = await (await connect(sdk, server)).createIMClient(jerryId)
    const receipts = new Promise<void>((resolve) => {
      let left = messages.length
      conversation.on(
        "lastdeliveredatupdate" as never,
        (() => {
          if (--left === 0) resolve()
        }) as never
      )
    })
    const seen = await jerry.getConversation(conversation.id)
    await seen.queryMessages({ limit: 10 } as never)
    await receipts
    assert.deepStrictEqual(conversation.lastDeliveredAt, messages[1]?.timestamp)
    assert.isNotOk(conversation.lastReadAt)
    // Fetched again, and by the sender: no further receipt.
    await seen.queryMessages({ limit: 10 } as never)
    await conversation.queryMessages({ limit: 10 } as never)
    assert.deepStrictEqual(delivered, [3])
    await jerry.close()
    await tom.close()

    const again = await toms.createIMClient(tomId)
    const later = await again.getConversation(conversation.id)
    await later.fetchReceiptTimestamps()
    assert.deepStrictEqual(later.lastDeliveredAt, messages[1]?.timestamp)
    assert.isNotOk(later.lastReadAt)
    await again.close()
  })

  it("has a time for each member of a group, beside that of reading", async () => {
    const tom = await (await connect(sdk, server)).createIMClient(tomId)
    const jerries = await connect(sdk, server)
    const jerry = await jerries.createIMClient(jerryId)
    const conversation = await tom.createConversation({ members: [jerryId, spikeId], name: "Three", unique: false })
    const arrived = next(jerry, "message")
    const sent = await conversation.send(new TextMessage("hello"))
    await arrived
    const times = async () => {
      const all = await (conversation as unknown as AllReceipts)._fetchAllReceiptTimestamps()
      return all.map(({ pid, lastDeliveredAt, lastReadAt }) => [pid, lastDeliveredAt?.getTime(), lastReadAt?.getTime()])
    }
    // Her next frame acknowledges the message.
    await jerry.ping([tomId])
    const at = sent.timestamp.getTime()
    assert.deepStrictEqual(await times(), [[jerryId, at, undefined]])
    await (await jerry.getConversation(conversation.id)).read()
    await jerry.ping([spikeId])
    assert.deepStrictEqual(await times(), [[jerryId, at, at]])
    await jerry.close()
    await tom.close()
  })
})

describe("messages that wait for a receipt", () => {
  const [ann, ben, chat] = [UserId(1), UserId(2), 7 as ChatId]
  const event = (user: UserId, delivered: number) =>
    ({ _tag: "DeliveredEvent", id: 0, chat: { id: chat }, user, delivered }) as DeliveredEvent
  const message = (seq: number, sender = ann) => ({ id: EntryId(seq), seq, date: seq, sender })
  const seqs = (receipts: PendingReceipts, of: DeliveredEvent) => receipts.take(of).map(({ seq }) => seq)

  it("are taken once, by the other one, up to the delivered sequence", () => {
    const receipts = new PendingReceipts()
    for (const one of [message(1), message(2, ben), message(3), message(4)]) receipts.add(chat, one)
    const first = event(ben, 3)
    assert.deepStrictEqual(seqs(receipts, first), [1, 3])
    assert.deepStrictEqual(seqs(receipts, first), [1, 3], "of one event for each serializer")
    assert.deepStrictEqual(seqs(receipts, event(ben, 3)), [])
    assert.deepStrictEqual(seqs(receipts, event(ann, 9)), [2])
    assert.deepStrictEqual(seqs(receipts, event(ben, 9)), [4])
  })

  it("are the newest 100 of a chat", () => {
    const receipts = new PendingReceipts()
    for (let seq = 1; seq <= 101; seq++) receipts.add(chat, message(seq))
    assert.deepStrictEqual(seqs(receipts, event(ben, 200)).slice(0, 1), [2])
  })
})
