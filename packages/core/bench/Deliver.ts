/** From an announced message to one frame for each of 50 connections, on a transport that only encodes. */
import { createdChat } from "../src/model/Chat.ts"
import type { Connection } from "../src/ports/Connection.ts"
import { packetFraming, type Frame } from "../src/ports/Frame.ts"
import { Subscriber } from "../src/delivery/Subscriber.ts"
import type { ChatEvent } from "../src/model/Event.ts"
import { ChatId, EntryId, UserId } from "../src/model/Ids.ts"
import type { Subscription } from "../src/delivery/Subscriber.ts"
import { type Serializer, EventEncoding } from "../src/delivery/Serializer.ts"

const MEMBERS = 50
const CONTENT = "x".repeat(200)

const serializer: Serializer = {
  encode: (event) => [event._tag === "ChatEvent" ? `{"id":${event.entry.id},"content":"${CONTENT}"}` : ""],
  framing: packetFraming("[", ",", "]"),
  takenOver: "",
  connectionLimitReached: "",
  rejected: () => "",
  invalidUtf8: "",
  oversized: () => "",
  acknowledgement: "explicit"
}

/** One turn is one message to all 50. */
export const deliver = {
  description: "deliver: one message to 50 connections",
  make: () => {
    let bytes = 0
    const connection = (id: number): Connection => ({
      id,
      address: "",
      send: (frame: Frame) => {
        bytes += frame.bytes("bench", ({ text }) => Buffer.from(text)).length
      },
      buffered: () => 0,
      onDrained: (_low, callback) => callback(),
      pause: () => {},
      resume: () => {},
      limitFrames: () => {},
      close: () => {}
    })
    const chat = createdChat(
      {
        gid: "bench",
        name: "bench",
        type: "group",
        public: false,
        subject: 0,
        createdBy: UserId(1),
        owner: UserId(1),
        admins: [],
        senders: "all",
        createdAt: 0,
        attributes: {},
        members: Array.from({ length: MEMBERS }, (_, index) => UserId(index + 1))
      },
      ChatId(1)
    )
    const listeners: Array<readonly [Subscriber, Subscription]> = []
    for (const user of chat.members.keys()) {
      const follow = { catchUp: () => {}, cursorMoved: () => {} }
      const subscriber = new Subscriber(connection(user), serializer, { user, device: "" }, follow)
      const subscription = subscriber.subscribe({ chat: chat.id, pushed: 1, delivered: 1, acked: [] }, 1)
      subscriber.open([], 0)
      if (subscription !== undefined) listeners.push([subscriber, subscription])
    }
    let seq = 1
    return {
      turn: () => {
        seq++
        const id = EntryId(seq)
        const body = {
          _tag: "Posted",
          gid: `g${seq}`,
          type: "normal",
          contentType: "text",
          content: CONTENT,
          date: 0
        } as const
        const entry = { id, chat: chat.id, seq, posted: seq, at: 0, by: UserId(0), device: null, body }
        const event: ChatEvent = { _tag: "ChatEvent", entry, chat, head: { seq, posted: seq, activeAt: 0 } }
        const encoding = new EventEncoding(event)
        for (const [subscriber, subscription] of listeners) subscriber.deliver(subscription, seq, encoding, false)
        for (const [subscriber] of listeners) subscriber.flush()
      },
      close: () => {
        if (bytes === 0) throw new Error("nothing was delivered")
      }
    }
  }
}
