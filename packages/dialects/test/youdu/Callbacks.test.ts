/** The callback: packets, signatures, retries by the clock, order, and changes by the operator. Source: PROTOCOLS, "youdu". */
import { assert, describe, it } from "@effect/vitest"
import { Engine } from "@parley/core/Engine"
import { HttpPost, PostFailed, type PostRequest, type PostResponse } from "@parley/core/HttpPost"
import { Store } from "@parley/core/Store"
import { ensureSystemChat } from "@parley/core/SystemChat"
import { Users } from "@parley/core/Users"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { createHash } from "node:crypto"
import { addUsers, clientOf, engineLayer, operate, type TestUser } from "../ha/harness.ts"
import { dialect } from "../../src/youdu/index.ts"
import { open, seal } from "./Envelope.ts"

const KEY = Buffer.alloc(32, 7).toString("base64")
const URL_OF = "http://receiver.example/youdu?tenant=1"
const TOKEN = "callback-token"
const APP = { buin: 7, "app-id": "mine" }
const ADDED = { ...APP, key: KEY, org: 1 }

interface Packet {
  readonly fromUser: string
  readonly createTime: number
  readonly packageId: string
  readonly msgType: string
  readonly sessionId?: string
  readonly text?: { readonly content: string }
  readonly [body: string]: unknown
}

interface Sealed {
  readonly errcode: number
  readonly encrypt: string
}

interface Attempt {
  /** Seconds by the test clock. */
  readonly at: number
  readonly url: string
  readonly packet: Packet
}

type Answer = Effect.Effect<PostResponse, PostFailed>

const accept = (packet: Packet): Answer => Effect.succeed({ status: 200, body: packet.packageId })

const turn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

/** Lets the clock run until the condition holds. The cipher works outside of it, so that both take turns. */
const until = Effect.fnUntraced(function* (isDone: () => boolean) {
  for (let turns = 0; turns < 5000 && !isDone(); turns++) {
    yield* TestClock.adjust(100)
    yield* turn
  }
  assert.isTrue(isDone())
})

/** Lets the clock run for a while in which nothing should happen. */
const idle = Effect.fnUntraced(function* () {
  for (let turns = 0; turns < 50; turns++) {
    yield* TestClock.adjust("1 minute")
    yield* turn
  }
})

/** A receiver in place of the network; `answer` decides. Each request's signature is checked as the SDKs do. */
const receiverOf = (key: string = KEY) => {
  const attempts: Array<Attempt> = []
  let answer: (packet: Packet, url: string) => Answer = accept
  const post = Effect.fnUntraced(function* ({ url, body, contentType, timeout }: PostRequest) {
    const { toBuin, toApp, encrypt } = JSON.parse(body) as Record<string, string | number>
    const query = new URL(url).searchParams
    const parts = [TOKEN, query.get("timestamp") ?? "", query.get("nonce") ?? "", String(encrypt)].toSorted()
    assert.strictEqual(query.get("msg_signature"), createHash("sha1").update(parts.join("")).digest("hex"))
    assert.deepStrictEqual([toBuin, contentType, timeout], [7, "application/json", 10_000])
    const at = (yield* Clock.currentTimeMillis) / 1000
    assert.match(query.get("timestamp") ?? "", /^[0-9]+$/)
    assert.isAtMost(Number(query.get("timestamp")), at)
    assert.match(query.get("nonce") ?? "", /^[0-9a-f]{16}$/)
    const { text, appId } = open(String(encrypt), key)
    assert.strictEqual(appId, toApp)
    const packet = JSON.parse(text) as Packet
    attempts.push({ at, url: url.split("&msg_signature")[0] ?? "", packet })
    return yield* answer(packet, url)
  })
  return {
    attempts,
    post,
    answer: (next: typeof answer) => {
      answer = next
    },
    texts: () => attempts.map(({ packet }) => packet.text?.content),
    /** Waits for this many attempts in total. */
    reached: (count: number) => until(() => attempts.length >= count)
  }
}

const fixture = Effect.gen(function* () {
  const receiver = receiverOf()
  const settings = { "youdu.callbackRetry": 8 }
  const start = Effect.gen(function* () {
    const opened = yield* Effect.provideService(
      dialect.open({ settings, tcp: () => undefined }),
      HttpPost,
      receiver.post
    )
    const fiber = yield* Effect.forkScoped(opened.background ?? Effect.void)
    return { ...opened, fiber }
  })
  const opened = yield* start
  const [alice, bob] = yield* addUsers({ account: "alice", organisation: 1 }, { account: "bob", organisation: 1 })
  assert(alice && bob)
  const { perform } = yield* Engine
  let gids = 0
  /** Sends to the app's user in their direct chat. */
  const say = Effect.fnUntraced(function* (
    { caller }: TestUser,
    content: string,
    contentType = "text",
    account = "yd-7-mine"
  ) {
    const app = yield* (yield* Users).byAccount(account)
    assert(app)
    const members = [caller.user, app.id]
    const direct = { _tag: "CreateChat", gid: "", name: "", type: "one2one", subject: 0, public: false } as const
    const { chat } = yield* perform(caller, { ...direct, members })
    const gid = `g${++gids}`
    yield* perform(caller, { _tag: "SendMessages", messages: [{ gid, chat, type: "normal", contentType, content }] })
    return { gid, chat, app }
  })
  const run = (words: string, inputs: Record<string, string | number> = {}) =>
    operate(opened.commands, `youdu-app ${words}`, inputs)
  const call = yield* clientOf(opened)
  return { receiver, start, opened, alice, bob, say, run, call }
})

const WITH_CALLBACK = { ...ADDED, callback: URL_OF, "callback-token": TOKEN }

describe("the callback", () => {
  it.effect("gets each message that a user sends to the app, once and in order", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_700_000_000_500)
      const { receiver, alice, bob, say, run } = yield* fixture
      const added = yield* run("add", WITH_CALLBACK)
      assert.strictEqual(added, "added app 7/mine of organisation 1, with the user yd-7-mine")
      yield* say(alice, "one")
      yield* say(bob, "two")
      yield* say(alice, "three")
      yield* receiver.reached(3)
      assert.deepStrictEqual(receiver.texts(), ["one", "two", "three"])
      const [first] = receiver.attempts
      assert(first)
      assert.strictEqual(first.url, URL_OF)
      const { packageId, ...packet } = first.packet
      assert.deepStrictEqual(packet, {
        fromUser: "alice",
        createTime: 1_700_000_000,
        msgType: "text",
        text: { content: "one" }
      })
      assert.match(packageId, /^[1-9][0-9]*$/)
      assert.lengthOf(new Set(receiver.attempts.map((one) => one.packet.packageId)), 3)
      yield* idle()
      assert.lengthOf(receiver.attempts, 3)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("has media with the file's id, groups with their session, and nothing else", () =>
    Effect.gen(function* () {
      yield* ensureSystemChat
      const { receiver, alice, say, run, call } = yield* fixture
      const { perform } = yield* Engine
      yield* run("add", WITH_CALLBACK)
      const { chat, app, gid } = yield* say(alice, "regretted")
      yield* receiver.reached(1)
      yield* idle()
      receiver.attempts.length = 0
      yield* perform(alice.caller, { _tag: "RecallMessage", gid })
      const [file] = yield* perform(alice.caller, {
        _tag: "AddFiles",
        chat,
        files: [{ title: "a.pdf", size: 9, blob: "b" }]
      })
      const content = JSON.stringify({ id: file?.id, name: "sent as", url: "x" })
      for (const type of ["image", "file", "audio", "video"]) yield* say(alice, content, type)
      yield* say(alice, "https://example.org/x.png", "image")
      yield* say(alice, JSON.stringify({ id: 99, url: "https://example.org/y.png" }), "image")
      yield* say(alice, "59.9,30.3", "location")
      const group = { _tag: "CreateChat", gid: "team", name: "Team", type: "group", subject: 0, public: false } as const
      yield* perform(alice.caller, { ...group, members: [app.id] })
      const store = yield* Store
      const [system] = yield* store.chats(yield* store.systemChats)
      for (const [to, text] of [
        [{ gid: system?.chat.gid ?? "" }, "to everybody"],
        [{ gid: "team" }, "to the team"]
      ] as const) {
        yield* perform(alice.caller, {
          _tag: "SendMessages",
          messages: [{ gid: text, chat: to, type: "normal", contentType: "text", content: text }]
        })
      }
      // Messages of the app itself are not sent to it.
      const [root] = yield* addUsers({ account: "root", admin: true })
      const sent = yield* call("POST", `/cgi/msg/send?accessToken=${root?.token ?? ""}`, {
        json: { buin: 7, appId: "mine", toUser: "alice", msgType: "text", text: { content: "from the app" } }
      })
      assert.deepInclude(sent.json as object, { errcode: 0 })
      yield* receiver.reached(8)
      yield* idle()
      const media = { media_id: String(file?.id), name: "a.pdf", size: 9 }
      assert.deepStrictEqual(
        receiver.attempts.map(({ packet: { sessionId, msgType, ...rest } }): Readonly<Record<string, unknown>> => ({
          ...(sessionId !== undefined && { sessionId }),
          msgType,
          [msgType]: rest[msgType]
        })),
        [
          { msgType: "image", image: media },
          { msgType: "file", file: media },
          { msgType: "audio", audio: media },
          { msgType: "file", file: media },
          { msgType: "text", text: { content: "https://example.org/x.png" } },
          { msgType: "text", text: { content: "https://example.org/y.png" } },
          { msgType: "text", text: { content: "59.9,30.3" } },
          { sessionId: "team", msgType: "text", text: { content: "to the team" } }
        ]
      )
      // The app can read the file, and others of its organisation cannot.
      yield* run("add", { ...ADDED, "app-id": "other" })
      const search = Effect.fnUntraced(function* (appId: string) {
        const sealed = (content: string) => ({ buin: 7, appId, encrypt: seal(content, KEY, appId) })
        const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
        const issued = yield* call("POST", "/cgi/gettoken", { json: sealed(String(now)) })
        const { accessToken } = JSON.parse(open((issued.json as Sealed).encrypt, KEY).text) as Record<string, string>
        const path = `/cgi/media/search?accessToken=${encodeURIComponent(accessToken ?? "")}`
        const found = yield* call("POST", path, { json: sealed(JSON.stringify({ mediaId: media.media_id })) })
        const { errcode, encrypt } = found.json as Sealed
        return errcode === 0 ? open(encrypt, KEY).text : errcode
      })
      assert.strictEqual(yield* search("mine"), '{"name":"a.pdf","size":9}')
      assert.strictEqual(yield* search("other"), 404)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is called again with increasing delays until it accepts, and the order stays", () =>
    Effect.gen(function* () {
      const { receiver, alice, bob, say, run } = yield* fixture
      yield* run("add", WITH_CALLBACK)
      const problems: ReadonlyArray<readonly [(packet: Packet) => Answer, string]> = [
        [({ packageId }) => Effect.succeed({ status: 500, body: packageId }), "responded with status 500"],
        [({ packageId }) => Effect.succeed({ status: 302, body: packageId }), "responded with status 302"],
        [() => Effect.succeed({ status: 200, body: "" }), "did not respond with the packet's id"],
        [() => Effect.succeed({ status: 200, body: "<html>" }), "did not respond with the packet's id"],
        [
          ({ packageId }) => Effect.succeed({ status: 200, body: `${packageId}0` }),
          "did not respond with the packet's id"
        ],
        [() => Effect.fail(new PostFailed({ problem: "was not reached: refused" })), "was not reached: refused"]
      ]
      yield* say(alice, "one")
      yield* say(bob, "two")
      for (const [answer, problem] of problems) {
        receiver.answer(answer)
        yield* receiver.reached(receiver.attempts.length + 2)
        yield* turn
        const listed = yield* run("list")
        assert.match(listed, /^7\/mine 1 http:\S+ failing since \S+, \d+ attempts: /)
        assert.isTrue(listed.endsWith(problem), `${listed} does not end with ${problem}`)
      }
      assert.deepStrictEqual(new Set(receiver.texts()), new Set(["one"]))
      assert.lengthOf(new Set(receiver.attempts.map(({ packet }) => packet.packageId)), 1)
      // The pauses grow to the maximum of the setting, of which at least half is waited.
      const pauses = receiver.attempts.slice(1).map(({ at }, index) => at - (receiver.attempts[index]?.at ?? 0))
      for (const pause of pauses.slice(3)) assert.isAtLeast(pause, 4)
      const before = receiver.attempts.length
      // The official Java SDK answers so.
      receiver.answer(() => Effect.succeed({ status: 200, body: "ok" }))
      yield* receiver.reached(before + 2)
      assert.deepStrictEqual(receiver.texts().slice(before), ["one", "two"])
      yield* idle()
      assert.strictEqual(yield* run("list"), `7/mine 1 ${URL_OF}`)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("continues after a restart where it was, and keeps messages while there is no callback", () =>
    Effect.gen(function* () {
      const { receiver, start, opened, alice, say, run } = yield* fixture
      yield* run("add", ADDED)
      yield* say(alice, "before there was one")
      yield* idle()
      assert.lengthOf(receiver.attempts, 0)
      yield* run("set-callback", { ...APP, callback: URL_OF, "callback-token": TOKEN })
      yield* receiver.reached(1)
      assert.deepStrictEqual(receiver.texts(), ["before there was one"])
      yield* idle()
      assert.strictEqual(yield* run("remove-callback", APP), "app 7/mine has no callback any more")
      yield* say(alice, "meanwhile")
      yield* idle()
      assert.lengthOf(receiver.attempts, 1)
      const moved = "https://elsewhere.example/"
      yield* run("set-callback", { ...APP, callback: moved, "callback-token": TOKEN })
      yield* receiver.reached(2)
      assert.strictEqual(receiver.texts()[1], "meanwhile")
      assert.isTrue(receiver.attempts[1]?.url.startsWith(moved))
      yield* idle()
      yield* Fiber.interrupt(opened.fiber)
      yield* say(alice, "while stopped")
      yield* start
      yield* receiver.reached(3)
      yield* idle()
      assert.deepStrictEqual(receiver.texts().slice(2), ["while stopped"])
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("a callback that hangs does not delay another app's", () =>
    Effect.gen(function* () {
      const { receiver, alice, say, run } = yield* fixture
      receiver.answer((packet, url) => (url.startsWith("http://hangs") ? Effect.never : accept(packet)))
      yield* run("add", { ...WITH_CALLBACK, callback: "http://hangs.example/" })
      yield* run("add", { ...WITH_CALLBACK, "app-id": "other" })
      yield* say(alice, "waits")
      yield* receiver.reached(1)
      for (const text of ["a", "b"]) yield* say(alice, text, "text", "yd-7-other")
      yield* receiver.reached(3)
      assert.deepStrictEqual(receiver.texts(), ["waits", "a", "b"])
      // A change of the URL ends the attempt.
      yield* run("set-callback", { ...APP, callback: URL_OF, "callback-token": TOKEN })
      yield* receiver.reached(4)
      assert.deepStrictEqual(
        receiver.attempts.slice(3).map(({ url, packet }) => [url, packet.text?.content]),
        [[URL_OF, "waits"]]
      )
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("the operator's commands refuse bad callbacks; a removed app's user is disabled", () =>
    Effect.gen(function* () {
      const { run, receiver, alice, say } = yield* fixture
      const users = yield* Users
      const url =
        "no: callback must be an http or https URL of at most 2048 characters, without user, password and fragment"
      const token = "no: callback-token must have 1 to 128 visible ASCII characters"
      for (const [callback, secret, problem] of [
        ["", TOKEN, url],
        ["ftp://a.example", TOKEN, url],
        ["http://", TOKEN, url],
        ["http://user:secret@a.example", TOKEN, url],
        ["http://a.example/#b", TOKEN, url],
        ["http://a.example/ b", TOKEN, url],
        ["http://例子.example/", TOKEN, url],
        [`http://a.example/${"x".repeat(2048)}`, TOKEN, url],
        [URL_OF, "", token],
        [URL_OF, "a b", token],
        [URL_OF, "x".repeat(129), token]
      ] as const) {
        const inputs = { ...ADDED, callback, "callback-token": secret }
        assert.strictEqual(yield* run("add", inputs), problem, callback)
        assert.strictEqual(yield* run("set-callback", { ...inputs, ...APP }), "no: there is no app 7/mine")
      }
      assert.strictEqual(yield* run("add", { ...ADDED, callback: URL_OF }), token)
      assert.strictEqual(yield* run("list"), "")
      yield* run("add", ADDED)
      assert.strictEqual(yield* run("remove-callback", APP), "no: app 7/mine has no callback")
      assert.strictEqual(yield* run("set-callback", { ...APP, callback: "x", "callback-token": TOKEN }), url)
      yield* run("set-callback", { ...APP, callback: URL_OF, "callback-token": TOKEN })
      yield* run("remove", APP)
      assert.isTrue((yield* users.byAccount("yd-7-mine"))?.disabled)
      yield* say(alice, "to a removed app")
      yield* idle()
      assert.lengthOf(receiver.attempts, 0)
      yield* run("add", WITH_CALLBACK)
      assert.isFalse((yield* users.byAccount("yd-7-mine"))?.disabled)
      yield* receiver.reached(1)
      assert.deepStrictEqual(receiver.texts(), ["to a removed app"])
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("an app whose id is not valid in an account has a user with a hash in its account", () =>
    Effect.gen(function* () {
      const { run } = yield* fixture
      const added = yield* run("add", { ...ADDED, "app-id": "应用 1/a" })
      assert.match(added, /^added app 7\/应用 1\/a of organisation 1, with the user yd-7-[0-9a-f]{16}$/)
    }).pipe(Effect.provide(engineLayer))
  )
})
