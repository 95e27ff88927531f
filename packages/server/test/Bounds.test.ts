/**
 * Invariant 7, everything is bounded: the content of one frame or request. The bound itself is accepted; one more is
 * refused with an error of the protocol, and changes nothing. Bounds of connections are in `BoundsOfConnections.test.ts`.
 */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { connect as connectTo } from "node:net"
import { newGid } from "./clients.ts"
import { folder, serve } from "./serverProcess.ts"
import { connect, type Fields, fields, first, listed, loggedIn, Server, type TestClient } from "./TestClient.ts"

const LIMITS = {
  frame: 4096,
  membersPerRequest: 3,
  history: 5,
  content: 40,
  name: 12
}
/** Bounds that are not settings. */
const FIXED = {
  requestsPerFrame: 1000,
  messagesPerRequest: 100,
  userSettings: 65_536
}
const OTHERS = { "ha.maxLimit": 4, "hisihi.maxPerPage": 3, "login.attempts": 1000 }

/** A server of all protocols, with small bounds. */
const bounded = Layer.effect(
  Server,
  Effect.gen(function* () {
    const cwd = yield* folder
    const limits = Object.entries(LIMITS).map(([name, value]) => [`limits.${name}`, value] as const)
    const set = [...limits, ...Object.entries(OTHERS)].flatMap(([key, value]) => ["--set", `${key}=${value}`])
    return { cwd, ...(yield* serve(cwd, "--database", "memory:", "--demo", ...set)) }
  })
)

interface Answer {
  readonly status: number
  readonly body: Fields
}

/** Sends requests with the token of alice, or with an administrator's where it is needed. */
class Http extends Context.Service<
  Http,
  { readonly ask: (method: string, path: string, body?: string) => Effect.Effect<Answer> }
>()("test/Http") {
  static readonly layer = Layer.effect(
    Http,
    Effect.gen(function* () {
      const { http } = yield* Server
      const send = (method: string, path: string, headers: Record<string, string>, body?: string) =>
        Effect.promise(async (): Promise<Answer> => {
          const response = await fetch(http + path, {
            method,
            headers: { "content-type": "application/json", ...headers },
            ...(body !== undefined && { body })
          })
          const text = await response.text()
          return { status: response.status, body: fields(text === "" ? {} : JSON.parse(text)) }
        })
      const token = (account: string) =>
        Effect.map(send("POST", "/auth/login", {}, JSON.stringify({ account, password: "123456" })), ({ body }) =>
          String(body["token"])
        )
      const [alice, admin] = [yield* token("alice"), yield* token("admin")]
      return Http.of({
        ask: (method, path, body) =>
          send(
            method,
            path.replace("$ALICE", alice).replace("$ADMIN", admin),
            path.startsWith("/message?") || path === "/conversation"
              ? { "x-ha-key": "ha-demo", "x-ha-session": alice }
              : {},
            body
          )
      })
    })
  )
}

/** Returns JSON of exactly this many bytes, padded by an ignored field. */
const padded = (json: object, bytes: number): string => {
  const bare = JSON.stringify({ ...json, pad: "" })
  return JSON.stringify({ ...json, pad: "x".repeat(bytes - bare.length) })
}

const newRoom = Effect.fnUntraced(function* (client: TestClient, more: Fields = {}) {
  const gid = newGid()
  const made = yield* client.done("create", { gid, name: "room", type: "group", members: [], ...more })
  return { gid, id: Number(fields(made["data"])["id"]) }
})

/** Returns a refusal of xuanxuan as text. */
const words = (answer: Fields): string => JSON.stringify(answer)

layer(Http.layer.pipe(Layer.provideMerge(bounded)), { excludeTestServices: true })("invariant 7:", (it) => {
  for (const transport of ["websocket", "tcp"] as const) {
    it.effect(`the size of a frame is bounded (${transport})`, () =>
      Effect.gen(function* () {
        const client = yield* connect(transport)
        client.send(padded({ module: "chat", method: "ping" }, LIMITS.frame))
        assert.include(first(yield* client.take(1)), { method: "ping", result: "denied" })
        client.send(padded({ module: "chat", method: "ping" }, LIMITS.frame + 1))
        assert.deepStrictEqual(first(yield* client.take(1)), {
          module: "null",
          method: "null",
          result: "fail",
          message: `A frame may have at most ${LIMITS.frame} bytes.`
        })
        assert.strictEqual(yield* client.end, transport === "tcp" ? 1005 : 1009)
      })
    )
  }

  it.effect("the body of a request is bounded", () =>
    Effect.gen(function* () {
      const { ask } = yield* Http
      const bob = yield* loggedIn("bob")
      const group = { group_name: "g", member_client_ids: "bob", organization_id: 3, conversion_id: "5638b5d2" }
      const bodies = [
        ["spark", "/session/start?token=$ALICE", { To: ["bob"] }, 200, { success: false, error: "too_large" }],
        ["hisihi", "/im/group", group, 201, { error: "too_large" }],
        ["ha", "/conversation", { passiveuser: bob.id, time: "1700000000000" }, 200, { code: 1, data: null }],
        [
          "youdu",
          "/cgi/session/create?accessToken=$ADMIN",
          { title: "t", creator: "alice", member: ["bob", "carol"] },
          200,
          { errcode: 413 }
        ]
      ] as const
      for (const [protocol, path, body, status, refusal] of bodies) {
        const fits = yield* ask("POST", path, padded(body, LIMITS.frame))
        assert.strictEqual(fits.status, status, `${protocol}: ${JSON.stringify(fits)}`)
        const over = yield* ask("POST", path, padded(body, LIMITS.frame + 1))
        assert.strictEqual(over.status, 413, `${protocol}: ${JSON.stringify(over)}`)
        assert.deepInclude(over.body, refusal, protocol)
      }
      const login = { account: "alice", password: "123456" }
      assert.strictEqual((yield* ask("POST", "/auth/login", padded(login, LIMITS.frame))).status, 200)
      assert.strictEqual((yield* ask("POST", "/auth/login", padded(login, LIMITS.frame + 1))).status, 413)
      assert.strictEqual((yield* ask("POST", "/auth/logout", "x".repeat(LIMITS.frame + 1))).status, 413)
    })
  )

  it.effect("a password is bounded", () =>
    Effect.gen(function* () {
      const { ask } = yield* Http
      const login = (password: string) => ask("POST", "/auth/login", JSON.stringify({ account: "alice", password }))
      assert.strictEqual((yield* login("x".repeat(1024))).status, 401)
      assert.deepStrictEqual(yield* login("x".repeat(1025)), {
        status: 400,
        body: { error: "Invalid", message: "password must have at most 1024 bytes as UTF-8." }
      })
      const client = yield* connect("tcp")
      client.send({ module: "chat", method: "login", params: ["alice", "x".repeat(1025), "online"] })
      assert.include(words(first(yield* client.take(1))), "password must have at most 1024 bytes as UTF-8")
    })
  )

  it.effect("the head of a request is bounded", () =>
    Effect.gen(function* () {
      const { http } = yield* Server
      const status = (bytes: number) =>
        Effect.callback<string>((resume) => {
          const { hostname, port } = new URL(http)
          const socket = connectTo(Number(port), hostname)
          socket.once("data", (data) => {
            resume(Effect.succeed(String(data).split(" ")[1] ?? ""))
            socket.destroy()
          })
          socket.on("error", () => {})
          socket.write(
            `GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-pad: ${"x".repeat(bytes)}\r\n\r\n`
          )
        })
      assert.strictEqual(yield* status(15 * 1024), "200")
      assert.strictEqual(yield* status(17 * 1024), "431")
      // Its path too; the response has the protocol's form as long as the request can be parsed.
      assert.strictEqual((yield* (yield* Http).ask("GET", `/im/org/${"9".repeat(15_000)}/groups`)).status, 400)
    })
  )

  it.effect("the users named in a request are bounded, in every protocol", () =>
    Effect.gen(function* () {
      const { ask } = yield* Http
      const alice = yield* loggedIn("alice")
      const accounts = ["bob", "carol", "dave", "erin"]
      const users = new Map(listed(yield* alice.done("userGetList")).map(({ account, id }) => [account, id]))
      const ids = accounts.map((account) => users.get(account))
      // If a protocol adds the caller to the named users, the caller counts as one of them.
      const most = LIMITS.membersPerRequest - 1
      const create = (count: number) =>
        alice.ask("create", { gid: newGid(), name: "n", type: "group", members: ids.slice(0, count) })
      assert.include(yield* create(most + 1), { result: "success" })
      const refused = yield* create(most + 2)
      assert.include(refused, { result: "fail" })
      assert.match(words(refused), /members/)

      const start = (To: ReadonlyArray<string>) => ask("POST", "/session/start?token=$ALICE", JSON.stringify({ To }))
      assert.strictEqual((yield* start(accounts.slice(0, most))).status, 200)
      const wide = yield* start(accounts.slice(0, most + 1))
      assert.strictEqual(wide.status, 400)
      assert.match(String(wide.body["message"]), /^To /)

      const group = (members: ReadonlyArray<string>) => ({
        group_name: "g",
        member_client_ids: members.join(":"),
        organization_id: 3,
        conversion_id: "5638b5d2"
      })
      const grouped = (members: ReadonlyArray<string>) => ask("POST", "/im/group", JSON.stringify(group(members)))
      assert.strictEqual((yield* grouped(accounts.slice(0, most + 1))).status, 201)
      const over = yield* grouped(accounts)
      assert.strictEqual(over.status, 400)
      assert.match(String(over.body["message"]), /^member_client_ids/)

      const session = (member: ReadonlyArray<string>) =>
        ask("POST", "/cgi/session/create?accessToken=$ADMIN", JSON.stringify({ title: "t", creator: "alice", member }))
      assert.deepInclude((yield* session(accounts.slice(0, most))).body, { errcode: 0 })
      assert.deepInclude((yield* session(accounts.slice(0, most + 1))).body, { errcode: 400 })
    })
  )

  it.effect("a message is bounded", () =>
    Effect.gen(function* () {
      const alice = yield* loggedIn("alice")
      const { gid: cgid } = yield* newRoom(alice)
      const send = (...texts: ReadonlyArray<string>) =>
        alice.ask(
          "message",
          texts.map((content) => ({ gid: newGid(), cgid, content }))
        )
      // Bytes, not characters.
      assert.include(yield* send("字".repeat(13) + "x"), { result: "success" })
      const long = yield* send("字".repeat(13) + "xy")
      assert.include(long, { result: "fail" })
      assert.match(words(long), /content/)
      assert.lengthOf(listed(yield* alice.done("history", [cgid])), 1)
    })
  )

  it.effect("the size of a page is bounded, in every protocol", () =>
    Effect.gen(function* () {
      const { ask } = yield* Http
      const alice = yield* loggedIn("alice")
      const { gid: cgid } = yield* newRoom(alice)
      for (let count = 0; count < LIMITS.history + 1; count++) {
        yield* alice.done("message", [{ gid: newGid(), cgid, content: String(count) }])
      }
      const page = (recPerPage: number) => alice.ask("history", { gid: cgid, recPerPage, pageID: 1 })
      assert.lengthOf(listed(yield* page(LIMITS.history)), LIMITS.history)
      const over = yield* page(LIMITS.history + 1)
      assert.include(over, { result: "fail" })
      assert.match(words(over), /recPerPage/)
      // A whole history ends with the newest messages.
      assert.deepStrictEqual(
        listed(yield* alice.done("history", [cgid])).map(({ content }) => content),
        ["5", "4", "3", "2", "1"]
      )

      const bob = yield* loggedIn("bob")
      const opened = yield* ask("POST", "/conversation", JSON.stringify({ passiveuser: bob.id, time: "1700000000000" }))
      const { conversationid } = fields(opened.body["data"])
      const list = (limit: number) => ask("GET", `/message?conversationid=${String(conversationid)}&limit=${limit}`)
      assert.strictEqual((yield* list(OTHERS["ha.maxLimit"])).status, 200)
      const wide = yield* list(OTHERS["ha.maxLimit"] + 1)
      assert.strictEqual(wide.status, 400)
      assert.match(String(wide.body["error"]), /^limit/)

      const groups = (count: number) => ask("GET", `/im/org/3/groups?per_page=${count}`)
      assert.strictEqual((yield* groups(OTHERS["hisihi.maxPerPage"])).status, 200)
      const more = yield* groups(OTHERS["hisihi.maxPerPage"] + 1)
      assert.strictEqual(more.status, 400)
      assert.match(String(more.body["message"]), /^per_page/)
    })
  )

  it.effect("names are bounded", () =>
    Effect.gen(function* () {
      const alice = yield* loggedIn("alice")
      const { id } = yield* newRoom(alice)
      const rename = (name: string) => alice.ask("changename", [id, name])
      assert.include(yield* rename("字".repeat(LIMITS.name)), { result: "success" })
      const long = yield* rename("字".repeat(LIMITS.name + 1))
      assert.include(long, { result: "fail" })
      assert.match(words(long), /name/)
    })
  )
})

/** A server of all protocols, with the usual bounds. */
const usual = Layer.effect(
  Server,
  Effect.gen(function* () {
    const cwd = yield* folder
    return { cwd, ...(yield* serve(cwd, "--database", "memory:", "--demo")) }
  })
)

layer(usual, { excludeTestServices: true })("invariant 7, without a setting:", (it) => {
  for (const transport of ["websocket", "tcp"] as const) {
    it.effect(`the requests in a frame are bounded (${transport})`, () =>
      Effect.gen(function* () {
        const client = yield* loggedIn("alice", transport)
        const pings = (count: number) => Array.from({ length: count }, () => ({ method: "ping" }))
        const answers = yield* client.askAll(pings(FIXED.requestsPerFrame))
        assert.deepStrictEqual([...new Set(answers.map(({ result }) => result))], ["success"])
        client.send(pings(FIXED.requestsPerFrame + 1).map((one) => ({ ...one, module: "chat", sid: client.sid })))
        assert.include(first(yield* client.take(1)), {
          result: "fail",
          message: `A frame may hold at most ${FIXED.requestsPerFrame} requests.`
        })
        assert.strictEqual((yield* client.ask("ping"))["result"], "success")
      })
    )
  }

  it.effect("the messages in a request are bounded", () =>
    Effect.gen(function* () {
      const alice = yield* loggedIn("alice")
      const { gid: cgid } = yield* newRoom(alice)
      const send = (count: number) =>
        alice.ask(
          "message",
          Array.from({ length: count }, () => ({ gid: newGid(), cgid, content: "x" }))
        )
      assert.include(yield* send(FIXED.messagesPerRequest), { result: "success" })
      const many = yield* send(FIXED.messagesPerRequest + 1)
      assert.include(many, { result: "fail" })
      assert.match(words(many), /messages/)
      assert.lengthOf(listed(yield* alice.done("history", [cgid])), FIXED.messagesPerRequest)
    })
  )

  it.effect("the settings that a client keeps are bounded", () =>
    Effect.gen(function* () {
      const alice = yield* loggedIn("alice")
      const keep = (count: number) => {
        const bare = JSON.stringify({ s: "" }).length
        return alice.ask("settings", ["alice", { s: "x".repeat(count - bare) }])
      }
      assert.include(yield* keep(FIXED.userSettings), { result: "success" })
      const much = yield* keep(FIXED.userSettings + 1)
      assert.include(much, { result: "fail" })
      assert.match(words(much), /settings/)
    })
  )
})
