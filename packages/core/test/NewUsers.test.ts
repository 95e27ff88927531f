/** Users created while clients are connected: pushed before the first event that names them, otherwise gathered. */
import { assert, describe, it } from "@effect/vitest"
import { createdChat } from "@parley/core/Chat"
import type { Connection } from "@parley/core/Connection"
import type { Event, UserEvent } from "@parley/core/Event"
import { packetFraming, type Frame } from "@parley/core/Frame"
import { ChatId, EntryId, UserId } from "@parley/core/Ids"
import type { EntryBody } from "@parley/core/Log"
import type { Serializer } from "@parley/core/Serializer"
import type { User } from "@parley/core/User"
import { Effect } from "effect"
import { LocalHub } from "../src/delivery/Hub.ts"
import type { HubSession } from "../src/delivery/HubSession.ts"
import { Subscriber } from "../src/delivery/Subscriber.ts"

const user = (id: number): User => ({
  id: UserId(id),
  account: `user${id}`,
  realname: "",
  avatar: "",
  role: "",
  dept: 0,
  admin: false,
  organisation: null,
  disabled: false,
  createdAt: 0,
  since: {}
})

const serializer: Serializer = {
  encode: (event) =>
    event._tag === "UserEvent"
      ? [`${event.what} ${event.user.id}`]
      : event._tag === "ChatEvent"
        ? [`entry ${event.entry.seq}`]
        : [],
  encodeNewUsers: (users) => [`new ${users.map(({ id, status }) => `${id} ${status}`).join(", ")}`],
  framing: packetFraming("", "; ", ""),
  takenOver: "",
  connectionLimitReached: "",
  rejected: () => "",
  invalidUtf8: "",
  oversized: () => "",
  acknowledgement: "explicit"
}
const { encodeNewUsers: _without, ...silent } = serializer

const chatOf = (...members: ReadonlyArray<number>) => createdChat({ ...FACTS, members: members.map(UserId) }, ChatId(1))
const FACTS = {
  gid: "g",
  name: "",
  type: "group",
  public: false,
  subject: 0,
  createdBy: UserId(1),
  owner: UserId(1),
  admins: [],
  senders: "all",
  createdAt: 0,
  attributes: {}
} as const
const chat = chatOf(1, 2)

const open = () => {
  const timers: Array<() => void> = []
  const hub = new LocalHub({ now: () => 0, after: (_milliseconds, callback) => void timers.push(callback) })
  let connections = 0
  const connect = (id: number, { as = serializer, member = true } = {}) => {
    const frames: Array<Frame> = []
    const connection: Connection = {
      id: ++connections,
      address: "",
      send: (frame) => frames.push(frame),
      buffered: () => 0,
      onDrained: (_low, callback) => callback(),
      pause: () => {},
      resume: () => {},
      limitFrames: () => {},
      close: () => {}
    }
    const events = { catchUp: () => {}, cursorMoved: () => {} }
    const subscriber = new Subscriber(connection, as, { user: UserId(id), device: "" }, events)
    const session: HubSession = {
      connection,
      live: undefined,
      user: user(id),
      subscriber,
      acknowledge: () => Effect.void,
      joinChat: () => {},
      leaveChat: () => {},
      detachUser: () => {},
      takeOver: () => {}
    }
    hub.addSession(UserId(id), session)
    hub.presence.set(UserId(id), "online")
    if (member) {
      const subscription = subscriber.subscribe({ chat: chat.id, pushed: 1, delivered: 1, acked: [] }, 1)
      assert(subscription)
      hub.chats.subscribe(subscription)
    }
    /** Returns the packets since the last call. */
    const packets = (): ReadonlyArray<string> => {
      hub.chats.flushBroadcasts(subscriber)
      subscriber.flush()
      return frames.splice(0).flatMap(({ text }) => text.split("; "))
    }
    return { open: () => subscriber.open([], hub.newUsers.count), packets }
  }
  const event = (seq: number, by: number, body: EntryBody, of = chat): Event => {
    const entry = { id: EntryId(seq), chat: chat.id, seq, posted: seq, at: 0, by: UserId(by), device: null, body }
    const head = { seq, posted: seq, activeAt: 0 }
    if (body._tag !== "Posted") return { _tag: "ChatEvent", entry, chat: of, head }
    const { gid, type, contentType, content, date } = body
    const sender = UserId(by)
    const own = { id: entry.id, gid, chat: chat.id, seq, number: seq, sender, type, date, contentType, content }
    return { _tag: "ChatEvent", entry, chat, head, message: { ...own, recalled: false, revision: entry.id } }
  }
  const posted = { _tag: "Posted", gid: "m", type: "normal", contentType: "text", content: "", date: 0 } as const
  return {
    hub,
    connect,
    message: (seq: number, by: number) => hub.broadcast([{ event: event(seq, by, posted), to: { chat: chat.id } }]),
    add: (seq: number, id: number) => {
      const body = { _tag: "Changed", added: [UserId(id)] } as const
      hub.broadcast([{ event: event(seq, 1, body, chatOf(1, 2, id)), to: { chat: chat.id } }])
    },
    login: (id: number) => {
      const about = { ...user(id), status: hub.presence.status(UserId(id)) }
      const login: UserEvent = { _tag: "UserEvent", id, what: "login", user: about }
      hub.broadcast([{ event: login, to: "everyone" }])
    },
    /** Calls the pending timers, and those that they start. */
    elapse: () => {
      while (timers.length > 0) timers.shift()?.()
    },
    pending: () => timers.length
  }
}

const opened = (...connections: ReadonlyArray<ReturnType<ReturnType<typeof open>["connect"]>>): void => {
  for (const one of connections) one.open()
}

describe("new users", () => {
  it("are pushed together after a while, once, to all who connected before", () => {
    const { hub, connect, elapse, pending } = open()
    const [ann, ben] = [connect(1), connect(2, { member: false })]
    opened(ann, ben)
    hub.addUser(user(3))
    hub.addUser(user(4))
    const later = connect(5)
    opened(later)
    hub.addUser(user(6))
    assert.deepStrictEqual([ann.packets(), ben.packets()], [[], []])
    elapse()
    const all = ["new 3 offline, 4 offline, 6 offline"]
    assert.deepStrictEqual([ann.packets(), ben.packets(), later.packets()], [all, all, ["new 6 offline"]])
    elapse()
    assert.deepStrictEqual([ann.packets(), pending(), hub.newUsers.isEmpty], [[], 0, true])
    hub.addUser(user(7))
    elapse()
    assert.deepStrictEqual([ann.packets(), later.packets()], [["new 7 offline"], ["new 7 offline"]])
  })

  it("are pushed before a message, a change or a login that names them, and not before others", () => {
    const { hub, connect, message, add, login, elapse } = open()
    const [ann, ben] = [connect(1), connect(2, { member: false })]
    opened(ann, ben)
    hub.addUser(user(3))
    message(2, 1)
    assert.deepStrictEqual(ann.packets(), ["entry 2"])
    message(3, 3)
    assert.deepStrictEqual([ann.packets(), ben.packets()], [["new 3 offline", "entry 3"], []])
    hub.addUser(user(4))
    add(4, 4)
    assert.deepStrictEqual([ann.packets(), ben.packets()], [["new 4 offline", "entry 4"], []])
    hub.presence.set(UserId(4), "online")
    login(4)
    assert.deepStrictEqual([ann.packets(), ben.packets()], [["login 4"], ["new 3 offline, 4 online", "login 4"]])
    elapse()
    assert.deepStrictEqual([ann.packets(), ben.packets()], [[], []])
  })

  it("are pushed in turns to many clients, and not to clients without a packet for them", () => {
    const { hub, connect, elapse } = open()
    const long: Serializer = { ...serializer, encodeNewUsers: () => ["x".repeat(600_000)] }
    const many = Array.from({ length: 5 }, (_, index) => connect(index + 1, { as: long }))
    const other = connect(9, { as: silent })
    opened(...many, other)
    hub.addUser(user(20))
    elapse()
    for (const one of many) assert.strictEqual(one.packets().join("").length, 600_000)
    assert.deepStrictEqual(other.packets(), [])
    assert.isTrue(hub.newUsers.isEmpty)
  })

  it("are not kept while nobody is connected", () => {
    const { hub, pending } = open()
    hub.addUser(user(3))
    assert.deepStrictEqual([hub.newUsers.isEmpty, pending()], [true, 0])
  })
})
