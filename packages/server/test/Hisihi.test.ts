/** The hisihi protocol of a running server: its page, its authentication, and its chats in xuanxuan. */
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { serveInProcess } from "./inProcess.ts"
import { runInProcess } from "./inProcessCommand.ts"
import { folder, serve } from "./serverProcess.ts"
import { runExamples } from "./runExamples.ts"
import { fields, listed, loggedIn, Server } from "./TestClient.ts"

const ask = (http: string, method: string, path: string, form?: Record<string, string>, headers = {}) =>
  Effect.promise(async () => {
    const response = await fetch(http + path, {
      method,
      headers,
      ...(form !== undefined && { body: new URLSearchParams(form) })
    })
    const text = await response.text()
    return { status: response.status, json: fields(text === "" ? {} : JSON.parse(text)) }
  })

const group = (members: string) => ({
  group_name: "class 2",
  member_client_ids: members,
  organization_id: "2",
  conversion_id: "dasjfr4529sadfh"
})

/** A server of all protocols. */
const everything = Layer.effect(
  Server,
  Effect.gen(function* () {
    const cwd = yield* folder
    return { cwd, ...(yield* serve(cwd, "--database", "memory:", "--demo")) }
  })
)

it.live("docs/protocols/hisihi.md shows actual responses", () =>
  Effect.gen(function* () {
    const { http } = yield* serveInProcess()
    const page = new URL("../../../docs/protocols/hisihi.md", import.meta.url)
    assert.deepStrictEqual(yield* runExamples(page, http, ["timestamp", "nonce", "signature"]), [])
  }).pipe(Effect.scoped)
)

layer(everything, { excludeTestServices: true })("a group of hisihi, seen by xuanxuan clients", (it) => {
  it.effect("is pushed when it is created, renamed, joined, left and deleted", () =>
    Effect.gen(function* () {
      const { http } = yield* Server
      const alice = yield* loggedIn("alice")
      const bob = yield* loggedIn("bob")
      const made = yield* ask(http, "POST", "/im/group", group("alice:carol"))
      assert.strictEqual(made.status, 201, JSON.stringify(made.json))
      const created = fields((yield* alice.pushed("create"))["data"])
      assert.deepInclude(created, { id: made.json["group_id"], name: "class 2", type: "group", public: false })
      assert.deepStrictEqual(yield* bob.news, [])

      const path = `/im/group/${String(made.json["group_id"])}`
      yield* ask(http, "PUT", path, { group_name: "renamed here" })
      assert.deepInclude(fields((yield* alice.pushed("changeName"))["data"]), { name: "renamed here" })
      yield* alice.news
      yield* ask(http, "POST", `${path}/member`, { member_client_ids: "bob" })
      assert.deepInclude(fields((yield* bob.pushed("addMember"))["data"]), { gid: created["gid"] })
      yield* alice.pushed("addMember")

      const message = {
        gid: crypto.randomUUID(),
        cgid: created["gid"],
        type: "normal",
        contentType: "text",
        content: "hi",
        user: bob.id
      }
      yield* bob.done("message", { messages: [message] })
      const pushed = yield* alice.pushed("message")
      assert.deepInclude(listed(pushed)[0], { content: "hi", cgid: created["gid"] })

      yield* alice.news
      yield* ask(http, "DELETE", `${path}/member?member_client_ids=bob`)
      yield* alice.pushed("addMember")
      assert.strictEqual(
        (yield* bob.ask("message", { messages: [{ ...message, gid: crypto.randomUUID() }] }))["result"],
        "fail"
      )

      yield* alice.done("changename", { gid: created["gid"], name: "renamed there" })
      const groups = yield* ask(http, "GET", "/im/org/2/groups")
      assert.deepStrictEqual(groups.json["data"], [{ id: made.json["group_id"], group_name: "renamed there" }])

      yield* alice.news
      assert.strictEqual((yield* ask(http, "DELETE", path)).status, 204)
      yield* alice.pushed("addMember")
      const chats = listed(yield* alice.done("getlist"))
      assert.isUndefined(chats.find((chat) => chat["gid"] === created["gid"]))
      const late = { ...message, gid: crypto.randomUUID(), user: alice.id }
      assert.strictEqual((yield* alice.ask("message", { messages: [late] }))["result"], "fail")
    })
  )

  it.effect("is the only kind of chat that anonymous callers reach", () =>
    Effect.gen(function* () {
      const { http } = yield* Server
      const carol = yield* loggedIn("carol")
      const chat = fields(
        (yield* carol.done("create", {
          gid: crypto.randomUUID(),
          name: "ours",
          type: "group",
          members: [],
          public: true
        }))["data"]
      )
      for (const [method, path] of [
        ["PUT", `/im/group/${String(chat["id"])}`],
        ["DELETE", `/im/group/${String(chat["id"])}`],
        ["PUT", "/im/group/1"]
      ] as const) {
        assert.strictEqual((yield* ask(http, method, path, { group_name: "mine" })).status, 404)
      }
    })
  )
})

describe("hisihi.auth", () => {
  it.live("open is refused without a demonstration or beyond this machine, with a hint", () =>
    Effect.gen(function* () {
      for (const args of [["--no-demo"], [], ["--host", "0.0.0.0"]]) {
        const all = [
          "serve",
          "--port",
          "0",
          "--tcp-port",
          "off",
          "--database",
          "memory:",
          "--set",
          "hisihi.auth=open",
          ...args
        ]
        const { code, out, err } = yield* runInProcess(yield* folder, all)
        assert.deepStrictEqual([code, out], [1, ""])
        assert.match(err, /^parley: [^\n]*--set hisihi\.auth=token[^\n]*\n$/)
      }
    }).pipe(Effect.scoped)
  )

  it.live("is open for a demonstration, even after a restart, and requires a token otherwise", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const status = (args: ReadonlyArray<string>) =>
        Effect.gen(function* () {
          const { http } = yield* serve(cwd, ...args)
          return (yield* ask(http, "GET", "/im/org/2/groups")).status
        }).pipe(Effect.scoped)
      assert.strictEqual(yield* status([]), 200)
      assert.strictEqual(yield* status([]), 200)
      assert.strictEqual(yield* status(["--set", "hisihi.auth=open"]), 200)
      assert.strictEqual(yield* status(["--set", "hisihi.auth=token"]), 401)
      assert.strictEqual(yield* status(["--no-demo"]), 401)
    }).pipe(Effect.scoped)
  )

  it.live("authenticates a token's user", () =>
    Effect.gen(function* () {
      const { http } = yield* serveInProcess({ "hisihi.auth": "token" })
      const login = yield* Effect.promise(() =>
        fetch(`${http}/auth/login`, { method: "POST", body: JSON.stringify({ account: "alice", password: "123456" }) })
      )
      const { token } = fields(yield* Effect.promise(() => login.json()))
      const headers = { authorization: `Bearer ${String(token)}` }
      assert.strictEqual((yield* ask(http, "GET", "/signature/login/1/alice", undefined, headers)).status, 200)
      assert.strictEqual((yield* ask(http, "GET", "/signature/login/1/bob", undefined, headers)).status, 403)
      assert.strictEqual((yield* ask(http, "POST", "/im/group", group("bob"), headers)).status, 201)
    }).pipe(Effect.scoped)
  )
})

describe("parley app", () => {
  it.live("adds an app to a running server, and to a database without a server", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const first = yield* runInProcess(cwd, ["app", "add", "school", "--key", "k1", "--create"])
      assert.deepStrictEqual(first, { code: 0, out: "added app school\n", err: "" })
      const { http } = yield* serve(cwd, "--demo")
      assert.strictEqual((yield* ask(http, "GET", "/signature/login/school/3")).status, 200)
      assert.strictEqual((yield* runInProcess(cwd, ["app", "list"])).out, "1\n2\nschool\n")
      assert.strictEqual((yield* runInProcess(cwd, ["app", "remove", "school"])).out, "removed app school\n")
      assert.strictEqual((yield* ask(http, "GET", "/signature/login/school/3")).status, 404)
      assert.strictEqual((yield* runInProcess(cwd, ["class", "add", "77"])).out, "added class 77\n")
      assert.strictEqual((yield* ask(http, "POST", "/im/org/77/message")).status, 201)
    }).pipe(Effect.scoped)
  )
})
