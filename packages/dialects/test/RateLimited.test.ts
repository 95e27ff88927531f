/** Users over their rate limit are refused in each protocol's own shape, across all connections and protocols. */
import { assert, describe, it } from "@effect/vitest"
import { Credentials } from "@parley/core/Credentials"
import { Engine } from "@parley/core/Engine"
import type { UserId } from "@parley/core/Ids"
import { Sessions } from "@parley/core/Sessions"
import { defaultSettings, Settings } from "@parley/core/Settings"
import { Users } from "@parley/core/Users"
import { Effect } from "effect"
import { newGid, webSocket } from "../../server/test/clients.ts"
import { engine, served } from "./serveDialect.ts"

const fixture = Effect.gen(function* () {
  const users = yield* Users
  const sessions = yield* Sessions
  const [alice, bob, carol] = yield* users.add([
    { account: "alice", admin: true },
    { account: "bob" },
    { account: "carol" }
  ])
  if (!alice || !bob || !carol) return yield* Effect.die("no people")
  const { token } = yield* sessions.issue(alice.id, "token")
  const { limits } = yield* Engine
  return {
    ...(yield* served),
    alice,
    bob,
    carol,
    token,
    login: (id: UserId) => Effect.flatMap(Credentials, (credentials) => credentials.mint(id)),
    /** For the next 90 seconds. */
    exhaust: (id: UserId) => limits.owe(id, defaultSettings.costBurst + 90 * defaultSettings.costPerSecond)
  }
})

const running = <A, E, R>(test: Effect.Effect<A, E, R>) => test.pipe(Effect.scoped, Effect.provide(engine))

const WAIT = /(\d+) seconds/
const waitIn = (text: string | undefined): number => Number(WAIT.exec(text ?? "")?.[1])

describe("a user over the rate limit", () => {
  it.live("is refused by xuanxuan; other users are not", () =>
    running(
      Effect.gen(function* () {
        const { http, alice, bob, login, exhaust, token } = yield* fixture
        const [client, other] = [yield* webSocket(http), yield* webSocket(http)]
        yield* client.get("login", { account: "alice", password: yield* login(alice.id) })
        yield* other.get("login", { account: "bob", password: yield* login(bob.id) })
        const gid = newGid()
        yield* client.get("create", { gid, name: "Group", type: "group", members: [{ id: bob.id }] })
        exhaust(alice.id)
        for (const [method, params] of [
          ["message", [{ gid: newGid(), cgid: gid, content: "too much" }]],
          ["history", { gid }],
          ["userGetList", undefined],
          ["nonsense", undefined]
        ] as const) {
          const refused = yield* client.ask(method, params)
          assert.strictEqual(refused.result, "fail")
          assert.isAtLeast(waitIn(refused.message), 60)
          assert.isAtMost(waitIn(refused.message), 91)
        }
        yield* other.say(gid, "not too much")
        yield* client.untilMessage("not too much")
        // A refused acknowledgement is reported as refused.
        client.acknowledge(client.packets)
        yield* client.until("a refusal", () => client.answers.at(-1)?.method === "message")
        assert.strictEqual(client.answers.at(-1)?.result, "fail")
        const response = yield* Effect.promise(() => fetch(`${http}/attach-download-1.json?sid=${token}`))
        assert.strictEqual(response.status, 429)
        assert.isAtLeast(Number(response.headers.get("retry-after")), 60)
        // Until then the session cannot be resumed elsewhere, but can be ended.
        const third = yield* webSocket(http)
        third.take(client.sid())
        assert.isAtLeast(waitIn((yield* third.ask("ping")).message), 60)
        yield* client.get("logout")
      })
    )
  )

  it.live("is refused by the protocols over HTTP, with 429 and Retry-After if they use statuses", () =>
    running(
      Effect.gen(function* () {
        const { http, alice, bob, exhaust, token } = yield* fixture
        const fetchJson = (
          method: string,
          path: string,
          headers: Readonly<Record<string, string>> = {},
          body?: unknown
        ) =>
          Effect.promise(async () => {
            const response = await fetch(`${http}${path}`, {
              method,
              headers: { "content-type": "application/json", ...headers },
              ...(body !== undefined && { body: JSON.stringify(body) })
            })
            const json = (await response.json()) as Readonly<Record<string, unknown>>
            return { status: response.status, wait: Number(response.headers.get("retry-after")), json }
          })
        exhaust(alice.id)
        const spark = yield* fetchJson("POST", `/session/start?token=${token}`, {}, { To: ["bob"] })
        assert.strictEqual(spark.status, 429)
        assert.isAtLeast(spark.wait, 60)
        assert.include(spark.json, { success: false, error: "rate_limited" })
        const ha = yield* fetchJson(
          "POST",
          "/conversation",
          { "x-ha-key": "ha-demo", "x-ha-session": token },
          { passiveuser: bob.id, time: "1700000000123" }
        )
        assert.strictEqual(ha.status, 429)
        assert.isAtLeast(ha.wait, 60)
        assert.include(ha.json, { code: 1, msg: "不成功", data: null })
        const hisihi = yield* fetchJson("GET", "/im/org/2/contacts", { authorization: `Bearer ${token}` })
        assert.strictEqual(hisihi.status, 429)
        assert.isAtLeast(hisihi.wait, 60)
        assert.include(hisihi.json, { error: "too_many_requests" })
        const youdu = yield* fetchJson("GET", `/cgi/session/get?accessToken=${token}&sessionId=x`)
        assert.strictEqual(youdu.status, 200)
        assert.include(youdu.json, { errcode: 429 })
        assert.isAtLeast(youdu.wait, 60)
        assert.isAtLeast(waitIn(String(youdu.json["errmsg"])), 60)
      })
    )
  )

  it.live("is stopped by the cost of lists, in one frame or in many", () =>
    running(
      Effect.gen(function* () {
        const { http, alice, login } = yield* fixture
        const client = yield* webSocket(http)
        yield* client.get("login", { account: "alice", password: yield* login(alice.id) })
        yield* client.until("the list of chats", () => client.pushes("getlist").length > 0)
        const before = client.answers.length
        const request = { module: "chat", method: "userGetList", sid: client.sid() }
        client.send(Array.from({ length: 300 }, () => request))
        yield* client.until("all answers", () => client.answers.length === before + 300)
        const results = client.answers.slice(before).map(({ result }) => result)
        const done = results.filter((result) => result === "success").length
        // 1 for the request and 0.1 for each of three users; the login costs the same.
        assert.isAtLeast(done, 100)
        assert.isAtMost(done, 160)
        assert.deepStrictEqual(
          results,
          Array.from({ length: 300 }, (_, index) => (index < done ? "success" : "fail"))
        )
      })
    ).pipe(Effect.provideService(Settings, { ...defaultSettings, costPerSecond: 1, costBurst: 200 }))
  )

  it.live("is not limited through the embedding API", () =>
    running(
      Effect.gen(function* () {
        const { alice, exhaust } = yield* fixture
        exhaust(alice.id)
        const { perform } = yield* Engine
        assert.lengthOf(yield* perform({ user: alice.id, device: null }, { _tag: "ListUsers" }), 3)
      })
    )
  )
})

describe("a user over the limit of messages", () => {
  const few = { ...defaultSettings, messagesPerSecond: 1, messageBurst: 5 }

  it.live("is told when to send again, by every protocol with messages; other requests go on", () =>
    running(
      Effect.gen(function* () {
        const { http, alice, bob, login, token } = yield* fixture
        const [client, other] = [yield* webSocket(http), yield* webSocket(http)]
        yield* client.get("login", { account: "alice", password: yield* login(alice.id) })
        yield* other.get("login", { account: "bob", password: yield* login(bob.id) })
        const cgid = newGid()
        yield* client.get("create", { gid: cgid, name: "Group", type: "group", members: [{ id: bob.id }] })
        const say = (content: string) => client.ask("message", [{ gid: newGid(), cgid, content }])
        // A request with many messages overdraws the burst; its debt is repaid before the next one.
        const many = Array.from({ length: 60 }, (_, index) => ({ gid: newGid(), cgid, content: `m${index}` }))
        assert.strictEqual((yield* client.ask("message", many)).result, "success")
        const refused = yield* say("too much")
        assert.strictEqual(refused.result, "fail")
        assert.match(refused.message ?? "", /^Too many messages; retry in (5\d|60) seconds\.$/)
        assert.strictEqual((yield* client.ask("history", { gid: cgid })).result, "success")
        yield* other.say(cgid, "not too much")
        yield* client.untilMessage("not too much")
        const post = (path: string, body: unknown) =>
          Effect.promise(() =>
            fetch(`${http}${path}?token=${token}`, {
              method: "POST",
              headers: { "content-type": "application/json" },
              body: JSON.stringify(body)
            })
          )
        const started = yield* post("/session/start", { To: ["bob"] })
        const { SessionId } = (yield* Effect.promise(() => started.json())) as { readonly SessionId: string }
        const spark = yield* post("/message/push", { SessionId, Type: 0, Content: "too much" })
        assert.strictEqual(spark.status, 429)
        assert.isAtLeast(Number(spark.headers.get("retry-after")), 50)
        assert.include(yield* Effect.promise(() => spark.json()), { success: false, error: "rate_limited" })
        const { perform } = yield* Engine
        const draft = { gid: newGid(), chat: { gid: cgid }, contentType: "text", content: "the application's" }
        const messages = [{ ...draft, type: "normal" as const }]
        yield* perform({ user: alice.id, device: null }, { _tag: "SendMessages", messages })
      })
    ).pipe(Effect.provideService(Settings, few))
  )

  it.live("is refused on the fast path too, after the burst", () =>
    running(
      Effect.gen(function* () {
        const { http, alice, bob, login } = yield* fixture
        const client = yield* webSocket(http)
        yield* client.get("login", { account: "alice", password: yield* login(alice.id) })
        const cgid = newGid()
        yield* client.get("create", { gid: cgid, name: "Group", type: "group", members: [{ id: bob.id }] })
        const results: Array<string | undefined> = []
        for (let index = 0; index < 7; index++) {
          results.push((yield* client.ask("message", [{ gid: newGid(), cgid, content: `m${index}` }])).result)
        }
        // The last one may overdraw the burst.
        assert.strictEqual(results.slice(0, 5).join(), "success,success,success,success,success")
        assert.strictEqual(results[6], "fail")
      })
    ).pipe(Effect.provideService(Settings, { ...few, messagesPerSecond: 1e-6 }))
  )
})

describe("a member of a chat in slow mode", () => {
  it.live("is told when to send again, in the shape of each protocol with messages in groups", () =>
    running(
      Effect.gen(function* () {
        const { http, alice, bob, login, token } = yield* fixture
        const [client, other] = [yield* webSocket(http), yield* webSocket(http)]
        yield* client.get("login", { account: "alice", password: yield* login(alice.id) })
        yield* other.get("login", { account: "bob", password: yield* login(bob.id) })
        const { perform } = yield* Engine
        const caller = { user: bob.id, device: null }
        const cgid = newGid()
        yield* perform(caller, {
          _tag: "CreateChat",
          gid: cgid,
          name: "Group",
          type: "group",
          members: [alice.id],
          subject: 0,
          public: false
        })
        yield* perform(caller, { _tag: "SetSlowMode", chat: { gid: cgid }, seconds: 600 })
        const say = (content: string) => client.ask("message", [{ gid: newGid(), cgid, content }])
        assert.strictEqual((yield* say("first")).result, "success")
        const refused = yield* say("second")
        assert.strictEqual(refused.result, "fail")
        assert.match(refused.message ?? "", /This chat is in slow mode; retry in (600|59\d) seconds\.$/)
        const response = yield* Effect.promise(() =>
          fetch(`${http}/message/push?token=${token}`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ SessionId: cgid, Type: 0, Content: "second" })
          })
        )
        assert.strictEqual(response.status, 429)
        assert.isAtLeast(Number(response.headers.get("retry-after")), 590)
        assert.include(yield* Effect.promise(() => response.json()), { success: false, error: "rate_limited" })
        // The owner is exempt, and keeps the fast path.
        for (const content of ["one", "two", "three"]) yield* other.say(cgid, content)
        // Calls of the embedding API act as the user, and follow the chat's rules.
        const messages = [
          { gid: newGid(), chat: { gid: cgid }, type: "normal", contentType: "text", content: "second" } as const
        ]
        const { reason } = yield* Effect.flip(
          perform({ user: alice.id, device: null }, { _tag: "SendMessages", messages })
        )
        assert.strictEqual(reason._tag, "MessagesRefused")
      })
    )
  )
})

describe("a message without content", () => {
  it.live("is refused; a placeholder of an image is not", () =>
    running(
      Effect.gen(function* () {
        const { http, alice, bob, login } = yield* fixture
        const client = yield* webSocket(http)
        yield* client.get("login", { account: "alice", password: yield* login(alice.id) })
        const cgid = newGid()
        yield* client.get("create", { gid: cgid, name: "Group", type: "group", members: [{ id: bob.id }] })
        const refused = yield* client.ask("message", [{ gid: newGid(), cgid, content: "" }])
        assert.strictEqual(refused.result, "fail")
        assert.include(refused.message ?? "", "content must not be empty")
        const placeholder = [{ gid: newGid(), cgid, contentType: "image", content: "" }]
        assert.strictEqual((yield* client.ask("message", placeholder)).result, "success")
      })
    )
  )
})
