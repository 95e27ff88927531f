/** Sessions of the application: users of requests, logins without a password, and origins of pages. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { parseHeader } from "effect/http/Cookies"
import { TestClock } from "effect/testing"
import { Authenticator, type RequestInfo, isCrossOrigin } from "@parley/core/Authenticator"
import { Credentials } from "@parley/core/Credentials"
import * as Parley from "@parley/core/Parley"
import type { Refused } from "@parley/core/Refused"
import { Sessions } from "@parley/core/Sessions"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { engineLayer, people } from "./harness.ts"
import { DirectoryFixture, uuid, withUsersOf } from "./directoryFixture.ts"

const requestWith = (headers: Readonly<Record<string, string>>): RequestInfo => ({
  kind: "websocket",
  method: "GET",
  url: "/ws",
  headers: new Map(Object.entries({ host: "chat.example", ...headers })),
  query: new Map(),
  address: "10.0.0.1"
})

/** Their sessions are cookies with the user's id in them. */
const byCookie = {
  authenticate: (request: RequestInfo) => {
    const user = parseHeader(request.headers.get("cookie") ?? "")["user"]
    return Effect.succeed(user === undefined ? undefined : /^[0-9]+$/.test(user) ? Number(user) : user)
  }
} satisfies Authenticator

const withSessionsOf =
  (authenticator: Authenticator) =>
  <A, E>(test: Effect.Effect<A, E, Parley.Services | Store>): Effect.Effect<A, E> =>
    test.pipe(Effect.provide(engineLayer), Effect.provideService(Authenticator, authenticator))

const reasonOf = <A, R>(attempt: Effect.Effect<A, Refused, R>) =>
  Effect.map(Effect.flip(attempt), ({ reason }) => reason)

/** md5 of "", of "correct-horse-7" and of "wrong". */
const NOTHING = "d41d8cd98f00b204e9800998ecf8427e"
const RIGHT = "d374a7bdfbe7dfa86bc2807569bacd5d"
const WRONG = "2bda2998d9b0ee197da142a0447f6725"

const login = Effect.fnUntraced(function* (account: string, secret: string, request?: RequestInfo) {
  const { login: logIn } = yield* Sessions
  const attempt = { account, secret, kind: "chat", device: "", address: "10.0.0.1" } as const
  return yield* logIn(request === undefined ? attempt : { ...attempt, request })
})

describe("the origin of a page", () => {
  const page = (headers: Readonly<Record<string, string>>): RequestInfo => ({
    kind: "http",
    method: "POST",
    url: "/",
    headers: new Map(Object.entries(headers)),
    query: new Map(),
    address: "10.0.0.1"
  })

  it("is another one if the server's name is unknown, and for a sandboxed page", () => {
    assert.isTrue(isCrossOrigin(page({ origin: "null" }), {}))
    assert.isTrue(isCrossOrigin(page({ origin: "chrome-extension://abc" }), {}))
    assert.isTrue(isCrossOrigin(page({ origin: "https://chat.example" }), {}))
    assert.isFalse(isCrossOrigin(page({ origin: "https://chat.example" }), { origins: ["https://chat.example"] }))
  })

  it("is compared over HTTP/2 too, with the host in :authority", () => {
    assert.isFalse(isCrossOrigin(page({ origin: "https://chat.example", ":authority": "chat.example" }), {}))
    assert.isTrue(isCrossOrigin(page({ origin: "https://evil.example", ":authority": "chat.example" }), {}))
    assert.isTrue(isCrossOrigin(page({ origin: "null", ":authority": "chat.example" }), {}))
  })
})

describe("the user of a request", () => {
  it.effect("is undefined for a number if a directory exists: its ids may be numbers of other users", () =>
    withUsersOf(new DirectoryFixture("ann", "ben").port)(
      Effect.gen(function* () {
        const { authenticated } = yield* Sessions
        const ann = yield* (yield* Users).byExternalId(uuid("ann"))
        assert.strictEqual(ann?.id, 1)
        assert.isUndefined(yield* authenticated(requestWith({ cookie: "user=1" })))
      })
    ).pipe(Effect.provideService(Authenticator, byCookie))
  )

  it.effect("is undefined if the authenticator returns null", () =>
    withSessionsOf({ authenticate: () => Effect.succeed(null) })(
      Effect.gen(function* () {
        assert.isUndefined(yield* (yield* Sessions).authenticated(requestWith({})))
      })
    )
  )

  it.effect("is the one returned by the authenticator: by our id, or by external id", () =>
    Effect.gen(function* () {
      yield* withSessionsOf(byCookie)(
        Effect.gen(function* () {
          const { authenticated } = yield* Sessions
          const [ann] = yield* people("ann")
          assert.strictEqual((yield* authenticated(requestWith({ cookie: `a=b; user=${ann?.user}` })))?.account, "ann")
          assert.isUndefined(yield* authenticated(requestWith({ cookie: "user=99" })))
          assert.isUndefined(yield* authenticated(requestWith({ cookie: "user=ann" })), "a string is no account")
          assert.isUndefined(yield* authenticated(requestWith({})))
          yield* (yield* Users).setDisabled("ann", true)
          assert.isUndefined(yield* authenticated(requestWith({ cookie: `user=${ann?.user}` })))
        })
      )
      yield* withUsersOf(new DirectoryFixture("ann").port)(
        Effect.gen(function* () {
          const { authenticated } = yield* Sessions
          assert.strictEqual((yield* authenticated(requestWith({ cookie: `user=${uuid("ann")}` })))?.account, "ann")
          assert.isUndefined(yield* authenticated(requestWith({ cookie: `user=${uuid("ben")}` })))
        })
      ).pipe(Effect.provideService(Authenticator, byCookie))
    })
  )

  for (const [what, authenticate] of [
    ["fails", () => Effect.fail("down")],
    ["breaks off", () => Effect.die(new Error("a mistake"))],
    [
      "throws",
      () => {
        throw new Error("a mistake")
      }
    ],
    ["takes too long", () => Effect.never]
  ] as const) {
    it.effect(`is undefined if the authenticator ${what}`, () =>
      withSessionsOf({ authenticate, timeout: 1000 })(
        Effect.gen(function* () {
          const { authenticated } = yield* Sessions
          const requested = yield* Effect.forkChild(authenticated(requestWith({})))
          yield* TestClock.adjust("1 second")
          assert.isUndefined(yield* Fiber.join(requested))
        })
      )
    )
  }

  it.effect("is undefined without an authenticator", () =>
    withSessionsOf({})(
      Effect.gen(function* () {
        assert.isUndefined(yield* (yield* Sessions).authenticated(requestWith({ cookie: "user=1" })))
      })
    )
  )

  it.effect("is not taken from a cross-origin request", () =>
    withSessionsOf({ ...byCookie, origins: ["https://app.example"] })(
      Effect.gen(function* () {
        const { authenticated } = yield* Sessions
        const [ann] = yield* people("ann")
        const cookie = `user=${ann?.user}`
        for (const headers of [
          { origin: "https://evil.example" },
          { origin: "https://evil-chat.example" },
          { origin: "https://chat.example.evil" },
          { origin: "https://app.example.evil" },
          { origin: "http://app.example" },
          { origin: "null" },
          { "sec-fetch-site": "cross-site" }
        ]) {
          const reason = yield* reasonOf(authenticated(requestWith({ cookie, ...headers })))
          assert.deepInclude(reason, { _tag: "Rejected", code: "cross_origin" }, JSON.stringify(headers))
          assert.isUndefined(yield* authenticated(requestWith(headers)), "who carries nothing is nobody")
        }
        for (const headers of [
          { origin: "https://chat.example" },
          { origin: "http://CHAT.example" },
          { origin: "https://app.example", "sec-fetch-site": "cross-site" },
          { "sec-fetch-site": "same-origin" }
        ]) {
          assert.strictEqual((yield* authenticated(requestWith({ cookie, ...headers })))?.account, "ann")
        }
      })
    )
  )

  it("may come from any page if the embedder allows it", () => {
    assert.isFalse(isCrossOrigin(requestWith({ origin: "https://evil.example" }), { origins: "any" }))
  })
})

describe("a login on a connection whose request was authenticated", () => {
  const stage = Effect.gen(function* () {
    const [ann] = yield* people(
      { account: "ann", password: "correct-horse-7" },
      { account: "ben", password: "correct-horse-7" }
    )
    return requestWith({ cookie: `user=${ann?.user}` })
  })

  it.effect("needs no password for that account, and no account name", () =>
    withSessionsOf(byCookie)(
      Effect.gen(function* () {
        const request = yield* stage
        for (const [account, secret] of [
          ["ann", ""],
          ["ann", NOTHING],
          ["", ""]
        ] as const) {
          const { session, user } = yield* login(account, secret, request)
          assert.strictEqual(user.account, "ann")
          assert.strictEqual((yield* (yield* Sessions).resume(session.token))?.user.id, user.id)
        }
      })
    )
  )

  it.effect("needs the credentials of any other account", () =>
    withSessionsOf(byCookie)(
      Effect.gen(function* () {
        const request = yield* stage
        for (const secret of ["", NOTHING, WRONG]) {
          assert.strictEqual((yield* reasonOf(login("ben", secret, request)))._tag, "WrongPassword")
        }
        assert.strictEqual((yield* login("ben", RIGHT, request)).user.account, "ben")
        assert.strictEqual((yield* reasonOf(login("ann", WRONG, request)))._tag, "WrongPassword")
      })
    )
  )

  it.effect("needs the password for unknown users and cross-origin requests", () =>
    withSessionsOf(byCookie)(
      Effect.gen(function* () {
        const request = yield* stage
        assert.strictEqual((yield* reasonOf(login("ann", "", requestWith({}))))._tag, "WrongPassword")
        assert.strictEqual((yield* reasonOf(login("ann", "")))._tag, "WrongPassword")
        const headers = new Map([...request.headers, ["origin", "https://evil.example"]])
        const foreign = { ...request, headers }
        assert.deepInclude(yield* reasonOf(login("ann", "", foreign)), { _tag: "Rejected", code: "cross_origin" })
        assert.strictEqual((yield* login("ann", RIGHT, foreign)).user.account, "ann")
      })
    )
  )
})

describe("a password that the embedder verifies", () => {
  const verified: Authenticator = {
    verifyPassword: (account, password) =>
      password === "breaks"
        ? Effect.fail("down")
        : Effect.succeed(account === "ann@example" && password === "theirs" ? uuid("ann") : undefined)
  }

  const verify = Effect.fnUntraced(function* (account: string, password: string) {
    const credentials = yield* Credentials
    const secret = yield* credentials.md5Secret(password)
    return yield* credentials.verify({ account, secret, password, address: "10.0.0.1" })
  })

  const withFixture = <A, E>(test: Effect.Effect<A, E, Parley.Services | Store>) =>
    withUsersOf(new DirectoryFixture("ann").port)(test).pipe(Effect.provideService(Authenticator, verified))

  it.effect("logs in the returned user", () =>
    withFixture(
      Effect.gen(function* () {
        assert.strictEqual((yield* verify("ann@example", "theirs")).account, "ann")
        assert.strictEqual((yield* reasonOf(verify("ann@example", "other")))._tag, "WrongPassword")
      })
    )
  )

  it.effect("is throttled as other passwords are", () =>
    withFixture(
      Effect.gen(function* () {
        for (let n = 0; n < 10; n++) yield* reasonOf(verify("ann@example", `x${n}`))
        assert.strictEqual((yield* reasonOf(verify("ann@example", "theirs")))._tag, "TooManyAttempts")
      })
    )
  )

  it.effect("is refused as unavailable while the embedder fails", () =>
    withFixture(
      Effect.gen(function* () {
        for (let n = 0; n < 20; n++) {
          assert.strictEqual((yield* reasonOf(verify("ann@example", "breaks")))._tag, "Unavailable")
        }
        assert.strictEqual((yield* verify("ann@example", "theirs")).account, "ann")
      })
    )
  )
})
