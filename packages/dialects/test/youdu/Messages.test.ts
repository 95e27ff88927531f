/**
 * Messages of users and apps, by requests as the public SDKs send them: absent values as null, "" or [], in plain JSON and
 * in an envelope. Source: PROTOCOLS, "youdu".
 */
import { assert, describe, it } from "@effect/vitest"
import { Engine } from "@parley/core/Engine"
import { StorageFailed, Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { Effect } from "effect"
import { addUsers, engineLayer, engineOver, operate, type TestUser } from "../ha/harness.ts"
import { DEMO, open } from "./Envelope.ts"
import { envelope, failure, fixture, jsonOf, type SessionJson } from "./harness.ts"

interface Sealed {
  readonly errcode: number
  readonly errmsg: string
  readonly encrypt: string
}

const APP_USER = `yd-${DEMO.buin}-${DEMO.appId}`
const OF_APP = { buin: DEMO.buin, appId: DEMO.appId }

const messages = Effect.gen(function* () {
  const all = yield* fixture
  const { call, root, appToken } = all
  const token = yield* appToken
  const store = yield* Store
  /** Sends in plain JSON as a system administrator. */
  const plain = (path: string, json: object) =>
    Effect.map(call("POST", `/cgi/${path}?accessToken=${root.token}`, { json }), ({ status, json: reply }) => {
      assert.strictEqual(status, 200)
      return reply as Record<string, unknown>
    })
  /** Sends in an envelope of the demo app; returns the content, or the failure. */
  const sealed = (path: string, content: object) =>
    Effect.map(
      call("POST", `/cgi/${path}?accessToken=${encodeURIComponent(token)}`, {
        json: envelope(content),
        headers: { "content-encoding": "UTF-8" }
      }),
      (reply): Record<string, unknown> => {
        const { errcode, errmsg, encrypt } = jsonOf<Sealed>(reply)
        assert.deepStrictEqual([reply.status, encrypt === ""], [200, errcode !== 0])
        return errcode === 0 ? (JSON.parse(open(encrypt).text) as Record<string, unknown>) : { errcode, errmsg }
      }
    )
  /** The messages of a user's chats, in their order, as `sender account: type content`. */
  const seenBy = Effect.fnUntraced(function* ({ id }: TestUser) {
    const { context } = yield* Engine
    const found: Array<string> = []
    const chats = yield* store.chats(yield* store.chatsOf(id as never))
    for (const { chat, head } of chats) {
      if (head.posted === 0) continue
      for (const message of yield* store.history(chat.id, { from: 1, to: head.posted })) {
        const [sender] = yield* context.users.findMany(message.sender === null ? [] : [message.sender])
        found.push(`${sender?.account}: ${message.contentType} ${message.content}`)
      }
    }
    return found
  })
  return { ...all, plain, sealed, seenBy, store }
})

const text = (content: string) => ({ msgType: "text", text: { content } })

describe("session/send", () => {
  it.effect("sends to a group as its member, and to a user in the direct chat of the two", () =>
    Effect.gen(function* () {
      const { plain, sealed, seenBy, team, bob, carol, alice, store } = yield* messages
      const { sessionId, version } = yield* team
      const sent = yield* sealed("session/send", { sessionId, receiver: null, sender: "alice", ...text("你好 🙂") })
      assert.deepStrictEqual(Object.keys(sent), ["id"])
      assert.strictEqual((yield* store.messagesByGid([String(sent["id"])]))[0]?.content, "你好 🙂")
      assert.deepInclude(yield* plain("session/send", { sessionId, receiver: "", sender: "bob", ...text("hi") }), {
        errcode: 0,
        errmsg: "ok"
      })
      assert.deepStrictEqual(yield* seenBy(carol), ["bob: text hi", "alice: text 你好 🙂"])
      // Two directions, one chat.
      yield* sealed("session/send", { sessionId: "", receiver: "bob", sender: "alice", ...text("to bob") })
      yield* plain("session/send", { receiver: "alice", sender: "bob", ...text("to alice") })
      assert.deepStrictEqual((yield* seenBy(bob)).slice(2), ["bob: text to alice", "alice: text to bob"])
      const pair = yield* store.chatByGid(`${Math.min(alice.id, bob.id)}&${Math.max(alice.id, bob.id)}`)
      assert.strictEqual(pair?.head.posted, 2)
      const group = yield* store.chatByGid(sessionId)
      assert.strictEqual(group?.chat.version, version)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("shares files that the sender can download, with every type of media", () =>
    Effect.gen(function* () {
      const { sealed, seenBy, team, alice, bob, carol, store } = yield* messages
      const { perform } = yield* Engine
      const { sessionId } = yield* team
      const [file] = yield* perform(alice.caller, {
        _tag: "AddFiles",
        chat: { gid: sessionId },
        files: [{ title: "图.png", size: 3, blob: "b1" }]
      })
      assert(file)
      const media_id = String(file.id)
      for (const [msgType, contentType, body] of [
        ["image", "image", { media_id }],
        ["file", "file", { media_id, name: "图.png", size: 3 }],
        ["voice", "audio", { media_id }],
        ["video", "video", { media_id }]
      ] as const) {
        yield* sealed("session/send", { receiver: "bob", sender: "alice", msgType, [msgType]: body })
        const [newest] = yield* seenBy(bob)
        const shared = (yield* store.files((yield* store.chatByGid(`${alice.id}&${bob.id}`))!.chat.id)).at(-1)
        assert.deepInclude(shared, { title: "图.png", size: 3, blob: "b1", addedBy: alice.caller.user })
        const content = JSON.stringify({ id: shared?.id, name: "图.png", size: 3 })
        assert.strictEqual(newest, `alice: ${contentType} ${content}`)
      }
      // dave is in no chat with the file.
      const other = yield* sealed("session/send", {
        sender: "carol",
        receiver: "alice",
        msgType: "image",
        image: {
          media_id: String((yield* store.files((yield* store.chatByGid(`${alice.id}&${bob.id}`))!.chat.id))[0]?.id)
        }
      })
      assert.deepStrictEqual(other, failure(400, "image.media_id names no file of the app or the sender."))
      assert.deepStrictEqual(yield* seenBy(carol), [])
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("refuses bad input with the field's name, and stores nothing", () =>
    Effect.gen(function* () {
      const { plain, sealed, seenBy, team, create, alice, bob, carol } = yield* messages
      const users = yield* Users
      const { sessionId } = yield* team
      const { sessionId: foreign } = jsonOf<SessionJson>(
        yield* create({ title: "t", creator: "dave", member: ["erin", "root"] })
      )
      yield* users.add([{ account: "gone", organisation: 1 }])
      yield* users.setDisabled("gone", true)
      const good = { sessionId, sender: "alice", ...text("x") }
      type Row = readonly [patch: object, errcode: number, errmsg: string]
      const table: ReadonlyArray<Row> = [
        [{ sender: null }, 400, "sender is missing."],
        [{ sender: "" }, 400, "sender must not be empty."],
        [{ sender: 5 }, 400, "sender must be a string."],
        [{ sender: "nobody" }, 404, "There are no such users: nobody (sender)."],
        [{ sender: "gone" }, 400, "sender is disabled."],
        [{ sessionId: null }, 400, "sessionId or receiver must be given, and not both."],
        [{ receiver: "bob" }, 400, "sessionId or receiver must be given, and not both."],
        [{ sessionId: 5 }, 400, "sessionId must be a string."],
        [{ sessionId: "unknown" }, 404, "sessionId: there is no such session."],
        [{ sessionId: null, receiver: "nobody" }, 404, "There are no such users: nobody (receiver)."],
        [{ sessionId: null, receiver: "alice" }, 400, "receiver must be another user than sender."],
        [{ msgType: null }, 400, "msgType is missing."],
        [{ msgType: "mpnews" }, 400, "msgType must be text, image, file, voice or video."],
        [{ text: null }, 400, "text is missing."],
        [{ text: "x" }, 400, "text must be an object."],
        [{ text: {} }, 400, "text.content is missing."],
        [{ text: { content: null } }, 400, "text.content is missing."],
        [{ text: { content: 5 } }, 400, "text.content must be a string."],
        [{ text: { content: " " } }, 400, "text.content must not be empty."],
        [{ text: { content: "\udc00" } }, 400, "text.content must be well-formed Unicode."],
        [{ text: { content: "x".repeat(65_537) } }, 400, "content must have at most 65536 bytes."],
        [{ msgType: "image" }, 400, "image is missing."],
        [{ msgType: "image", image: { media_id: "" } }, 400, "image.media_id must not be empty."],
        [{ msgType: "file", file: { media_id: "7" } }, 400, "file.media_id names no file of the app or the sender."],
        [{ msgType: "file", file: { media_id: "../7" } }, 400, "file.media_id names no file of the app or the sender."]
      ]
      for (const [patch, errcode, errmsg] of table) {
        const reply = yield* sealed("session/send", { ...good, ...patch })
        assert.deepStrictEqual(reply, failure(errcode, errmsg), JSON.stringify(patch).slice(0, 200))
      }
      // Users and groups of other organisations do not exist for the app; plain JSON reaches all.
      const outside: ReadonlyArray<Row> = [
        [{ sender: "dave" }, 404, "There are no such users: dave (sender)."],
        [{ sessionId: null, receiver: "dave" }, 404, "There are no such users: dave (receiver)."],
        [{ sessionId: foreign }, 404, "sessionId: there is no such session."]
      ]
      for (const [patch, errcode, errmsg] of outside) {
        assert.deepStrictEqual(yield* sealed("session/send", { ...good, ...patch }), failure(errcode, errmsg))
      }
      assert.deepStrictEqual(
        yield* plain("session/send", { ...good, sender: "dave" }),
        failure(403, "sender is not a member of this session.")
      )
      for (const user of [alice, bob, carol]) assert.deepStrictEqual(yield* seenBy(user), [])
      assert.deepInclude(yield* plain("session/send", { ...good, sender: "dave", sessionId: foreign }), { errcode: 0 })
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("msg/send", () => {
  it.effect("sends as the app's user to users and departments, each once, in their direct chats", () =>
    Effect.gen(function* () {
      const { plain, sealed, seenBy, alice, bob, carol, dave, store, commands } = yield* messages
      const users = yield* Users
      const { perform } = yield* Engine
      const [eve] = yield* addUsers({ account: "eve", organisation: 1, dept: 7 })
      yield* addUsers({ account: "other", organisation: 2, dept: 7 })
      assert(eve)
      const sent = yield* sealed("msg/send", { toUser: "alice|bob| alice |", toDept: "", ...text("hello") })
      assert.strictEqual((yield* store.messagesByGid([`${String(sent["id"])}-${alice.id}`]))[0]?.content, "hello")
      yield* sealed("msg/send", { toUser: null, toDept: "7", ...text("to the department") })
      // Departments below one that is named belong to it, and 0 is the root.
      for (const [id, parent] of [
        [3, 0],
        [7, 3]
      ]) {
        yield* operate(commands, "youdu-dept set", { org: 1, id: id ?? 0, name: `d${id}`, parent: parent ?? 0 })
      }
      yield* sealed("msg/send", { toDept: "3|7", ...text("to both") })
      yield* plain("msg/send", { ...OF_APP, toUser: "alice", toDept: null, ...text("in plain JSON") })
      const app = yield* users.byAccount(APP_USER)
      assert.deepInclude(app, { role: "app", realname: DEMO.appId, organisation: null, admin: false })
      assert.isNull(yield* store.password(app!.id))
      assert.deepStrictEqual(yield* seenBy(alice), [`${APP_USER}: text in plain JSON`, `${APP_USER}: text hello`])
      assert.deepStrictEqual(yield* seenBy(bob), [`${APP_USER}: text hello`])
      assert.deepStrictEqual(yield* seenBy(eve), [`${APP_USER}: text to both`, `${APP_USER}: text to the department`])
      for (const user of [carol, dave]) assert.deepStrictEqual(yield* seenBy(user), [])
      const chat = { gid: `${Math.min(app!.id, bob.id)}&${Math.max(app!.id, bob.id)}` }
      yield* perform(bob.caller, {
        _tag: "SendMessages",
        messages: [{ gid: "reply", chat, type: "normal", contentType: "text", content: "thanks" }]
      })
      yield* sealed("msg/send", { toDept: "0", ...text("to the root") })
      for (const user of [alice, bob, carol, eve]) {
        assert.strictEqual((yield* seenBy(user))[0], `${APP_USER}: text to the root`)
      }
      assert.deepStrictEqual(yield* seenBy(dave), [])
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("sends links, articles and system messages as texts", () =>
    Effect.gen(function* () {
      const { sealed, seenBy, alice } = yield* messages
      const toUser = "alice"
      const url = "http://example.org/"
      const rows: ReadonlyArray<readonly [object, string]> = [
        [{ msgType: "link", link: { title: "Pay", url, action: 1 } }, `Pay\n${url}`],
        [
          {
            msgType: "exlink",
            exlink: [
              { title: "One", url, digest: "about one", media_id: "" },
              { title: "Two", url, digest: "", media_id: "5" }
            ]
          },
          `One\nabout one\n${url}\n\nTwo\n${url}`
        ],
        [
          { msgType: "mpnews", mpnews: [{ title: "News", media_id: "", digest: "d", content: "c", showFront: 1 }] },
          "News\nd\nc"
        ],
        [
          {
            msgType: "sysMsg",
            toAll: { onliyOnline: false },
            sysMsg: {
              title: "Notice",
              popDuration: 6,
              msg: [
                { text: { content: "read" }, link: { title: "", url: "" } },
                { link: { title: "this", url, action: 0 } }
              ]
            }
          },
          `Notice\nread\n\nthis\n${url}`
        ]
      ]
      for (const [body, content] of rows) {
        assert.deepStrictEqual(Object.keys(yield* sealed("msg/send", { toUser, ...body })), ["id"])
        assert.strictEqual((yield* seenBy(alice))[0], `${APP_USER}: text ${content}`)
      }
      yield* sealed("msg/send", {
        toUser: "",
        toDept: "",
        toAll: { onlyOnline: false },
        msgType: "sysMsg",
        sysMsg: { title: "All", msg: [{ text: { content: "of you" } }] }
      })
      assert.strictEqual((yield* seenBy(alice))[0], `${APP_USER}: text All\nof you`)
      // No user is online: nothing is sent, and that is not an error.
      const online = { toAll: { onlyOnline: true }, ...text("online only") }
      assert.deepStrictEqual(Object.keys(yield* sealed("msg/send", online)), ["id"])
      assert.strictEqual((yield* seenBy(alice))[0], `${APP_USER}: text All\nof you`)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("refuses bad input and recipients out of reach as a whole", () =>
    Effect.gen(function* () {
      const { plain, sealed, seenBy, alice, store } = yield* messages
      const good = { toUser: "alice", ...text("x") }
      const many = (count: number) => Array.from({ length: count }, (_, index) => `u${index}`).join("|")
      const link = { title: "t", url: "http://example.org" }
      type Row = readonly [patch: object, errcode: number, errmsg: string]
      const table: ReadonlyArray<Row> = [
        [{ toUser: null }, 400, "toUser or toDept must name a recipient."],
        [{ toUser: "", toDept: "" }, 400, "toUser or toDept must name a recipient."],
        [{ toUser: ["alice"] }, 400, "toUser must be a string."],
        [{ toUser: "alice|nobody|dave" }, 404, "There are no such users: nobody (toUser), dave (toUser)."],
        [{ toUser: many(1001) }, 400, "toUser must name at most 1000 users."],
        [{ toDept: "x" }, 400, "toDept must have department ids, separated by |."],
        [{ toDept: "77" }, 400, "toDept must name departments that have a name or users, unlike 77."],
        [{ toDept: many(101) }, 400, "toDept must name at most 100 departments."],
        [{ toUser: null, toAll: true }, 400, "toAll must be an object."],
        [{ msgType: "voice" }, 400, "msgType must be text, image, file, mpnews, link, exlink or sysMsg."],
        [{ msgType: "link", link: { title: "t" } }, 400, "link.url is missing."],
        [
          { msgType: "link", link: { ...link, title: "字".repeat(65) } },
          400,
          "link.title must have at most 64 characters."
        ],
        [{ msgType: "exlink", exlink: link }, 400, "exlink must be an array of objects."],
        [{ msgType: "exlink", exlink: [] }, 400, "exlink must have 1 to 5 items."],
        [{ msgType: "exlink", exlink: Array(6).fill(link) }, 400, "exlink must have 1 to 5 items."],
        [{ msgType: "exlink", exlink: [link, 5] }, 400, "exlink[1] must be an object."],
        [{ msgType: "exlink", exlink: [{ ...link, digest: 5 }] }, 400, "exlink[0].digest must be a string."],
        [{ msgType: "mpnews", mpnews: [{}] }, 400, "mpnews[0].title is missing."],
        [{ msgType: "sysMsg", sysMsg: { title: "t" } }, 400, "sysMsg.msg is missing."],
        [{ msgType: "sysMsg", sysMsg: { title: "t", msg: [{}] } }, 400, "sysMsg.msg[0] must have text or link."],
        [{ msgType: "image", image: { media_id: "9" } }, 400, "image.media_id names no file of the app or the sender."]
      ]
      for (const [patch, errcode, errmsg] of table) {
        assert.deepStrictEqual(
          yield* sealed("msg/send", { ...good, ...patch }),
          failure(errcode, errmsg),
          JSON.stringify(patch).slice(0, 200)
        )
      }
      assert.deepStrictEqual(yield* plain("msg/send", good), failure(400, "buin is missing."))
      const unknown = { ...OF_APP, appId: "unknown", ...good }
      assert.deepStrictEqual(yield* plain("msg/send", unknown), failure(400, "appId must be the id of an app of buin."))
      assert.deepStrictEqual(yield* seenBy(alice), [])
      assert.deepStrictEqual(yield* store.chatsOf(alice.id as never), [])
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("stores a message to 500 users whole", () =>
    Effect.gen(function* () {
      const { sealed, store } = yield* messages
      const accounts = Array.from({ length: 500 }, (_, index) => `user${index}`)
      const all = yield* addUsers(...accounts.map((account) => ({ account, organisation: 1 })))
      const { id } = yield* sealed("msg/send", { toUser: accounts.join("|"), ...text("for everyone") })
      const stored = yield* store.messagesByGid(all.map((user) => `${String(id)}-${user.id}`))
      assert.lengthOf(stored, 500)
      assert.lengthOf(new Set(stored.map(({ chat }) => chat)), 500)
      const long = yield* sealed("msg/send", { toUser: accounts.join("|"), ...text("x".repeat(40_000)) })
      assert.deepStrictEqual(
        long,
        failure(400, "content must have at most 16777216 bytes for all recipients together.")
      )
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("stores nothing of a message if its commit fails", () => {
    let failing = false
    const broken = engineOver((store) => ({
      commit: (batch) =>
        failing && batch.writes.some((write) => write._tag === "Append" && write.body._tag === "Posted")
          ? Effect.fail(new StorageFailed({ operation: "commit", cause: "on demand" }))
          : store.commit(batch)
    }))
    return Effect.gen(function* () {
      const { sealed, seenBy, alice, bob } = yield* messages
      const sending = sealed("msg/send", { toUser: "alice|bob", ...text("whole") })
      failing = true
      assert.deepStrictEqual(yield* sending, failure(503, "The storage does not respond; retry."))
      for (const user of [alice, bob]) assert.deepStrictEqual(yield* seenBy(user), [])
      failing = false
      yield* sending
      for (const user of [alice, bob]) assert.deepStrictEqual(yield* seenBy(user), [`${APP_USER}: text whole`])
    }).pipe(Effect.provide(broken))
  })

  it.effect("an app whose account belongs to somebody else, or is disabled, cannot send", () =>
    Effect.gen(function* () {
      const { sealed, plain, commands } = yield* messages
      const users = yield* Users
      yield* users.add([{ account: APP_USER }])
      const good = { toUser: "alice", ...text("x") }
      assert.deepStrictEqual(yield* sealed("msg/send", good), failure(400, `The account ${APP_USER} is taken.`))
      yield* users.remove(APP_USER)
      assert.deepStrictEqual(Object.keys(yield* sealed("msg/send", good)), ["id"])
      yield* users.setDisabled(APP_USER, true)
      assert.deepStrictEqual(
        yield* sealed("msg/send", good),
        failure(400, "appId names an app whose user is disabled.")
      )
      // Apps do not speak for each other.
      const add = commands.find(({ path }) => path.join(" ") === "youdu-app add")
      const added = yield* add!.run({ buin: 7, "app-id": "mine", key: Buffer.alloc(32).toString("base64"), org: 1 })
      assert.strictEqual(added, "added app 7/mine of organisation 1, with the user yd-7-mine")
      yield* users.setDisabled(APP_USER, false)
      const own = { sender: APP_USER, receiver: "alice", ...text("by its own account") }
      assert.deepStrictEqual(Object.keys(yield* sealed("session/send", own)), ["id"])
      const toOwn = { sender: "alice", receiver: APP_USER, ...text("to the app") }
      assert.deepStrictEqual(Object.keys(yield* sealed("session/send", toOwn)), ["id"])
      const impostor = { sender: "yd-7-mine", receiver: "alice", ...text("x") }
      assert.deepStrictEqual(
        yield* sealed("session/send", impostor),
        failure(404, "There are no such users: yd-7-mine (sender).")
      )
      assert.deepInclude(yield* plain("msg/send", { buin: 7, appId: "mine", ...good }), { errcode: 0 })
    }).pipe(Effect.provide(engineLayer))
  )
})
