/** From an announced message to one frame for each of 50 connections, on a transport that only encodes. */
import { asMade } from "../src/model/Chat.ts"
import type { Connection } from "../src/ports/Connection.ts"
import { Bundling, type Frame } from "../src/ports/Frame.ts"
import { Delivery } from "../src/delivery/Subscriber.ts"
import type { ChatEvent } from "../src/model/Event.ts"
import { ChatId, EntryId, UserId } from "../src/model/Ids.ts"
import type { Subscription } from "../src/delivery/Subscription.ts"
import { type Tongue, Utterances } from "../src/delivery/Serializer.ts"

const MEMBERS = 50
const CONTENT = "x".repeat(200)

const tongue: Tongue = {
  packets: (event) => [event._tag === "ChatEvent" ? `{"id":${event.entry.id},"content":"${CONTENT}"}` : ""],
  bundling: new Bundling("[", ",", "]"),
  takenOver: "",
  crowded: "",
  rejected: () => "",
  garbled: "",
  oversized: () => "",
  acknowledgement: "explicit"
}

/** One turn is one message to all 50. */
export const deliver = {
  says: "deliver: one message to 50 connections",
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
    const chat = asMade(
      {
        gid: "bench",
        name: "bench",
        type: "group",
        public: false,
        subject: 0,
        createdBy: UserId(1),
        owner: UserId(1),
        admins: [],
        committers: "all",
        createdAt: 0,
        attributes: {},
        members: Array.from({ length: MEMBERS }, (_, index) => UserId(index + 1))
      },
      ChatId(1)
    )
    const listeners: Array<readonly [Delivery, Subscription]> = []
    for (const user of chat.members.keys()) {
      const follow = { catchUp: () => {}, touch: () => {} }
      const delivery = new Delivery(connection(user), tongue, { user, device: "" }, follow)
      const subscription = delivery.begin({ chat: chat.id, pushed: 1, delivered: 1, acked: [] }, 1)
      delivery.open([])
      if (subscription !== undefined) listeners.push([delivery, subscription])
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
        const entry = { id, chat: chat.id, seq, posted: seq, at: 0, by: UserId(0), origin: null, body }
        const event: ChatEvent = { _tag: "ChatEvent", entry, chat, head: { seq, posted: seq, activeAt: 0 } }
        const utterances = new Utterances(event)
        for (const [delivery, subscription] of listeners) delivery.take(subscription, seq, utterances, false)
        for (const [delivery] of listeners) delivery.flush()
      },
      close: () => {
        if (bytes === 0) throw new Error("nothing was delivered")
      }
    }
  }
}
