/**
 * Messages of apps, by requests as the public SDKs send them: absent values as null, "" or [], in plain JSON and
 * in an envelope. Source: PROTOCOLS, "youdu".
 */
import { assert, describe, it } from "@effect/vitest"
import { Engine } from "@parley/core/Engine"
import { StorageFailed } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { Effect } from "effect"
import { addUsers, engineLayer, engineOver, operate } from "../ha/harness.ts"
import { DEMO } from "./Envelope.ts"
import { failure } from "./harness.ts"
import { OF_APP, APP_USER, messages, text } from "./messages.ts"

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
