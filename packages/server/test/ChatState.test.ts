import { assert, describe, it } from "@effect/vitest"
import type { Chat, Incoming, ParleyEvent, User } from "@parley/client"
import { ChatState } from "../src/chat/ChatState.ts"
import { ClientState } from "../../client/src/ClientState.ts"

const now = new Date(2026, 10, 20, 18, 30)
const at = (hours: number, minutes: number, day = 20) =>
  Math.floor(new Date(2026, 10, day, hours, minutes).getTime() / 1000)

const user = (id: number, account: string, realname: string, status: User["status"] = "online"): User => ({
  id,
  account,
  realname,
  avatar: "",
  role: "",
  dept: 0,
  status
})
const chat = (gid: string, name: string, type: string, members: ReadonlyArray<number>): Chat => ({
  id: 1,
  gid,
  name,
  type,
  admins: "",
  committers: "",
  subject: 0,
  public: false,
  createdBy: "alice",
  createdDate: 0,
  editedBy: "",
  editedDate: 0,
  lastActiveTime: 0,
  members: members.map((id) => ({ id }))
})
const message = (gid: string, content: string, more: Partial<Incoming> = {}): ParleyEvent => ({
  type: "message",
  data: {
    id: 1,
    gid,
    cgid: "1&2",
    user: 2,
    date: at(14, 3),
    type: "normal",
    contentType: "text",
    content,
    change: "new",
    ...more
  }
})

/** Returns a state, and a function that applies an event to the client's lists and then to the state. */
const filled = () => {
  const clientState = new ClientState()
  clientState.me = 1
  const users = [user(1, "alice", "Alice"), user(2, "bob", "Bob"), user(3, "carol", "")]
  const chats = [
    chat("lobby", "Lobby", "system", []),
    chat("1&2", "", "one2one", [1, 2]),
    chat("g", "Team", "group", [1, 3])
  ]
  clientState.applyEvent({ type: "users", data: users })
  clientState.applyEvent({ type: "chats", data: chats })
  const state = new ChatState({ me: user(1, "alice", "Alice"), users: clientState.users, chats: clientState.chats })
  const hear = (event: ParleyEvent): ReadonlyArray<string> => {
    clientState.applyEvent(event)
    return state.applyEvent(event, now)
  }
  return { state, hear }
}

describe("the output of the terminal client", () => {
  it("has messages with chat, time and sender", () => {
    const { hear } = filled()
    assert.deepStrictEqual(hear(message("a", "hi")), ["[Bob] 14:03 Bob: hi"])
    assert.deepStrictEqual(hear(message("b", "two\nlines", { cgid: "g", user: 3, date: at(9, 5, 19) })), [
      "[Team] 2026-11-19 09:05 carol: two\n    lines"
    ])
    assert.deepStrictEqual(hear(message("c", "closing early", { cgid: "lobby", user: 0 })), [
      "[Lobby] 14:03 closing early"
    ])
  })

  it("has every message once, and again only if it has changed", () => {
    const { hear } = filled()
    assert.lengthOf(hear(message("a", "hi")), 1)
    assert.lengthOf(hear(message("a", "hi")), 0)
    assert.lengthOf(hear(message("a", "hi", { contentType: "image" })), 1)
    assert.deepStrictEqual(hear(message("a", "", { recalled: true })), ["[Bob] 14:03 Bob: (recalled)"])
    assert.lengthOf(hear(message("a", "", { recalled: true })), 0)
    assert.lengthOf(hear(message("never seen", "", { recalled: true })), 0)
  })

  it("escapes control characters of other users", () => {
    const { hear } = filled()
    assert.deepStrictEqual(hear(message("a", "\u001b[2Jevil\u0007\u202e\r\nend")), [
      "[Bob] 14:03 Bob:  [2Jevil  \n    end"
    ])
  })

  it("summarises messages that are not text", () => {
    const { hear } = filled()
    const content = JSON.stringify({ title: "a.pdf", url: "http://x.test/a.pdf" })
    assert.deepStrictEqual(hear(message("a", content, { contentType: "file" })), [
      "[Bob] 14:03 Bob: (file) a.pdf http://x.test/a.pdf"
    ])
    assert.deepStrictEqual(hear(message("b", "{", { contentType: "image" })), ["[Bob] 14:03 Bob: (image) {"])
  })
})

describe("the state of the terminal client", () => {
  it("finds a chat by number, title, or the other user's account", () => {
    const { state } = filled()
    assert.strictEqual(state.find("1")?.gid, "lobby")
    assert.strictEqual(state.find("team")?.gid, "g")
    assert.strictEqual(state.find("Bob")?.gid, "1&2")
    assert.strictEqual(state.find("bob")?.gid, "1&2")
    assert.isUndefined(state.find("9"))
  })

  it("follows logins, logouts and chats", () => {
    const { hear, state } = filled()
    assert.deepStrictEqual(hear({ type: "logout", data: user(2, "bob", "Bob", "offline") }), ["* Bob is offline"])
    assert.deepStrictEqual(hear({ type: "login", data: user(2, "bob", "Bob") }), ["* Bob is online"])
    assert.deepStrictEqual(hear({ type: "userRenamed", data: user(2, "bob", "Robert") }), [])
    assert.strictEqual(state.find("Robert")?.gid, "1&2")

    const made = chat("new", "New", "group", [1, 2])
    assert.deepStrictEqual(hear({ type: "created", data: made }), ["* you are in New"])
    assert.deepStrictEqual(hear({ type: "renamed", data: { ...made, name: "Newer" } }), [])
    state.open = "new"
    assert.deepStrictEqual(hear({ type: "members", data: chat("new", "Newer", "group", [2]) }), [
      "* you are no longer in Newer"
    ])
    assert.isUndefined(state.open)
    assert.isUndefined(state.chat("new"))
    assert.deepStrictEqual(hear({ type: "chats", data: [made] }), [])
    assert.deepStrictEqual(hear({ type: "joined", data: made }), [])
  })
})
