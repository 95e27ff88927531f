/** Sending, listing, reading and deleting messages. Source: seeds/003; PROTOCOLS, "ha". */
import { assert, describe, it } from "@effect/vitest"
import { ChatId } from "@parley/core/Ids"
import { Effect } from "effect"
import { engineLayer } from "./harness.ts"
import { dataOf, failure, type Listed, type Sent, fixture, TIME } from "./client.ts"

describe("POST /message", () => {
  it.effect("returns the states with the message's key, in the documented order", () =>
    Effect.gen(function* () {
      const { alice, send, engine, conversationid } = yield* fixture
      const reply = yield* send(alice, "hello")
      const { messagekey, id } = dataOf<Sent>(reply)
      assert.strictEqual(
        reply.text,
        `{"code":0,"msg":"成功","data":{"issent":1,"ispushed":0,"isread":0,"messagekey":"${messagekey}","id":${id}}}`
      )
      const chat = { id: ChatId(-conversationid - 100_000_000) }
      const history = yield* engine.perform(alice.caller, { _tag: "ReadHistory", chat })
      const [message] = history.messages
      assert.deepInclude(message, { gid: messagekey, content: "hello", contentType: "text", date: Number(TIME) })
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("accepts the six types", () =>
    Effect.gen(function* () {
      const { alice, sendText, engine, conversationid } = yield* fixture
      for (const type of [-1, -2, -3, -4, -5, -6]) yield* sendText(alice, "https://x/y", { type })
      const chat = { id: ChatId(-conversationid - 100_000_000) }
      const reply = yield* engine.perform(alice.caller, { _tag: "ReadHistory", chat })
      assert.deepStrictEqual(
        reply.messages.map(({ contentType }) => contentType),
        ["audio", "location", "file", "video", "image", "text"]
      )
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("GET /message", () => {
  it.effect("lists newest first, with every documented field, in order", () =>
    Effect.gen(function* () {
      const { alice, bob, sendText, list } = yield* fixture
      const first = yield* sendText(alice, "one")
      const second = yield* sendText(bob, "https://x/a.png", { type: -2, time: "1700000000456" })
      assert.strictEqual(
        (yield* list(alice)).text,
        JSON.stringify({
          code: 0,
          msg: "成功",
          data: [
            {
              id: bob.id,
              username: "bob",
              nickname: "bob",
              avatar: "",
              time: "1700000000456",
              messagekey: second.messagekey,
              type: -2,
              content: "https://x/a.png",
              issent: 1,
              ispushed: 0,
              isread: 0
            },
            {
              id: alice.id,
              username: "alice",
              nickname: "alice",
              avatar: "",
              time: TIME,
              messagekey: first.messagekey,
              type: -1,
              content: "one",
              issent: 1,
              ispushed: 0,
              isread: 1
            }
          ]
        })
      )
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("moves the caller's read cursor to the newest listed message, and never back", () =>
    Effect.gen(function* () {
      const { alice, bob, sendText, list, contents } = yield* fixture
      for (const content of ["1", "2", "3"]) yield* sendText(alice, content)
      const read = Effect.map(list(alice), (reply) =>
        dataOf<ReadonlyArray<Listed>>(reply).map(({ content, isread }) => `${content}:${isread}`)
      )
      assert.deepStrictEqual(yield* read, ["3:0", "2:0", "1:0"])
      assert.deepStrictEqual(yield* contents(bob, "&start=1&limit=1"), ["2"])
      assert.deepStrictEqual(yield* read, ["3:0", "2:1", "1:1"])
      yield* contents(bob)
      assert.deepStrictEqual(yield* read, ["3:1", "2:1", "1:1"])
      yield* contents(bob, "&start=2")
      assert.deepStrictEqual(yield* read, ["3:1", "2:1", "1:1"])
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("includes cursors that the embedding API moved", () =>
    Effect.gen(function* () {
      const { alice, bob, sendText, list, engine, conversationid } = yield* fixture
      yield* sendText(alice, "1")
      yield* engine.perform(bob.caller, { _tag: "MarkRead", chat: { id: ChatId(-conversationid - 100_000_000) } })
      assert.strictEqual(dataOf<ReadonlyArray<Listed>>(yield* list(alice))[0]?.isread, 1)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("returns full, contiguous pages despite deleted messages", () =>
    Effect.gen(function* () {
      const { alice, bob, sendText, erase, contents } = yield* fixture
      const keys: Array<string> = []
      for (let n = 1; n <= 30; n++) keys.push((yield* sendText(alice, String(n))).messagekey)
      for (const n of [30, 28, 20, 19, 5]) yield* erase(bob, keys[n - 1]!, 1)
      for (const n of [29, 18, 1]) yield* erase(alice, keys[n - 1]!, 2)
      const forAlice = Array.from({ length: 30 }, (_, n) => 30 - n).filter((n) => ![29, 18, 1].includes(n))
      const forBob = forAlice.filter((n) => ![30, 28, 20, 19, 5].includes(n))
      assert.deepStrictEqual(yield* contents(alice, "&limit=100"), forAlice.map(String))
      assert.deepStrictEqual(yield* contents(bob, "&limit=100"), forBob.map(String))
      assert.deepStrictEqual(yield* contents(bob), forBob.slice(0, 20).map(String))
      const pages: Array<string> = []
      for (let start = 0; start < 30; start += 7) pages.push(...(yield* contents(bob, `&start=${start}&limit=7`)))
      assert.deepStrictEqual(pages, forBob.map(String))
      assert.deepStrictEqual(yield* contents(bob, "&start=22"), [])
      assert.deepStrictEqual(yield* contents(bob, "&start=999999999"), [])
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("returns pages larger than one read", () =>
    Effect.gen(function* () {
      const { alice, engine, conversationid, contents } = yield* fixture
      const chat = { id: ChatId(-conversationid - 100_000_000) }
      for (let batch = 0; batch < 12; batch++) {
        yield* engine.perform(alice.caller, {
          _tag: "SendMessages",
          messages: Array.from({ length: 100 }, (_, index) => ({
            gid: `${batch}-${index}`,
            chat,
            type: "normal",
            contentType: "text",
            content: String(batch * 100 + index)
          }))
        })
      }
      assert.deepStrictEqual(yield* contents(alice, "&start=1100&limit=2"), ["99", "98"])
      assert.deepStrictEqual(yield* contents(alice, "&start=1199"), ["0"])
      assert.deepStrictEqual(yield* contents(alice, "&start=1200"), [])
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("DELETE /message", () => {
  it.effect("hides for the caller or deletes for both, idempotently", () =>
    Effect.gen(function* () {
      const { alice, bob, sendText, erase, contents, engine, conversationid } = yield* fixture
      const one = yield* sendText(alice, "one")
      const two = yield* sendText(alice, "two")
      for (const _ of [1, 2]) {
        assert.strictEqual((yield* erase(bob, one.messagekey, 1)).text, '{"code":0,"msg":"成功","data":null}')
      }
      assert.deepStrictEqual(yield* contents(bob), ["two"])
      assert.deepStrictEqual(yield* contents(alice), ["two", "one"])
      for (const _ of [1, 2]) {
        assert.strictEqual((yield* erase(alice, two.messagekey, 2)).text, '{"code":0,"msg":"成功","data":null}')
      }
      assert.deepStrictEqual(yield* contents(bob), [])
      assert.deepStrictEqual(yield* contents(alice), ["one"])
      const chat = { id: ChatId(-conversationid - 100_000_000) }
      const reply = yield* engine.perform(bob.caller, { _tag: "ReadHistory", chat })
      assert.deepStrictEqual(
        reply.messages.map(({ content, recalled }) => [content, recalled]),
        [["", true]]
      )
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is refused to users other than the sender and to outsiders", () =>
    Effect.gen(function* () {
      const { alice, bob, carol, sendText, erase, engine, contents } = yield* fixture
      const { messagekey } = yield* sendText(alice, "one")
      const byBob = yield* erase(bob, messagekey, 2)
      assert.deepStrictEqual([byBob.status, byBob.json], [403, failure("Only the sender may do this.")])
      for (const type of [1, 2]) {
        const byCarol = yield* erase(carol, messagekey, type)
        assert.deepStrictEqual([byCarol.status, byCarol.json], [404, failure("messagekey: there is no such message.")])
      }
      // Bob may own a group, unlike a direct chat: messages in groups do not belong to this protocol.
      yield* engine.perform(alice.caller, {
        _tag: "SendMessages",
        messages: [{ gid: "in-group", chat: { gid: "group" }, type: "normal", contentType: "text", content: "to all" }]
      })
      for (const type of [1, 2]) assert.strictEqual((yield* erase(alice, "in-group", type)).status, 404)
      assert.deepStrictEqual(yield* contents(bob), ["one"])
    }).pipe(Effect.provide(engineLayer))
  )
})
