/** The protocol as an app sees it. Source: seeds/003; PROTOCOLS, "ha". */
import { assert, describe, it } from "@effect/vitest"
import { Engine } from "@parley/core/Engine"
import { ChatId, UserId } from "@parley/core/Ids"
import { StorageFailed, Store } from "@parley/core/Store"
import { Effect } from "effect"
import { dialect } from "../../src/ha/index.ts"
import { type Answer, asking, engineLayer, engineOver, operate, people, type Person } from "./Stage.ts"

const KEY = "ha-demo"
const TIME = "1700000000123"

const opened = Effect.tap(dialect.open({ settings: {}, tcp: () => undefined }), ({ demo }) => demo)

const headers = ({ token }: Person): Record<string, string> => ({ "X-HA-Key": KEY, "X-HA-Session": token })

interface Sent {
  readonly issent: number
  readonly ispushed: number
  readonly isread: number
  readonly messagekey: string
  readonly id: number
}
interface Listed {
  readonly messagekey: string
  readonly content: string
  readonly ispushed: number
  readonly isread: number
}

const dataOf = <A>({ status, text, json }: Answer): A => {
  assert.strictEqual(status, 200, text)
  return (json as { readonly data: A }).data
}

/** The protocol with alice and bob, who talk, carol, who is no part of it, and a group of all. */
const stage = Effect.gen(function* () {
  const open = yield* opened
  const ask = yield* asking(open)
  const [alice, bob, carol] = yield* people("alice", "bob", "carol")
  if (alice === undefined || bob === undefined || carol === undefined) return yield* Effect.die("no people")
  const engine = yield* Engine
  const group = yield* engine.perform(alice.caller, {
    _tag: "CreateChat",
    gid: "group",
    name: "Group",
    type: "group",
    members: [UserId(bob.id), UserId(carol.id)],
    subject: 0,
    public: false
  })
  const start = (by: Person, to: number) =>
    ask("POST", "/conversation", { headers: headers(by), json: { passiveuser: to, time: TIME } })
  const { conversationid } = dataOf<{ readonly conversationid: number }>(yield* start(alice, bob.id))
  const send = (by: Person, content: string, part: object = {}) =>
    ask("POST", "/message", {
      headers: headers(by),
      json: { conversationid, type: -1, content, time: TIME, ...part }
    })
  const list = (by: Person, query = "") =>
    ask("GET", `/message?conversationid=${conversationid}${query}`, { headers: headers(by) })
  const contents = (by: Person, query?: string) =>
    Effect.map(list(by, query), (answer) => dataOf<ReadonlyArray<Listed>>(answer).map(({ content }) => content))
  const erase = (by: Person, messagekey: string, type: number) =>
    ask("DELETE", "/message", { headers: headers(by), json: { messagekey, type } })
  const told = (by: Person, content: string, part: object = {}) =>
    Effect.map(send(by, content, part), (answer) => dataOf<Sent>(answer))
  return {
    ask,
    engine,
    alice,
    bob,
    carol,
    group,
    conversationid,
    start,
    send,
    told,
    list,
    contents,
    erase,
    commands: open.commands
  }
})

const failure = (error: string) => ({ code: 1, msg: "不成功", data: null, error })

describe("POST /conversation", () => {
  it.effect("answers the pair's one conversation, whoever asks, also when racing", () =>
    Effect.gen(function* () {
      const { alice, bob, carol, start, engine } = yield* stage
      const answers = yield* Effect.forEach(
        Array.from({ length: 30 }, (_, index) => index % 2 === 0),
        (isAlice) => (isAlice ? start(alice, bob.id) : start(bob, alice.id)),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(answers.map(({ text }) => text)).size, 1)
      const id = dataOf<{ readonly conversationid: number }>(answers[0]!).conversationid
      assert.deepStrictEqual(answers[0]?.json, {
        code: 0,
        msg: "成功",
        data: { conversationid: id, match: [String(alice.id), String(bob.id)] }
      })
      assert.isTrue(id <= -100_000_001 && id >= -999_999_999)
      const { reply } = yield* engine.handle(bob.caller, { _tag: "ReadChat", chat: { id: ChatId(-id - 100_000_000) } })
      assert.strictEqual(reply.chat.gid, `${alice.id}&${bob.id}`)
      assert.isNull(reply.chat.owner)
      const racing = yield* Effect.forEach(Array.from({ length: 30 }), () => start(carol, alice.id), {
        concurrency: "unbounded"
      })
      assert.strictEqual(new Set(racing.map(({ text }) => text)).size, 1)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("has its two ids in the order of strings", () =>
    Effect.gen(function* () {
      const { alice, start } = yield* stage
      const more = yield* people(...Array.from({ length: 8 }, (_, index) => `u${index}`))
      const tenth = more.find(({ id }) => id === 10)!
      const answer = yield* start(tenth, alice.id)
      assert.deepStrictEqual(dataOf<{ readonly match: unknown }>(answer).match, ["1", "10"])
      const ninth = more.find(({ id }) => id === 9)!
      assert.deepStrictEqual(dataOf<{ readonly match: unknown }>(yield* start(ninth, 10)).match, ["10", "9"])
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("POST /message", () => {
  it.effect("answers the states, with the message's key, in the documented order", () =>
    Effect.gen(function* () {
      const { alice, send, engine, conversationid } = yield* stage
      const answer = yield* send(alice, "hello")
      const { messagekey, id } = dataOf<Sent>(answer)
      assert.strictEqual(
        answer.text,
        `{"code":0,"msg":"成功","data":{"issent":1,"ispushed":0,"isread":0,"messagekey":"${messagekey}","id":${id}}}`
      )
      const chat = { id: ChatId(-conversationid - 100_000_000) }
      const { reply } = yield* engine.handle(alice.caller, { _tag: "ReadHistory", chat })
      const [message] = reply.messages
      assert.deepInclude(message, { gid: messagekey, content: "hello", contentType: "text", date: Number(TIME) })
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("takes the six types", () =>
    Effect.gen(function* () {
      const { alice, told, engine, conversationid } = yield* stage
      for (const type of [-1, -2, -3, -4, -5, -6]) yield* told(alice, "https://x/y", { type })
      const chat = { id: ChatId(-conversationid - 100_000_000) }
      const { reply } = yield* engine.handle(alice.caller, { _tag: "ReadHistory", chat })
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
      const { alice, bob, told, list } = yield* stage
      const first = yield* told(alice, "one")
      const second = yield* told(bob, "https://x/a.png", { type: -2, time: "1700000000456" })
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
              isread: 0
            }
          ]
        })
      )
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("moves the caller's read place to the newest listed, and never back", () =>
    Effect.gen(function* () {
      const { alice, bob, told, list, contents } = yield* stage
      for (const content of ["1", "2", "3"]) yield* told(alice, content)
      const read = Effect.map(list(alice), (answer) =>
        dataOf<ReadonlyArray<Listed>>(answer).map(({ content, isread }) => `${content}:${isread}`)
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

  it.effect("hears of a place that the embedding API moved", () =>
    Effect.gen(function* () {
      const { alice, bob, told, list, engine, conversationid } = yield* stage
      yield* told(alice, "1")
      yield* engine.perform(bob.caller, { _tag: "MarkRead", chat: { id: ChatId(-conversationid - 100_000_000) } })
      assert.strictEqual(dataOf<ReadonlyArray<Listed>>(yield* list(alice))[0]?.isread, 1)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("has full pages that follow on each other, whatever was deleted in between", () =>
    Effect.gen(function* () {
      const { alice, bob, told, erase, contents } = yield* stage
      const keys: Array<string> = []
      for (let n = 1; n <= 30; n++) keys.push((yield* told(alice, String(n))).messagekey)
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

  it.effect("reaches beyond what is read at once", () =>
    Effect.gen(function* () {
      const { alice, engine, conversationid, contents } = yield* stage
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
  it.effect("hides for oneself, or deletes for both, and twice is once", () =>
    Effect.gen(function* () {
      const { alice, bob, told, erase, contents, engine, conversationid } = yield* stage
      const one = yield* told(alice, "one")
      const two = yield* told(alice, "two")
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
      const { reply } = yield* engine.handle(bob.caller, { _tag: "ReadHistory", chat })
      assert.deepStrictEqual(
        reply.messages.map(({ content, recalled }) => [content, recalled]),
        [["", true]]
      )
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is refused to whoever did not send it, or is no part of it", () =>
    Effect.gen(function* () {
      const { alice, bob, carol, told, erase, engine, contents } = yield* stage
      const { messagekey } = yield* told(alice, "one")
      const byBob = yield* erase(bob, messagekey, 2)
      assert.deepStrictEqual([byBob.status, byBob.json], [403, failure("Only the sender may do this.")])
      for (const type of [1, 2]) {
        const byCarol = yield* erase(carol, messagekey, type)
        assert.deepStrictEqual([byCarol.status, byCarol.json], [404, failure("messagekey: there is no such message.")])
      }
      // Bob owns no pair, but a group he might: what is said there is not this protocol's.
      yield* engine.perform(alice.caller, {
        _tag: "SendMessages",
        messages: [{ gid: "in-group", chat: { gid: "group" }, type: "normal", contentType: "text", content: "to all" }]
      })
      for (const type of [1, 2]) assert.strictEqual((yield* erase(alice, "in-group", type)).status, 404)
      assert.deepStrictEqual(yield* contents(bob), ["one"])
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("who asks", () => {
  it.effect("is told by either spelling of the headers, mixed as one likes", () =>
    Effect.gen(function* () {
      const { ask, alice, conversationid } = yield* stage
      for (const key of ["X-HA-Key", "X-APP-Key", "x-app-key"]) {
        for (const session of ["X-HA-Session", "X-APP-Session", "x-ha-session"]) {
          const given = { [key]: KEY, [session]: alice.token }
          const path = `/message?conversationid=${conversationid}`
          assert.strictEqual((yield* ask("GET", path, { headers: given })).status, 200)
        }
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is refused without a known key or a live session, on every path alike", () =>
    Effect.gen(function* () {
      const { ask, alice } = yield* stage
      const NO_KEY = "X-HA-Key is missing or is no known app's."
      const NO_SESSION = "X-HA-Session is missing or has ended."
      const tables: ReadonlyArray<readonly [Record<string, string>, string]> = [
        [{}, NO_KEY],
        [{ "X-HA-Session": alice.token }, NO_KEY],
        [{ "X-HA-Key": "other", "X-HA-Session": alice.token }, NO_KEY],
        [{ "X-HA-Key": "", "X-HA-Session": alice.token }, NO_KEY],
        [{ "X-HA-Key": KEY }, NO_SESSION],
        [{ "X-HA-Key": KEY, "X-HA-Session": "" }, NO_SESSION],
        [{ "X-HA-Key": KEY, "X-HA-Session": "nonsense" }, NO_SESSION],
        [{ "X-HA-Key": KEY, "X-HA-Session": "x".repeat(5000) }, NO_SESSION]
      ]
      for (const [given, error] of tables) {
        for (const [method, path] of [
          ["POST", "/conversation"],
          ["POST", "/message"],
          ["GET", "/message"],
          ["DELETE", "/message"]
        ] as const) {
          const answer = yield* ask(method, path, { headers: given, ...(method !== "GET" && { body: "{" }) })
          assert.deepStrictEqual([answer.status, answer.json], [401, failure(error)])
        }
      }
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("bad input", () => {
  it.effect("is answered in the envelope, naming the field, and stores nothing", () =>
    Effect.gen(function* () {
      const { ask, alice, bob, carol, group, conversationid: id, told, engine } = yield* stage
      const { messagekey } = yield* told(alice, "kept")
      const conversation = { passiveuser: bob.id, time: TIME }
      const message = { conversationid: id, type: -1, content: "x", time: TIME }
      const deletion = { messagekey, type: 1 }
      const groupId = -100_000_000 - group.chat.id
      const NO_SUCH = "conversationid: there is no such conversation."
      const NINE = "conversationid must be negative, with nine digits."
      const DIGITS = "time must be milliseconds since 1970, in digits."
      type Row = readonly [path: string, body: object, status: number, error: string]
      const without = (body: object, name: string): object =>
        Object.fromEntries(Object.entries(body).filter(([key]) => key !== name))
      const posts: ReadonlyArray<Row> = [
        ["/conversation", without(conversation, "passiveuser"), 400, "passiveuser is missing."],
        ["/conversation", { ...conversation, passiveuser: "2" }, 400, "passiveuser must be an integer."],
        ["/conversation", { ...conversation, passiveuser: null }, 400, "passiveuser must be an integer."],
        ["/conversation", { ...conversation, passiveuser: 1.5 }, 400, "passiveuser must be an integer."],
        ["/conversation", { ...conversation, passiveuser: 1e300 }, 400, "passiveuser must be an integer."],
        ["/conversation", { ...conversation, passiveuser: 0 }, 404, "passiveuser: there is no such user."],
        ["/conversation", { ...conversation, passiveuser: -3 }, 404, "passiveuser: there is no such user."],
        ["/conversation", { ...conversation, passiveuser: 999 }, 404, "passiveuser: there is no such user."],
        ["/conversation", { ...conversation, passiveuser: alice.id }, 400, "passiveuser must be somebody else."],
        ["/conversation", without(conversation, "time"), 400, "time is missing."],
        ["/conversation", { ...conversation, time: 1700000000123 }, 400, "time must be a string."],
        ["/conversation", { ...conversation, time: "now" }, 400, DIGITS],
        ["/conversation", { ...conversation, time: "" }, 400, DIGITS],
        ["/message", without(message, "conversationid"), 400, "conversationid is missing."],
        ["/message", { ...message, conversationid: String(id) }, 400, "conversationid must be an integer."],
        ["/message", { ...message, conversationid: -id }, 400, NINE],
        ["/message", { ...message, conversationid: -5 }, 400, NINE],
        ["/message", { ...message, conversationid: -999_999_999 }, 404, NO_SUCH],
        ["/message", { ...message, conversationid: groupId }, 404, NO_SUCH],
        ["/message", without(message, "type"), 400, "type is missing."],
        ["/message", { ...message, type: "-1" }, 400, "type must be an integer."],
        ["/message", { ...message, type: 0 }, 400, "type must be an integer from -6 to -1."],
        ["/message", { ...message, type: -7 }, 400, "type must be an integer from -6 to -1."],
        ["/message", without(message, "content"), 400, "content is missing."],
        ["/message", { ...message, content: 5 }, 400, "content must be a string."],
        ["/message", { ...message, content: { url: "x" } }, 400, "content must be a string."],
        ["/message", { ...message, content: "" }, 400, "content must not be empty."],
        ["/message", { ...message, content: "\ud800" }, 400, "content must be well-formed Unicode."],
        ["/message", { ...message, content: "x".repeat(65_537) }, 400, "content must have at most 65536 bytes."],
        ["/message", without(message, "time"), 400, "time is missing."],
        ["/message", { ...message, time: "-1" }, 400, DIGITS],
        ["/message", { ...message, time: "9999999999999999" }, 400, DIGITS]
      ]
      const deletions: ReadonlyArray<Row> = [
        ["/message", without(deletion, "messagekey"), 400, "messagekey is missing."],
        ["/message", { ...deletion, messagekey: 5 }, 400, "messagekey must be a string."],
        ["/message", { ...deletion, messagekey: "unknown" }, 404, "messagekey: there is no such message."],
        ["/message", { ...deletion, messagekey: "" }, 404, "messagekey: there is no such message."],
        ["/message", without(deletion, "type"), 400, "type is missing."],
        ["/message", { ...deletion, type: "1" }, 400, "type must be an integer."],
        ["/message", { ...deletion, type: 3 }, 400, "type must be 1 or 2."]
      ]
      const gets: ReadonlyArray<readonly [query: string, status: number, error: string]> = [
        ["", 400, "conversationid is missing."],
        ["?conversationid=", 400, "conversationid must be an integer."],
        ["?conversationid=x", 400, "conversationid must be an integer."],
        ["?conversationid=-5", 400, NINE],
        [`?conversationid=${groupId}`, 404, NO_SUCH],
        ["?conversationid=-999999999", 404, NO_SUCH],
        [`?conversationid=${id}&start=-1`, 400, "start must be an integer from 0."],
        [`?conversationid=${id}&start=x`, 400, "start must be an integer."],
        [`?conversationid=${id}&start=1.5`, 400, "start must be an integer."],
        [`?conversationid=${id}&limit=0`, 400, "limit must be an integer from 1 to 100."],
        [`?conversationid=${id}&limit=101`, 400, "limit must be an integer from 1 to 100."],
        [`?conversationid=${id}&limit=`, 400, "limit must be an integer."],
        [`?conversationid=${id}&limit=99999999999999999999`, 400, "limit must be an integer."]
      ]
      const before = yield* engine.handle(alice.caller, { _tag: "ListChats" })
      const check = (what: unknown, answer: Answer, status: number, error: string) =>
        assert.deepStrictEqual([answer.status, answer.json], [status, failure(error)], JSON.stringify(what))
      for (const row of posts) {
        const [path, body, status, error] = row
        check(row, yield* ask("POST", path, { headers: headers(alice), json: body }), status, error)
      }
      for (const row of deletions) {
        const [path, body, status, error] = row
        check(row, yield* ask("DELETE", path, { headers: headers(alice), json: body }), status, error)
      }
      for (const row of gets) {
        const [query, status, error] = row
        check(row, yield* ask("GET", `/message${query}`, { headers: headers(alice) }), status, error)
      }
      // A foreign conversation is none.
      for (const [method, path, json] of [
        ["POST", "/message", message],
        ["GET", `/message?conversationid=${id}`, undefined]
      ] as const) {
        const answer = yield* ask(method, path, { headers: headers(carol), ...(json && { json }) })
        check([method, path], answer, 404, NO_SUCH)
      }
      assert.deepStrictEqual(yield* engine.handle(alice.caller, { _tag: "ListChats" }), before)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is refused where a body is no JSON object, or too large, or the method is another", () =>
    Effect.gen(function* () {
      const { ask, alice } = yield* stage
      for (const [method, path] of [
        ["POST", "/conversation"],
        ["POST", "/message"],
        ["DELETE", "/message"]
      ] as const) {
        const sent = (body: string, more: Record<string, string> = {}) =>
          ask(method, path, { headers: { ...headers(alice), ...more }, body })
        assert.deepStrictEqual((yield* sent("{")).json, failure("The body is not JSON."))
        for (const body of ["[]", "null", "5", '"x"', "[{}]"]) {
          const answer = yield* sent(body)
          assert.deepStrictEqual([answer.status, answer.json], [400, failure("The body must be a JSON object.")])
        }
        const form = yield* sent("a=1", { "content-type": "application/x-www-form-urlencoded" })
        assert.deepStrictEqual(
          [form.status, form.json],
          [400, failure("The body must be JSON, and Content-Type application/json.")]
        )
        const large = yield* sent(`{"x":"${"x".repeat(1_100_000)}"}`)
        assert.deepStrictEqual([large.status, large.json], [413, failure("The body is too large.")])
        assert.strictEqual((yield* sent("")).status, 400)
      }
      for (const [method, path, allow] of [
        ["GET", "/conversation", "POST"],
        ["DELETE", "/conversation", "POST"],
        ["PUT", "/message", "GET, POST, DELETE"],
        ["PATCH", "/message", "GET, POST, DELETE"]
      ] as const) {
        const answer = yield* ask(method, path)
        assert.deepStrictEqual(
          [answer.status, answer.allow, answer.json],
          [405, allow, failure(`${path} takes ${allow}.`)]
        )
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("ignores fields that it does not know", () =>
    Effect.gen(function* () {
      const { alice, told } = yield* stage
      assert.strictEqual((yield* told(alice, "x", { sender: 99, extra: { a: [] } })).issent, 1)
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("when the server is in trouble", () => {
  const failing = new StorageFailed({ operation: "test", cause: "the disk is gone" })
  let isBroken = false
  const broken = engineOver((store) => ({
    commit: (unit) => (isBroken ? Effect.fail(failing) : store.commit(unit)),
    history: (chat, page) => (isBroken ? Effect.fail(failing) : store.history(chat, page)),
    messagesByGid: (gids) => (isBroken ? Effect.die(new Error("a mistake")) : store.messagesByGid(gids))
  }))

  it.effect("its envelope says so", () =>
    Effect.gen(function* () {
      const { alice, send, told, list, erase } = yield* stage
      yield* told(alice, "before")
      isBroken = true
      const unavailable = [503, failure("The storage does not answer.")]
      const sent = yield* send(alice, "x")
      assert.deepStrictEqual([sent.status, sent.json], unavailable)
      const listed = yield* list(alice)
      assert.deepStrictEqual([listed.status, listed.json], unavailable)
      const erased = yield* erase(alice, "x", 1)
      assert.deepStrictEqual([erased.status, erased.json], [500, failure("The server made a mistake; it was logged.")])
    }).pipe(Effect.ensuring(Effect.sync(() => (isBroken = false))), Effect.provide(broken))
  )
})

describe("the operator's commands", () => {
  it.effect("let apps in and lock them out, at once", () =>
    Effect.gen(function* () {
      const { ask, alice, conversationid, commands } = yield* stage
      const with_ = (key: string) =>
        Effect.map(
          ask("GET", `/message?conversationid=${conversationid}`, {
            headers: { "X-HA-Key": key, "X-HA-Session": alice.token }
          }),
          ({ status }) => status
        )
      assert.strictEqual(yield* with_("mine"), 401)
      assert.strictEqual(yield* operate(commands, "ha-key add", { key: "mine" }), "added key mine")
      assert.strictEqual(yield* with_("mine"), 200)
      assert.strictEqual(yield* operate(commands, "ha-key add", { key: "mine" }), "no: key mine exists already")
      assert.match(yield* operate(commands, "ha-key add", { key: "a b" }), /^no: the key must be/)
      assert.strictEqual(yield* operate(commands, "ha-key list"), "ha-demo\nmine")
      assert.strictEqual(yield* operate(commands, "ha-key remove", { key: "mine" }), "removed key mine")
      assert.strictEqual(yield* with_("mine"), 401)
      assert.strictEqual(yield* operate(commands, "ha-key remove", { key: "mine" }), "no: there is no key mine")
      const store = yield* Store
      assert.deepStrictEqual(
        (yield* store.records("ha", "key")).map(({ key }) => key),
        ["ha-demo"]
      )
    }).pipe(Effect.provide(engineLayer))
  )
})
