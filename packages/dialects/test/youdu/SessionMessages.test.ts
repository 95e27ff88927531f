/**
 * Messages of users in sessions, by requests as the public SDKs send them: absent values as null, "" or [], in plain JSON and
 * in an envelope. Source: PROTOCOLS, "youdu".
 */
import { assert, describe, it } from "@effect/vitest"
import { Engine } from "@parley/core/Engine"
import { Users } from "@parley/core/Users"
import { Effect } from "effect"
import { engineLayer } from "../ha/harness.ts"
import { failure, jsonOf, type SessionJson } from "./harness.ts"
import { messages, text } from "./messages.ts"

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
