/** An embedder's own logins in each protocol, over real connections, and pages of other origins, which are refused. */
import { assert, describe, it } from "@effect/vitest"
import { Authenticator } from "@parley/core/Authenticator"
import { Sessions } from "@parley/core/Sessions"
import { Users } from "@parley/core/Users"
import { Effect } from "effect"
import { parseHeader } from "effect/http/Cookies"
import { webSocket } from "../../server/test/clients.ts"
import { type Reply, engine, type Served, served } from "./serveDialect.ts"

/** The embedder's sessions: a cookie or a bearer token with the user's id. */
const authenticator: Authenticator = {
  origins: ["https://app.example"],
  authenticate: (request) => {
    const bearer = /^Bearer theirs-([0-9]+)$/.exec(request.headers.get("authorization") ?? "")?.[1]
    const user =
      bearer ?? parseHeader(request.headers.get("cookie") ?? "")["their-user"] ?? request.query.get("their-user")
    return Effect.succeed(user === undefined ? undefined : Number(user))
  }
}

/** Alice, a system administrator, and Bob and Carol. */
const fixture = Effect.gen(function* () {
  const added = yield* (yield* Users).add([{ account: "alice", admin: true }, { account: "bob" }, { account: "carol" }])
  const [alice, bob, carol] = added
  if (!alice || !bob || !carol) return yield* Effect.die("no people")
  return { ...(yield* served), alice, bob, carol }
})

const embedded = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  test.pipe(Effect.scoped, Effect.provide(engine), Effect.provideService(Authenticator, authenticator))

/** One request of each protocol that requires Alice as its user. */
const requests: ReadonlyArray<
  readonly [
    protocol: string,
    call: (
      call: Served["call"],
      headers: Readonly<Record<string, string>>,
      credentials?: { readonly token: string }
    ) => Effect.Effect<Reply>,
    done: number,
    /** Status or errcode for an unidentified and for a refused caller. */
    nobody: number,
    refused: number
  ]
> = [
  [
    "spark",
    (call, headers, credentials) =>
      call("POST", `/session/start${credentials === undefined ? "" : `?token=${credentials.token}`}`, {
        headers,
        json: { To: ["bob"] }
      }),
    200,
    401,
    403
  ],
  [
    "ha",
    (call, headers, credentials) =>
      call("POST", "/conversation", {
        headers: { ...headers, "x-ha-key": "ha-demo", ...(credentials && { "x-ha-session": credentials.token }) },
        json: { passiveuser: 2, time: "1700000000123" }
      }),
    200,
    401,
    403
  ],
  ["hisihi", (call, headers) => call("GET", "/im/org/2/groups", { headers }), 200, 401, 403],
  [
    "youdu",
    (call, headers, credentials) =>
      Effect.map(
        call("POST", `/cgi/session/create${credentials === undefined ? "" : `?accessToken=${credentials.token}`}`, {
          headers,
          json: { title: "T", creator: "alice", member: ["bob", "carol"] }
        }),
        ({ json }) => ({ status: (json as { readonly errcode: number }).errcode, json })
      ),
    0,
    401,
    403
  ],
  [
    "xuanxuan's files",
    (call, headers, credentials) =>
      call("GET", `/attach-download-1.json${credentials === undefined ? "" : `?sid=${credentials.token}`}`, {
        headers
      }),
    404,
    401,
    403
  ]
]

describe("a request without a token", () => {
  for (const [protocol, request, done, nobody, refused] of requests) {
    it.live(`of ${protocol} has the user of the embedder's authenticator`, () =>
      embedded(
        Effect.gen(function* () {
          const { call, alice } = yield* fixture
          const cookie = `their-user=${alice.id}`
          assert.strictEqual((yield* request(call, { cookie })).status, done)
          assert.strictEqual((yield* request(call, { authorization: `Bearer theirs-${alice.id}` })).status, done)
          assert.strictEqual((yield* request(call, {})).status, nobody)
          assert.strictEqual((yield* request(call, { cookie: "their-user=99" })).status, nobody)
        })
      )
    )

    it.live(`of ${protocol} is refused from a page of another origin`, () =>
      embedded(
        Effect.gen(function* () {
          const { call, alice, http } = yield* fixture
          const cookie = `their-user=${alice.id}`
          for (const headers of [
            { origin: "https://evil.example" },
            { origin: "null" },
            { origin: "http://127.0.0.1:1" }
          ]) {
            assert.strictEqual((yield* request(call, { cookie, ...headers })).status, refused, headers.origin)
          }
          for (const origin of ["https://app.example", http]) {
            assert.strictEqual((yield* request(call, { cookie, origin })).status, done)
          }
        })
      )
    )
  }
})

describe("a request with a token", () => {
  for (const [protocol, request, done, nobody] of requests) {
    it.live(`of ${protocol} has the token's user, from any origin`, () =>
      embedded(
        Effect.gen(function* () {
          const { call, alice } = yield* fixture
          const sessions = yield* Sessions
          const session = yield* sessions.issue(alice.id, "token")
          const headers = { origin: "https://evil.example" }
          const bearer = { ...headers, authorization: `Bearer ${session.token}` }
          assert.strictEqual((yield* request(call, protocol === "hisihi" ? bearer : headers, session)).status, done)
          if (protocol === "hisihi") return
          yield* sessions.end(session)
          const cookie = `their-user=${alice.id}`
          assert.strictEqual(
            (yield* request(call, { cookie }, session)).status,
            nobody,
            "a dead token is not made up for"
          )
        })
      )
    )
  }
})

describe("a WebSocket whose upgrade was authenticated", () => {
  it.live("logs in without a password, with that account or none, and then works like others", () =>
    embedded(
      Effect.gen(function* () {
        const { http, alice, bob } = yield* fixture
        const cookie = `their-user=${alice.id}`
        for (const params of [{ account: "alice", password: "" }, { account: "alice" }, {}, undefined, ["alice"], []]) {
          const client = yield* webSocket(http, "", { cookie, origin: http })
          const user = yield* client.get<{ readonly account: string }>("login", params)
          assert.strictEqual(user.account, "alice")
          const gid = `group-${JSON.stringify(params)}`
          yield* client.get("create", { gid, name: "G", type: "group", members: [{ id: bob.id }] })
          yield* client.leave
        }
        const byQuery = yield* webSocket(http, `?their-user=${alice.id}`)
        yield* byQuery.get("login", { account: "alice" })
      })
    )
  )

  it.live("does not log in as another user", () =>
    embedded(
      Effect.gen(function* () {
        const { http, alice } = yield* fixture
        const client = yield* webSocket(http, "", { cookie: `their-user=${alice.id}` })
        const refused = yield* client.ask("login", { account: "bob" })
        assert.deepInclude(refused, { result: "fail", message: "The account or the password is wrong." })
        assert.strictEqual((yield* client.ask("getlist")).result, "denied")
      })
    )
  )

  it.live("still requires a password if no user was authenticated", () =>
    embedded(
      Effect.gen(function* () {
        const { http } = yield* fixture
        const client = yield* webSocket(http, "", { cookie: "their-user=99" })
        const refused = yield* client.ask("login", { account: "alice", password: "" })
        assert.deepInclude(refused, { result: "fail", message: "The account or the password is wrong." })
      })
    )
  )

  it.live("is refused from a page of another origin, with or without its user's cookies", () =>
    embedded(
      Effect.gen(function* () {
        const { http, alice } = yield* fixture
        const cookie = `their-user=${alice.id}`
        for (const origin of ["https://evil.example", "null", "http://127.0.0.1:1"]) {
          const refused = yield* Effect.flip(webSocket(http, "", { cookie, origin }))
          assert.include(refused, "403", origin)
        }
        const allowed = yield* webSocket(http, "", { cookie, origin: "https://app.example" })
        yield* allowed.get("login", { account: "alice" })
        for (const query of ["", `?their-user=${alice.id}`]) {
          const refused = yield* Effect.flip(webSocket(http, query, { origin: "https://evil.example" }))
          assert.include(refused, "403", "without cookies, too")
        }
      })
    )
  )
})

describe("a session's token in a cookie", () => {
  it.live("uploads for pages of this origin only, with or without an authenticator", () =>
    Effect.gen(function* () {
      const { call, alice, http } = yield* fixture
      const { token } = yield* (yield* Sessions).issue(alice.id, "token")
      const upload = (headers: Readonly<Record<string, string>>, query = "") => {
        const form = new FormData()
        form.set("gid", "none")
        return Effect.map(call("POST", `/attach-upload.json${query}`, { form, headers }), ({ status }) => status)
      }
      const cookie = `sid=${token}`
      assert.strictEqual(yield* upload({ cookie }), 404)
      assert.strictEqual(yield* upload({ cookie, origin: http }), 404)
      assert.strictEqual(yield* upload({ cookie, origin: "https://evil.example" }), 403)
      assert.strictEqual(yield* upload({ origin: "https://evil.example" }, `?sid=${token}`), 404)
    }).pipe(Effect.scoped, Effect.provide(engine))
  )
})

describe("without an authenticator", () => {
  it.live("pages of other origins may not connect, with any cookies", () =>
    Effect.gen(function* () {
      const { http, alice } = yield* fixture
      for (const origin of ["https://evil.example", "null", "file://"]) {
        const refused = yield* Effect.flip(webSocket(http, "", { cookie: `their-user=${alice.id}`, origin }))
        assert.include(refused, "403", origin)
      }
      const client = yield* webSocket(http, "", { origin: http })
      const missing = yield* client.ask("login", { account: "alice" })
      assert.strictEqual(missing.result, "fail")
      assert.include(missing.message, "params.password")
    }).pipe(Effect.scoped, Effect.provide(engine))
  )
})
