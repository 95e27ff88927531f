import { assert, describe, it } from "@effect/vitest"
import { Notebook } from "../src/chat/Notebook.ts"
import { encrypted, readFrame, socketUrl } from "../src/chat/Wire.ts"

const now = new Date(2026, 10, 20, 18, 30)
const at = (hours: number, minutes: number, day = 20) =>
  Math.floor(new Date(2026, 10, day, hours, minutes).getTime() / 1000)

const push = (method: string, data: unknown, id = 1) => ({ module: "chat", method, id, data })
const user = (id: number, account: string, realname: string, status = "online") => ({ id, account, realname, status })
const message = (gid: string, content: string, more: object = {}) => ({
  id: 1,
  gid,
  cgid: "1&2",
  user: 2,
  date: at(14, 3),
  type: "normal",
  contentType: "text",
  content,
  ...more
})

const filled = (): Notebook => {
  const notebook = new Notebook("alice")
  notebook.hear(push("userGetList", [user(1, "alice", "Alice"), user(2, "bob", "Bob"), user(3, "carol", "")]), now)
  notebook.hear(
    push("getlist", [
      { gid: "lobby", name: "Lobby", type: "system" },
      { gid: "1&2", name: "", type: "one2one", members: [{ id: 1 }, { id: 2 }] },
      { gid: "g", name: "Team", type: "group", members: [1, 3] }
    ]),
    now
  )
  return notebook
}

describe("what the terminal client shows", () => {
  it("is a message with chat, time and sender", () => {
    const notebook = filled()
    assert.deepStrictEqual(notebook.hear(push("message", [message("a", "hi")]), now), ["[Bob] 14:03 Bob: hi"])
    assert.deepStrictEqual(
      notebook.hear(push("message", message("b", "two\nlines", { cgid: "g", user: 3, date: at(9, 5, 19) })), now),
      ["[Team] 2026-11-19 09:05 carol: two\n    lines"]
    )
    assert.deepStrictEqual(
      notebook.hear(push("message", [message("c", "closing early", { cgid: "lobby", user: 0 })]), now),
      ["[Lobby] 14:03 closing early"]
    )
  })

  it("is every message once, and again only when it has changed", () => {
    const notebook = filled()
    const hear = (one: object) => notebook.hear(push("message", [one]), now).length
    assert.strictEqual(hear(message("a", "hi")), 1)
    assert.strictEqual(hear(message("a", "hi")), 0)
    assert.strictEqual(hear(message("a", "hi", { contentType: "image" })), 1)
    assert.deepStrictEqual(notebook.hear(push("message", [message("a", "", { recalled: true })]), now), [
      "[Bob] 14:03 Bob: (recalled)"
    ])
    assert.strictEqual(hear(message("a", "", { recalled: true })), 0)
    assert.strictEqual(hear(message("never seen", "", { recalled: true })), 0)
  })

  it("never lets others' control characters through", () => {
    const notebook = filled()
    const [line = ""] = notebook.hear(push("message", [message("a", "\u001b[2Jevil\u0007\u202e\r\nend")]), now)
    assert.strictEqual(line, "[Bob] 14:03 Bob:  [2Jevil  \n    end")
  })

  it("is what a message that is no text is about", () => {
    const notebook = filled()
    const content = JSON.stringify({ title: "a.pdf", url: "http://x.test/a.pdf" })
    assert.deepStrictEqual(notebook.hear(push("message", [message("a", content, { contentType: "file" })]), now), [
      "[Bob] 14:03 Bob: (file) a.pdf http://x.test/a.pdf"
    ])
    assert.deepStrictEqual(notebook.hear(push("message", [message("b", "{", { contentType: "image" })]), now), [
      "[Bob] 14:03 Bob: (image) {"
    ])
  })
})

describe("what the terminal client knows", () => {
  it("finds a chat by number, title, or the other's account", () => {
    const notebook = filled()
    assert.strictEqual(notebook.find("1")?.gid, "lobby")
    assert.strictEqual(notebook.find("team")?.gid, "g")
    assert.strictEqual(notebook.find("Bob")?.gid, "1&2")
    assert.strictEqual(notebook.find("bob")?.gid, "1&2")
    assert.isUndefined(notebook.find("9"))
  })

  it("follows who comes, who goes, and which chats it is in", () => {
    const notebook = filled()
    assert.deepStrictEqual(notebook.hear(push("logout", user(2, "bob", "Bob", "offline")), now), ["* Bob has left"])
    assert.deepStrictEqual(notebook.hear(push("login", user(2, "bob", "Bob")), now), ["* Bob is here"])
    assert.deepStrictEqual(notebook.hear(push("userChangeName", user(2, "bob", "Robert")), now), [])
    assert.strictEqual(notebook.find("Robert")?.gid, "1&2")

    const made = { gid: "new", name: "New", type: "group", members: [{ id: 1 }, { id: 2 }] }
    assert.deepStrictEqual(notebook.hear(push("create", made), now), ["* you are in New"])
    assert.deepStrictEqual(notebook.hear(push("changeName", { ...made, name: "Newer" }), now), [])
    notebook.open = "new"
    assert.deepStrictEqual(notebook.hear(push("addMember", { ...made, members: [{ id: 2 }] }), now), [
      "* you are no longer in Newer"
    ])
    assert.isUndefined(notebook.open)
    assert.isUndefined(notebook.chat("new"))
  })
})

describe("the terminal client's wire", () => {
  it("reads one packet or an array, and leaves out what is none", () => {
    assert.strictEqual(readFrame('{"module":"chat","method":"login","result":"success"}').length, 1)
    assert.strictEqual(readFrame('[{"module":"chat","method":"a"},5,{"module":"chat","method":"b"}]').length, 2)
    assert.strictEqual(readFrame("{").length, 0)
  })

  it("encrypts a password as the protocol does", () => {
    assert.strictEqual(encrypted("123456"), "e10adc3949ba59abbe56e057f20f883e")
  })

  it("finds the socket below the server's URL", () => {
    assert.strictEqual(socketUrl("http://127.0.0.1:8080"), "ws://127.0.0.1:8080/ws")
    assert.strictEqual(socketUrl("https://chat.test/im/"), "wss://chat.test/im/ws")
    assert.strictEqual(socketUrl("ws://[::1]:1/ws"), "ws://[::1]:1/ws")
    assert.isUndefined(socketUrl("ftp://x"))
    assert.isUndefined(socketUrl("nothing"))
  })
})
