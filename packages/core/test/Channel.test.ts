/** Events of one turn of the event loop are delivered together, to all members in the same order. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { repetitions } from "../../../scripts/repetitions.ts"
import { Channel } from "../src/delivery/Channel.ts"
import type { Connection } from "@parley/core/Connection"
import { packetFraming, type Frame } from "@parley/core/Frame"
import { Subscriber } from "../src/delivery/Subscriber.ts"
import { ChatId, EntryId, UserId } from "@parley/core/Ids"
import { EntryLocationCache } from "../src/delivery/EntryLocationCache.ts"
import { type Serializer, EventEncoding } from "@parley/core/Serializer"

const CHAT = ChatId(1)

const serializer = (name: string): Serializer => ({
  encode: (event) => [`${name}${event._tag === "ChatEvent" ? event.entry.seq : ""}`],
  framing: packetFraming("", " ", ""),
  takenOver: "",
  connectionLimitReached: "",
  rejected: () => "",
  invalidUtf8: "",
  oversized: () => "",
  acknowledgement: "explicit"
})
const [english, french] = [serializer("e"), serializer("f")]

const chat = {
  id: CHAT,
  gid: "g",
  name: "",
  type: "group",
  public: false,
  subject: 0,
  createdBy: null,
  owner: null,
  admins: [],
  senders: "all",
  createdAt: 0,
  editedBy: null,
  editedAt: 0,
  version: 1,
  attributes: {},
  dissolved: false,
  members: new Map()
} as const

/** A message of the chat, which a connection may have got in a reply. */
const announced = (seq: number, except?: number) => {
  const body = { _tag: "Posted", gid: `m${seq}`, type: "normal", contentType: "text", content: "", date: 0 } as const
  const entry = { id: EntryId(seq), chat: CHAT, seq, posted: seq, at: 0, by: null, device: null, body }
  const event = { _tag: "ChatEvent", entry, chat, head: { seq, posted: seq, activeAt: 0 } } as const
  return { seq, encoding: new EventEncoding(event), characters: 1, except }
}

/** A subscriber of the chat from sequence 1 on. */
const subscriberOf = (channel: Channel, id: number, speech: Serializer = english) => {
  const frames: Array<Frame> = []
  let behind = 0
  const connection: Connection = {
    id,
    address: "",
    send: (frame) => frames.push(frame),
    buffered: () => 0,
    onDrained: (_low, callback) => callback(),
    pause: () => {},
    resume: () => {},
    limitFrames: () => {},
    close: () => {}
  }
  const follow = { catchUp: () => behind++, cursorMoved: () => {} }
  const subscriber = new Subscriber(connection, speech, { user: UserId(id), device: "" }, follow)
  const subscription = subscriber.subscribe({ chat: CHAT, pushed: 0, delivered: 0, acked: [] }, 0)
  assert(subscription)
  subscriber.open([], 0)
  channel.subscriptions.add(subscription)
  return {
    subscriber,
    subscription,
    frames,
    texts: () => frames.map(({ text }) => text),
    behind: () => behind
  }
}

const deliverTo = (channel: Channel, ...subscribers: ReadonlyArray<ReturnType<typeof subscriberOf>>): void => {
  channel.flush()
  for (const { subscriber } of subscribers) subscriber.flush()
}

describe("the broadcasts of one turn", () => {
  it("reach all recipients of one profile in one shared frame", () => {
    const channel = new Channel(CHAT)
    const [ann, ben, eve] = [subscriberOf(channel, 1), subscriberOf(channel, 2), subscriberOf(channel, 3, french)]
    for (const seq of [1, 2, 3]) channel.enqueue(announced(seq))
    deliverTo(channel, ann, ben, eve)
    assert.deepStrictEqual([ann.texts(), ben.texts(), eve.texts()], [["e1 e2 e3"], ["e1 e2 e3"], ["f1 f2 f3"]])
    assert.strictEqual(ann.frames[0], ben.frames[0])
    assert.strictEqual(ann.subscription.position, 3)
  })

  it("omit for each connection the entries in its replies", () => {
    const channel = new Channel(CHAT)
    const [ann, ben] = [subscriberOf(channel, 1), subscriberOf(channel, 2)]
    channel.enqueue(announced(1, 1))
    channel.enqueue(announced(2, 2))
    channel.enqueue(announced(3))
    deliverTo(channel, ann, ben)
    assert.deepStrictEqual([ann.texts(), ben.texts()], [["e2 e3"], ["e1 e3"]])
  })

  it("can be delivered to one subscriber earlier, and then not again", () => {
    const channel = new Channel(CHAT)
    const [ann, ben] = [subscriberOf(channel, 1), subscriberOf(channel, 2)]
    channel.enqueue(announced(1))
    channel.advance(ann.subscription)
    ann.subscriber.flush()
    channel.enqueue(announced(2))
    deliverTo(channel, ann, ben)
    assert.deepStrictEqual([ann.texts(), ben.texts()], [["e1", "e2"], ["e1 e2"]])
  })

  it("skip subscribers that are ahead or behind in the log", () => {
    const channel = new Channel(CHAT)
    const [ann, ben] = [subscriberOf(channel, 1), subscriberOf(channel, 2)]
    ann.subscription.advance(2)
    ben.subscriber.fallBehind(ben.subscription, 1)
    for (const seq of [1, 2, 3]) channel.enqueue(announced(seq))
    deliverTo(channel, ann, ben)
    assert.deepStrictEqual([ann.texts(), ben.texts()], [["e3"], []])
    assert.strictEqual(ben.subscription.missed, 3)
  })

  it("are read from the log if one of them is missing", () => {
    const channel = new Channel(CHAT)
    const ann = subscriberOf(channel, 1)
    channel.enqueue(announced(1))
    channel.enqueue(announced(3))
    deliverTo(channel, ann)
    assert.deepStrictEqual(ann.texts(), ["e1"])
    assert.deepStrictEqual([ann.subscription.missed, ann.behind()], [3, 1])
  })

  it("are delivered before they exceed one frame", () => {
    const channel = new Channel(CHAT)
    const ann = subscriberOf(channel, 1)
    for (const seq of [1, 2, 3]) channel.enqueue({ ...announced(seq), characters: 200_000 })
    assert.deepStrictEqual(ann.subscription.position, 2)
    deliverTo(channel, ann)
    assert.strictEqual(ann.subscription.position, 3)
  })

  it("omit events that fail to encode, and deliver the rest", () => {
    const channel = new Channel(CHAT)
    const failing: Serializer = {
      ...english,
      encode: (event) => {
        if (event._tag === "ChatEvent" && event.entry.seq === 2) throw new Error("a mistake of the protocol")
        return english.encode(event)
      }
    }
    const [ann, ben] = [subscriberOf(channel, 1, failing), subscriberOf(channel, 2)]
    for (const seq of [1, 2, 3]) channel.enqueue(announced(seq))
    deliverTo(channel, ann, ben)
    assert.deepStrictEqual([ann.texts(), ben.texts()], [["e1 e3"], ["e1 e2 e3"]])
  })

  it("arrive complete and in order, whatever their number", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            turns: fc.boolean(),
            early: fc.integer({ min: 0, max: 2 }),
            except: fc.integer({ min: 0, max: 3 })
          }),
          {
            maxLength: 700
          }
        ),
        (steps) => {
          const channel = new Channel(CHAT)
          const everybody = [subscriberOf(channel, 1), subscriberOf(channel, 2), subscriberOf(channel, 3, french)]
          for (const [index, { turns, early, except }] of steps.entries()) {
            channel.enqueue(announced(index + 1, except === 0 ? undefined : except))
            const one = everybody[early]
            if (one !== undefined && index % 3 === 0) channel.advance(one.subscription)
            if (turns && index % 50 === 0) deliverTo(channel, ...everybody)
          }
          deliverTo(channel, ...everybody)
          for (const [index, one] of everybody.entries()) {
            const ids = one.texts().flatMap((text) => text.split(" ").map((packet) => Number(packet.slice(1))))
            const owed = steps.flatMap(({ except }, nth) => (except === index + 1 ? [] : [nth + 1]))
            assert.deepStrictEqual(ids, owed)
            assert.strictEqual(one.behind(), 0)
          }
        }
      ),
      { numRuns: repetitions(60, 20) }
    )
  })
})

describe("recent entries", () => {
  it("are found by id until they are overwritten", () => {
    const recent = new EntryLocationCache()
    const where = (id: number) => {
      const at = recent.find(id)
      return at === undefined ? undefined : [recent.chat(at), recent.seq(at)]
    }
    assert.isUndefined(where(0))
    assert.isUndefined(where(7))
    recent.put(7, ChatId(3), 5)
    assert.deepStrictEqual(where(7), [3, 5])
    assert.isUndefined(where(-7))
    assert.isUndefined(where(7 + 65_536))
    recent.put(7 + 65_536, ChatId(4), 6)
    assert.isUndefined(where(7))
    assert.deepStrictEqual(where(7 + 65_536), [4, 6])
    recent.put(8, ChatId(2 ** 31), 1)
    recent.put(9, ChatId(1), 2 ** 32 + 1)
    assert.deepStrictEqual([where(8), where(9)], [undefined, undefined], "left to storage")
  })
})
