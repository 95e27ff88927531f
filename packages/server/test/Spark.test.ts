/** spark on a running server: beside desktop clients of the same users, in races, and across a restart. */
import { afterAll, assert, beforeAll, describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { createHash } from "node:crypto"
import { idsOf, online, PASSWORD } from "./clients.ts"
import { serveInProcess } from "./inProcess.ts"
import { folder, serve } from "./serverProcess.ts"
import { runExamples } from "./runExamples.ts"

type Fields = { readonly [name: string]: unknown }

interface Answer {
  readonly status: number
  readonly body: Fields
}

const post = (url: string, body: unknown): Effect.Effect<Answer> =>
  Effect.promise(async () => {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }
    const response = await fetch(url, init)
    return { status: response.status, body: (await response.json()) as Fields }
  })

/** An app with the token of one user. */
const app = Effect.fnUntraced(function* (http: string, account: string) {
  const { body } = yield* post(`${http}/auth/login`, { account, password: PASSWORD })
  const ask = (path: string, parameters: unknown): Effect.Effect<Answer> =>
    post(`${http}${path}?token=${String(body["token"])}`, parameters)
  /** Sends a request that must succeed. */
  const get = (path: string, parameters: unknown): Effect.Effect<Fields> =>
    Effect.flatMap(ask(path, parameters), (answer) =>
      answer.status === 200 ? Effect.succeed(answer.body) : Effect.die(new Error(JSON.stringify(answer)))
    )
  return {
    ask,
    get,
    start: (...To: ReadonlyArray<string>) => get("/session/start", { To }),
    say: (SessionId: unknown, Content: string, Type = 0) => get("/message/push", { SessionId, Type, Content })
  }
})

/** Checks that the actual value contains the expected one. */
const like = (found: unknown, wanted: object): void => expect(found).toMatchObject(wanted)

const md5 = (...accounts: ReadonlyArray<string>): string => createHash("md5").update(accounts.join(",")).digest("hex")

interface Shown {
  readonly gid: string
  readonly cgid: string
  readonly content: string
  readonly contentType: string
  readonly recalled?: boolean
}

describe("beside desktop clients", () => {
  const scope = Effect.runSync(Scope.make())
  let http = ""
  beforeAll(() =>
    serveInProcess().pipe(
      Effect.map((server) => {
        http = server.http
      }),
      Scope.provide(scope),
      Effect.runPromise
    )
  )
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

  it.live("a session is pushed to its members as a group, and a message at once", () =>
    Effect.gen(function* () {
      const [alice, bob] = [yield* online(http, "alice"), yield* online(http, "bob")]
      const session = yield* (yield* app(http, "alice")).start("bob", "carol")
      const gid = session["SessionId"]
      const created = () => bob.pushes("create").filter(({ data }) => (data as Fields)["gid"] === gid)
      yield* bob.until("the session", () => created().length > 0)
      like(created()[0]?.data, { gid, type: "group", admins: String(idsOf(bob).get("alice")) })

      const sender = yield* app(http, "alice")
      const text = yield* sender.say(gid, "from the app")
      yield* Effect.all([bob.untilMessage("from the app"), alice.untilMessage("from the app")])
      like(bob.delivered.at(-1), {
        gid: text["MessageId"],
        cgid: gid,
        user: idsOf(bob).get("alice"),
        contentType: "text"
      })
      yield* sender.say(gid, "https://example.org/a.png", 1)
      yield* bob.until("the image", () => bob.delivered.at(-1)?.content !== "from the app")
      like(bob.delivered.at(-1), {
        contentType: "image",
        content: '{"url":"https://example.org/a.png"}'
      })
      const members = yield* bob.get<ReadonlyArray<{ members: ReadonlyArray<Fields> }>>("members", { gid })
      assert.deepStrictEqual(
        members[0]?.members.map(({ account }) => account),
        ["alice", "bob", "carol"]
      )
    })
  )

  it.live("messages wait for an offline member; those removed meanwhile are not delivered", () =>
    Effect.gen(function* () {
      const alice = yield* app(http, "alice")
      const { SessionId } = yield* alice.start("dave")
      yield* alice.say(SessionId, "kept")
      const { MessageId } = yield* alice.say(SessionId, "regretted")
      assert.deepStrictEqual(yield* alice.get("/message/remove", { SessionId, MessageId }), { success: true })
      yield* alice.say(SessionId, "kept too")

      const dave = yield* online(http, "dave")
      yield* dave.untilMessage("kept too")
      const told = dave.delivered.filter(({ cgid }) => cgid === SessionId)
      assert.deepStrictEqual(
        told.map(({ content }) => content).filter((content) => content !== ""),
        ["kept", "kept too"]
      )
      const history = yield* dave.get<ReadonlyArray<Shown>>("history", { gid: SessionId })
      assert.deepStrictEqual(
        history.map(({ content, recalled }) => [content, recalled ?? false]),
        [
          ["kept too", false],
          ["", true],
          ["kept", false]
        ]
      )
    })
  )

  it.live("a delivered message is emptied where it was delivered", () =>
    Effect.gen(function* () {
      const bob = yield* online(http, "bob")
      const alice = yield* app(http, "alice")
      const { SessionId } = yield* alice.start("bob")
      const { MessageId } = yield* alice.say(SessionId, "for a moment")
      yield* bob.untilMessage("for a moment")
      yield* alice.get("/message/remove", { SesssionId: SessionId, MessageId })
      const emptied = () => bob.delivered.find(({ gid, content }) => gid === MessageId && content === "")
      yield* bob.until("the emptied message", () => emptied() !== undefined)
      const history = yield* bob.get<ReadonlyArray<Shown>>("history", { gid: SessionId })
      like(
        history.find(({ gid }) => gid === MessageId),
        { content: "", recalled: true }
      )
    })
  )

  it.live("Members and md5 follow a kick, and an invitation, by a desktop client", () =>
    Effect.gen(function* () {
      const owner = yield* online(http, "erin")
      const ids = idsOf(owner)
      const erin = yield* app(http, "erin")
      const { SessionId: gid } = yield* erin.start("bob", "carol")
      const member = (account: string) => [{ id: ids.get(account) }]
      yield* owner.get("addmember", { gid, members: member("carol"), join: false })
      const after = yield* erin.start("bob")
      assert.deepStrictEqual(after, {
        SesssionId: gid,
        SessionId: gid,
        Members: ["bob", "erin"],
        md5: md5("bob", "erin")
      })
      const carol = yield* app(http, "carol")
      like(yield* carol.ask("/message/push", { SessionId: gid, Type: 0, Content: "x" }), {
        status: 404
      })
      const bob = yield* app(http, "bob")
      like(yield* bob.get("/session/AddMember", { SessionId: gid, To: ["dave"] }), {
        Pending: ["dave"]
      })
      yield* owner.get("addmember", { gid, members: member("dave"), join: true })
      const grown = yield* erin.start("bob", "dave")
      assert.deepStrictEqual(grown, {
        SesssionId: gid,
        SessionId: gid,
        Members: ["bob", "dave", "erin"],
        md5: md5("bob", "dave", "erin")
      })
      like(yield* erin.ask("/session/ApproveMember", { SessionId: gid, To: ["dave"] }), {
        status: 409
      })
    })
  )

  it.live("approvals, removals and new names are pushed to desktop clients", () =>
    Effect.gen(function* () {
      const watching = yield* online(http, "bob")
      const ids = idsOf(watching)
      const [alice, bob] = [yield* app(http, "alice"), yield* app(http, "bob")]
      const { SessionId } = yield* alice.start("bob", "demo")
      const told = (method: string) =>
        watching
          .pushes(method)
          .map(({ data }) => data as { gid: string; name: string; members: ReadonlyArray<{ id: number }> })
          .filter(({ gid }) => gid === SessionId)
      const hears = (method: string, count: number) =>
        Effect.map(
          watching.until(`${method} no. ${count}`, () => told(method).length >= count),
          () => told(method).at(-1)
        )
      yield* bob.get("/session/AddMember", { SessionId, To: ["carol"] })
      yield* alice.get("/session/ApproveMember", { SessionId, To: ["carol"] })
      assert.deepInclude((yield* hears("addMember", 1))?.members ?? [], { id: ids.get("carol") })
      yield* alice.get("/session/RemoveMember", { SessionId, To: ["carol"] })
      assert.notDeepInclude((yield* hears("addMember", 2))?.members ?? [], { id: ids.get("carol") })
      yield* alice.get("/session/Edit", { SessionId, Data: { name: "Lunch", color: "red" } })
      assert.strictEqual((yield* hears("changeName", 1))?.name, "Lunch")
    })
  )

  it.live("a desktop client's direct chat is not a session, and accepts messages", () =>
    Effect.gen(function* () {
      const desktop = yield* online(http, "demo")
      const id = idsOf(desktop).get("erin")
      const pair = yield* desktop.get<Fields>("create", { gid: "x", name: "", type: "one2one", members: [{ id }] })
      const [erin, bob] = [yield* app(http, "erin"), yield* app(http, "bob")]
      const SessionId = pair["gid"]
      const { MessageId } = yield* erin.say(SessionId, "in a pair")
      yield* desktop.untilMessage("in a pair")
      like(desktop.delivered.at(-1), { gid: MessageId, cgid: SessionId, user: id })
      yield* erin.get("/message/remove", { SessionId, MessageId })
      yield* desktop.until("the emptied message", () => desktop.delivered.at(-1)?.content === "")
      for (const path of ["/session/AddMember", "/session/ApproveMember", "/session/RemoveMember"]) {
        const asking = { SessionId, To: ["bob"] }
        like(yield* erin.ask(path, asking), { status: 403, body: { error: "not_a_session" } })
        like(yield* bob.ask(path, asking), { status: 404, body: { error: "no_such_session" } })
      }
      like(yield* bob.ask("/message/push", { SessionId, Type: 0, Content: "x" }), { status: 404 })
      yield* bob.say("system", "to everybody")
      yield* desktop.untilMessage("to everybody")
      like(yield* bob.ask("/session/Edit", { SessionId: "system", Data: { name: "x" } }), { status: 403 })
    })
  )
})

describe("on a database", () => {
  it.live("50 concurrent starts with the same members create one session", () =>
    Effect.gen(function* () {
      const { http } = yield* serve(yield* folder, "--demo", "--database", "sqlite:./parley.db")
      const set = ["alice", "bob", "carol", "dave", "erin"]
      const all = yield* Effect.forEach(set, (account) => app(http, account))
      const sessions = yield* Effect.forEach(
        Array.from({ length: 50 }, (_, index) => all[index % all.length]),
        (one) => one?.start(...set) ?? Effect.die("nobody"),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(sessions.map((session) => JSON.stringify(session))).size, 1)
      like(sessions[0], { Members: set, md5: md5(...set) })
      const desktop = yield* online(http, "alice")
      const chats = yield* desktop.get<ReadonlyArray<Fields>>("getList")
      assert.lengthOf(
        chats.filter(({ type }) => type === "group"),
        1
      )
    })
  )

  it.live("sessions and pending members survive a restart", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const run = () => serve(cwd, "--demo", "--database", "sqlite:./parley.db")
      const before = yield* run()
      const session = yield* (yield* app(before.http, "alice")).start("bob")
      const { SessionId } = session
      const bob = yield* app(before.http, "bob")
      const asked = yield* bob.get("/session/AddMember", { SessionId, To: ["carol", "dave"] })
      before.child.kill("SIGKILL")
      yield* before.ended

      const { http } = yield* run()
      const alice = yield* app(http, "alice")
      assert.deepStrictEqual(yield* alice.start("bob"), { ...session, Pending: asked["Pending"] })
      assert.deepStrictEqual(yield* alice.get("/session/ApproveMember", { SessionId, To: ["dave"] }), {
        SesssionId: SessionId,
        SessionId,
        Members: ["alice", "bob", "dave"],
        md5: md5("alice", "bob", "dave"),
        Pending: ["carol"]
      })
    })
  )
})

describe("the page for users", () => {
  it.live("shows actual requests and responses", () =>
    Effect.gen(function* () {
      const { http } = yield* serveInProcess()
      const page = new URL("../../../docs/protocols/spark.md", import.meta.url)
      assert.deepStrictEqual(yield* runExamples(page, http, ["MessageId", "SessionId", "SesssionId"]), [])
    })
  )
})
