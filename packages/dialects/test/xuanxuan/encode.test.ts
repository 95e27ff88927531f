/** The cached JSON text of a message, which the reply and the push share. */
import { createdChat } from "@parley/core/Chat"
import { ChatId, EntryId, UserId } from "@parley/core/Ids"
import type { Message } from "@parley/core/Message"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { cachedMessageText, messageJson } from "../../src/xuanxuan/encode.ts"

const encode = (message: Message): string => JSON.stringify(messageJson(message, chat))
const messageText = cachedMessageText(encode)

const chat = createdChat(
  {
    gid: "team",
    name: "Team",
    type: "group",
    public: false,
    subject: 0,
    createdBy: UserId(1),
    owner: UserId(1),
    admins: [],
    senders: "all",
    createdAt: 0,
    attributes: {},
    members: [UserId(1)]
  },
  ChatId(1)
)

const message = (id: number, content: string): Message => ({
  id: EntryId(id),
  gid: `m${id}`,
  chat: ChatId(1),
  seq: id,
  number: id,
  sender: UserId(1),
  type: "normal",
  date: 0,
  contentType: "text",
  content,
  recalled: false,
  revision: EntryId(id)
})

describe("a message's text", () => {
  it("belongs to the message, regardless of earlier ones", () => {
    const content = fc.oneof(fc.string(), fc.string({ minLength: 5000, maxLength: 5100 }))
    const messages = fc.array(fc.tuple(fc.integer({ min: 1, max: 1024 }), content), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(messages, fc.infiniteStream(fc.nat()), (made, order) => {
        const all = made.map(([id, content]) => message(id, content))
        const sample = order.take(100).map((nth) => all[nth % all.length] ?? message(0, ""))
        for (const one of sample) assert.strictEqual(messageText(one, chat), encode(one))
      })
    )
  })

  it("does not outlive the next ones: minor collections free it", () => {
    setFlagsFromString("--expose-gc")
    const collect = runInNewContext("gc") as (options: { readonly type: "minor" | "major" }) => void
    const speak = (from: number): void => {
      for (let id = from; id < from + 300; id++) messageText(message(id, `${id}`.repeat(100)), chat)
      collect({ type: "minor" })
    }
    speak(1)
    collect({ type: "major" })
    const before = process.memoryUsage().heapUsed
    for (let round = 1; round <= 100; round++) speak(round * 300)
    // All texts together have about 30 MB.
    assert.isBelow(process.memoryUsage().heapUsed - before, 10e6)
  })
})
