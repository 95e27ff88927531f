/** Permissions for pushing and removing messages. Source: seeds/000; PROTOCOLS, "spark". */
import { Store } from "@parley/core/Store"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { apps, engine, failed, like, systemChat } from "./Apps.ts"
import { keys } from "./Keys.ts"

describe("messages", () => {
  it.live("are texts and images with unique ids", () =>
    Effect.gen(function* () {
      const { of, perform } = yield* apps(["alice", "bob"])
      const id = yield* of("alice").start("bob")
      const text = yield* of("alice").call("/message/push", { SesssionId: id, Type: 0, Content: "你好" })
      like(text, { status: 200, body: { success: true } })
      assert.match(String(text.body["MessageId"]), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
      assert.deepStrictEqual(keys(text.body), ["success", "MessageId"])
      const image = yield* of("bob").call("/message/push", {
        SessionId: id,
        Type: 1,
        Content: "https://example.org/a.png"
      })
      const { messages } = yield* perform(of("bob").caller, { _tag: "ReadHistory", chat: { gid: id } })
      assert.deepStrictEqual(
        messages.map(({ gid, contentType, content, sender }) => [gid, contentType, content, sender]),
        [
          [image.body["MessageId"], "image", "https://example.org/a.png", of("bob").caller.user],
          [text.body["MessageId"], "text", "你好", of("alice").caller.user]
        ]
      )
    }).pipe(Effect.provide(engine))
  )

  it.live("are sent to direct chats, whose gid has an ampersand, and removed there by their sender only", () =>
    Effect.gen(function* () {
      const { of, perform } = yield* apps(["alice", "bob", "carol"])
      const members = [of("bob").caller.user]
      const pair = {
        _tag: "CreateChat",
        gid: "",
        name: "",
        type: "one2one",
        members,
        subject: 0,
        public: false
      } as const
      const gid = (yield* perform(of("alice").caller, pair)).chat.gid
      assert.strictEqual(gid, `${of("alice").caller.user}&${of("bob").caller.user}`)
      const first = yield* of("alice").say(gid, "by JSON")
      const form = `SessionId=${encodeURIComponent(gid)}&Type=1&Content=https://example.org/a.png`
      const second = String((yield* of("bob").form("/message/push", form)).body["MessageId"])
      like(yield* of("bob").form("/message/push", `SessionId=${gid}&Type=0&Content=x`), { status: 404 })
      like(yield* of("carol").call("/message/push", { SessionId: gid, Type: 0, Content: "x" }), { status: 404 })
      const history = Effect.map(perform(of("bob").caller, { _tag: "ReadHistory", chat: { gid } }), ({ messages }) =>
        messages.map((message) => [message.gid, message.contentType, message.content])
      )
      assert.deepStrictEqual(yield* history, [
        [second, "image", "https://example.org/a.png"],
        [first, "text", "by JSON"]
      ])

      const remove = (account: string, SessionId: string, MessageId: string) =>
        of(account).call("/message/remove", { SessionId, MessageId })
      // A direct chat has no admins, and a message is looked up in its own chat.
      like(yield* remove("bob", gid, first), failed(403, "forbidden", "Only the sender may do this."))
      like(yield* remove("carol", gid, first), failed(404, "no_such_session", "There is no such session."))
      const other = yield* of("alice").start("bob")
      like(yield* remove("alice", other, first), { status: 404, body: { error: "no_such_message" } })
      like(yield* remove("alice", gid, first), { status: 200, body: { success: true } })
      const removal = `SessionId=${encodeURIComponent(gid)}&MessageId=${second}`
      like(yield* of("bob").form("/message/remove", removal), { status: 200, body: { success: true } })
      assert.deepStrictEqual(yield* history, [
        [second, "image", ""],
        [first, "text", ""]
      ])
    }).pipe(Effect.provide(engine))
  )

  it.live("are sent to a system chat by users who may speak there", () =>
    Effect.gen(function* () {
      const { of } = yield* apps(["alice", "bob"])
      const store = yield* Store
      const writes = [systemChat("everybody"), systemChat("notices", of("alice").caller.user)]
      yield* store.commit({ expectedVersions: [], writes })
      const push = (account: string, SessionId: string) =>
        of(account).call("/message/push", { SessionId, Type: 0, Content: "x" })
      like(yield* push("bob", "everybody"), { status: 200 })
      like(yield* push("bob", "notices"), failed(403, "may_not_speak", "You may not speak in this session."))
      const MessageId = yield* of("alice").say("notices", "read this")
      const remove = (account: string) => of(account).call("/message/remove", { SessionId: "notices", MessageId })
      like(yield* remove("bob"), failed(403, "forbidden", "Only the sender may do this."))
      like(yield* remove("alice"), { status: 200 })
    }).pipe(Effect.provide(engine))
  )

  it.live("are removed by their sender or by an admin of the session", () =>
    Effect.gen(function* () {
      const { of, perform } = yield* apps(["alice", "bob", "carol"])
      const id = yield* of("alice").start("bob", "carol")
      const other = yield* of("alice").start("bob")
      const [first, second] = [yield* of("bob").say(id, "one"), yield* of("bob").say(id, "two")]
      const remove = (account: string, SessionId: string, MessageId: string) =>
        of(account).call("/message/remove", { SessionId, MessageId })
      like(yield* remove("carol", id, first), failed(403, "forbidden", "Only the sender may do this."))
      like(yield* remove("bob", other, first), failed(404, "no_such_message", "There is no such message."))
      like(yield* remove("bob", id, first), { status: 200, body: { success: true } })
      like(yield* remove("bob", id, first), { status: 200, body: { success: true } })
      like(yield* remove("alice", id, second), { status: 200, body: { success: true } })
      const { messages } = yield* perform(of("carol").caller, { _tag: "ReadHistory", chat: { gid: id } })
      assert.deepStrictEqual(
        messages.map(({ content, recalled }) => [content, recalled]),
        [
          ["", true],
          ["", true]
        ]
      )
    }).pipe(Effect.provide(engine))
  )
})
