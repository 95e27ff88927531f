/** An application with its own users, passwords and sessions embeds the protocols. */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as Host from "../../adapter-node/src/internal/http/HttpHost.ts"
import { serveHttp } from "@parley/adapter-node/serveHttp"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { Authenticator } from "@parley/core/Authenticator"
import { Credentials } from "@parley/core/Credentials"
import { UserDirectory } from "@parley/core/UserDirectory"
import * as Parley from "@parley/core/Parley"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { dialect as hisihi } from "@parley/dialects/hisihi"
import { dialect as spark } from "@parley/dialects/spark"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import { Effect, Layer } from "effect"
import { parseHeader } from "effect/http/Cookies"
import { join } from "node:path"
import { plainPasswords } from "../../core/test/harness.ts"
import { DirectoryFixture, uuid } from "../../core/test/directoryFixture.ts"
import { authRoutes } from "../../adapter-node/src/internal/http/authRoutes.ts"
import { md5, webSocket } from "./clients.ts"
import { folder } from "./serverProcess.ts"

/** The application's sessions are cookies that contain the id; its users log in with an e-mail address. */
const sessionsOf = (theirs: DirectoryFixture): Authenticator => ({
  authenticate: ({ headers }) => Effect.succeed(parseHeader(headers.get("cookie") ?? "")["session"]),
  verifyPassword: (email, password) => {
    const account = email.replace(/@example\.com$/, "")
    return Effect.succeed(
      password === `${account}'s own` && theirs.table.has(uuid(account)) ? uuid(account) : undefined
    )
  }
})

const application = (file: string, theirs: DirectoryFixture) =>
  Parley.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(SqliteStore.layer({ file }), MemoryBlobs.layer, plainPasswords)),
    Layer.provideMerge(
      Layer.mergeAll(Layer.succeed(UserDirectory, theirs.fullPort), Layer.succeed(Authenticator, sessionsOf(theirs)))
    )
  )

const served = Effect.gen(function* () {
  const site = { settings: { "hisihi.auth": "token", "hisihi.newUsers": true }, tcp: () => undefined }
  const opened = yield* Effect.all([xuanxuan.open(site), spark.open(site), hisihi.open(site)])
  const endpoints = [...opened.flatMap((one) => one.endpoints), { _tag: "Http", routes: yield* authRoutes } as const]
  const { port } = yield* serveHttp(yield* Host.make({ endpoints }), { host: "127.0.0.1", port: 0 })
  const http = `http://127.0.0.1:${port}`
  const post = (path: string, json: unknown, headers: Readonly<Record<string, string>> = {}) =>
    Effect.promise(async () => {
      const body = JSON.stringify(json)
      const init = { method: "POST", body, headers: { "content-type": "application/json", ...headers } }
      const response = await fetch(`${http}${path}`, init)
      return { status: response.status, json: (await response.json()) as Readonly<Record<string, unknown>> }
    })
  return { http, post }
})

const idOf = Effect.fnUntraced(function* (account: string) {
  const user = yield* (yield* Users).byExternalId(uuid(account))
  if (user === undefined) return yield* Effect.die(`no ${account}`)
  return user.id
})

const PEOPLE = ["alice", "bobby", "carol"]

describe("users of an embedding application", () => {
  it.live("chat through two protocols by a one-time token and by their own session, and keep their ids", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "chat.db")
      const theirs = new DirectoryFixture(...PEOPLE)
      const first = yield* Effect.gen(function* () {
        const { http, post } = yield* served
        const token = yield* (yield* Credentials).mint(yield* idOf("alice"))
        const alice = yield* webSocket(http)
        yield* alice.get("login", { account: "alice", password: md5(token) })
        const again = yield* webSocket(http)
        assert.strictEqual((yield* again.ask("login", { account: "alice", password: md5(token) })).result, "fail")
        yield* alice.until("the users", () => alice.pushes("userGetList").length > 0)
        const listed = alice.pushes("userGetList")[0]?.data as ReadonlyArray<{
          id: number
          account: string
          externalId: string
        }>
        assert.deepStrictEqual(listed.map(({ account }) => account).sort(), PEOPLE)
        for (const { account, externalId } of listed) assert.strictEqual(externalId, uuid(account))

        const headers = { cookie: `session=${uuid("bobby")}` }
        const started = yield* post("/session/start", { To: ["alice", "carol"] }, headers)
        assert.deepStrictEqual([started.status, started.json["Members"]], [200, PEOPLE])
        const push = { SessionId: started.json["SessionId"], Type: 0, Content: "hello" }
        assert.strictEqual((yield* post("/message/push", push, headers)).status, 200)
        yield* alice.untilMessage("hello")
        assert.strictEqual((yield* post("/session/start", { To: ["nobody"] }, headers)).status, 404)
        return new Map(listed.map(({ account, id }) => [account, id]))
      }).pipe(Effect.scoped, Effect.provide(application(file, theirs)))

      yield* Effect.gen(function* () {
        for (const account of PEOPLE) assert.strictEqual(yield* idOf(account), first.get(account))
        const rows = yield* (yield* Store).allUsers
        assert.deepStrictEqual(rows.map(({ account }) => account).sort(), PEOPLE.map(uuid).sort())
        for (const { realname, avatar, role } of rows) assert.deepStrictEqual([realname, avatar, role], ["", "", ""])
      }).pipe(Effect.provide(application(file, theirs)))
    }).pipe(Effect.scoped)
  )

  it.live("get a token for their password or for a one-time token", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "chat.db")
      yield* Effect.gen(function* () {
        const { post } = yield* served
        const login = (account: string, password: string) => post("/auth/login", { account, password })
        const byPassword = yield* login("alice@example.com", "alice's own")
        const id = yield* idOf("alice")
        assert.deepInclude(byPassword.json["user"], { id, account: "alice" })
        const started = yield* post(`/session/start?token=${String(byPassword.json["token"])}`, { To: ["bobby"] })
        assert.strictEqual(started.status, 200)
        assert.strictEqual((yield* login("alice@example.com", "another")).status, 401)
        const token = yield* (yield* Credentials).mint(id)
        assert.strictEqual((yield* login("alice", token)).status, 200)
        assert.strictEqual((yield* login("alice", token)).status, 401)
      }).pipe(Effect.scoped, Effect.provide(application(file, new DirectoryFixture(...PEOPLE))))
    }).pipe(Effect.scoped)
  )

  it.live("lose their sessions once the application disables them, and no other user is created", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "chat.db")
      const theirs = new DirectoryFixture(...PEOPLE)
      yield* Effect.gen(function* () {
        const { http, post } = yield* served
        const cookie = `session=${uuid("alice")}`
        const alice = yield* webSocket(http, "", { cookie })
        yield* alice.get("login", { account: "alice" })
        yield* alice.until("the chats", () => alice.pushes("getlist").length > 0)
        const group = { group_name: "G", member_client_ids: "alice:stranger", organization_id: 1, conversion_id: "c" }
        assert.deepStrictEqual(yield* post("/im/group", { ...group, group_avatar: "" }, { cookie }), {
          status: 403,
          json: {
            error: "users_elsewhere",
            message: "Users are managed by the host application."
          }
        })
        theirs.alter("alice", { disabled: true })
        yield* (yield* Users).invalidate([uuid("alice")])
        assert.strictEqual((yield* alice.untilClosed).code, 4003)
        assert.strictEqual((yield* post("/session/start", { To: ["bobby"] }, { cookie })).status, 401)
        const rows = yield* (yield* Store).allUsers
        assert.deepStrictEqual(rows.map(({ account }) => account).sort(), PEOPLE.map(uuid).sort())
      }).pipe(Effect.scoped, Effect.provide(application(file, theirs)))
    }).pipe(Effect.scoped)
  )
})
