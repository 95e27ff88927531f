/** Invalid requests are refused in the protocol's own shape, and change nothing. */
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { Duplicate, StorageFailed, Store } from "@parley/core/Store"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { HttpServerRequest } from "effect/http"
import { readParameters } from "../../src/spark/params.ts"
import { operations } from "../../src/spark/routes.ts"
import { apps, engine, engineOn, failed, type Fields, like, systemChat } from "./Apps.ts"

const paths = Object.keys(operations)
const ONE_TOO_MANY = Array.from({ length: 1001 }, (_, index) => `user${index}`)
/** Deep JSON of less than 16 KiB; a larger body is refused before parsing. */
const DEEP = `${"[".repeat(5000)}${"]".repeat(5000)}`

type Case = readonly [path: string, body: unknown, message: string]

/** Invalid values by field, for every operation with that field. */
const invalidCases = (path: string, rest: Fields): ReadonlyArray<Case> => {
  const cases: Array<Case> = [
    [path, "{", "The body is not JSON."],
    [path, [], "The body must be a JSON object or a form."],
    [path, "7", "The body must be a JSON object or a form."],
    [path, "null", "The body must be a JSON object or a form."]
  ]
  for (const [field, value] of Object.entries(rest)) {
    const { [field]: _, ...others } = rest
    cases.push([path, others, `${field} is missing.`], [path, { ...others, [field]: null }, `${field} is missing.`])
    if (Array.isArray(value)) {
      cases.push([path, { ...others, [field]: [] }, `${field} must hold at least one account.`])
      for (const bad of ["bob", ["bob", 7], { 0: "bob" }, 7, true, [["bob"]]]) {
        cases.push([path, { ...others, [field]: bad }, `${field} must be an array of strings.`])
      }
      cases.push([path, { ...others, [field]: ["\ud800"] }, `${field} must be well-formed Unicode.`])
      cases.push([path, { ...others, [field]: ONE_TOO_MANY }, "To must name at most 1000 accounts."])
    } else if (typeof value === "string") {
      for (const bad of [7, true, ["a"], { a: 1 }]) {
        cases.push([path, { ...others, [field]: bad }, `${field} must be a string.`])
      }
      cases.push([path, { ...others, [field]: "" }, `${field} must not be empty.`])
      cases.push([path, { ...others, [field]: "a\udc00" }, `${field} must be well-formed Unicode.`])
    } else if (typeof value === "number") {
      for (const bad of ["0", 0.5, true, [0], {}, 2 ** 60]) {
        cases.push([path, { ...others, [field]: bad }, `${field} must be an integer.`])
      }
    } else {
      for (const bad of ["name", 7, ["name"]]) {
        cases.push([path, { ...others, [field]: bad }, `${field} must be an object of keys and values.`])
      }
      cases.push([path, { ...others, [field]: {} }, `${field} must change at least one thing.`])
    }
  }
  return cases
}

const bodies = (SessionId: string): Readonly<Record<string, Fields>> => ({
  "/session/start": { To: ["bob"] },
  "/session/AddMember": { SessionId, To: ["carol"] },
  "/session/RemoveMember": { SessionId, To: ["bob"] },
  "/session/ApproveMember": { SessionId, To: ["carol"] },
  "/session/Edit": { SessionId, Data: { name: "x" } },
  "/message/push": { SessionId, Type: 0, Content: "x" },
  "/message/remove": { SessionId, MessageId: "x" }
})

const special = (SessionId: string): ReadonlyArray<Case> => {
  const data = (Data: unknown, message: string): Case => ["/session/Edit", { SessionId, Data }, message]
  return [
    data({ name: "" }, "Data.name must not be empty."),
    data({ name: 7 }, "Data.name must be a string."),
    data({ title: null }, "Data.title must be a string."),
    data({ name: "n".repeat(256) }, "Data.name must have at most 255 characters."),
    data({ name: "a", title: "b" }, "Data.title must be the same as Data.name."),
    data({ public: "maybe" }, "Data.public must be true or false."),
    data({ public: null }, "Data.public must be true or false."),
    data({ "": 1 }, "Data. must have a key that is not empty."),
    data({ "\ud800": 1 }, "Data.\ufffd must have a key of well-formed Unicode."),
    data({ ["k".repeat(256)]: 1 }, `Data.${"k".repeat(64)} must have a key of at most 255 bytes.`),
    data({ big: "x".repeat(4097) }, "Data.big must have at most 4096 bytes."),
    data({ half: ["\ud800"] }, "Data.half must be well-formed Unicode."),
    data({ half: { "\udc00": 1 } }, "Data.half must be well-formed Unicode."),
    [
      "/session/Edit",
      `{"SessionId":"${SessionId}","Data":{"deep":${DEEP}}}`,
      "Data.deep must have at most 4096 bytes."
    ],
    ["/session/start", `{"To":${DEEP}}`, "To must be an array of strings."],
    ["/message/push", { SessionId, Type: 2, Content: "x" }, "Type must be 0 for a text or 1 for an image."],
    ["/message/push", { SessionId, Type: -1, Content: "x" }, "Type must be 0 for a text or 1 for an image."],
    ["/message/push", { SessionId, Type: 0, Content: "é".repeat(32_769) }, "Content must have at most 65536 bytes."],
    [
      "/message/push",
      { SessionId, SesssionId: "other", Type: 0, Content: "x" },
      "SessionId must be the same as SesssionId if both are given."
    ]
  ]
}

describe("bad input", () => {
  it.live("is a 400 that names the field, for every operation and every field", () =>
    Effect.gen(function* () {
      const { of, context, chat } = yield* apps(["alice", "bob", "carol"])
      const alice = of("alice")
      const id = yield* alice.start("bob")
      const before = yield* chat(id)
      const known = bodies(id)
      assert.deepStrictEqual(Object.keys(known).sort(), [...paths].sort())
      const cases = [...Object.entries(known).flatMap(([path, body]) => invalidCases(path, body)), ...special(id)]
      for (const [path, body, message] of cases) {
        const text = typeof body === "string" ? body.slice(0, 80) : JSON.stringify(body).slice(0, 80)
        like(yield* alice.call(path, body), failed(400, "invalid_parameter", message), `${path} ${text}`)
      }
      assert.deepStrictEqual(yield* chat(id), before)
      assert.lengthOf(yield* context.store.chatsOf(alice.caller.user), 1)
      like((yield* context.store.chats([before.id]))[0]?.head, { posted: 0 })
    }).pipe(Effect.provide(engine))
  )

  it.live("is refused with unknown accounts, and adds none of the others", () =>
    Effect.gen(function* () {
      const { of, chat } = yield* apps(["alice", "bob", "carol"])
      const id = yield* of("alice").start("bob")
      for (const path of paths.filter((one) => one.startsWith("/session/") && one !== "/session/Edit")) {
        const reply = yield* of("alice").call(path, { SessionId: id, To: ["carol", "ghost", "", "Carol"] })
        const message = "There are no such users: ghost, , Carol."
        like(reply, failed(404, "no_such_users", message), path)
      }
      const many = yield* of("alice").call("/session/start", { To: ONE_TOO_MANY.slice(1) })
      assert.match(String(many.body["message"]), /user50 and 950 more\.$/)
      assert.strictEqual((yield* chat(id)).members.size, 2)
    }).pipe(Effect.provide(engine))
  )
})

describe("a form of many names", () => {
  it.live("is refused over the limit, in every notation", () =>
    Effect.gen(function* () {
      const { of } = yield* apps(["alice"])
      const names = (count: number, name: (index: number) => string): string =>
        Array.from({ length: count }, (_, index) => `${name(index)}=a${index}`).join("&")
      const forms = [(index: number) => `To[${index}]`, () => "To[]", () => "To"]
      for (const name of forms) {
        const few = yield* of("alice").form("/session/start", names(1001, name))
        like(few, failed(400, "invalid_parameter", "To must name at most 1000 accounts."))
        const many = yield* of("alice").form("/session/start", names(60_000, name))
        like(many, failed(400, "invalid_parameter", "The body has more than 2000 parameters."))
      }
      const json = yield* of("alice").call("/session/start", { To: Array.from({ length: 30_000 }, () => "a") })
      like(json, failed(400, "invalid_parameter", "To must name at most 1000 accounts."))
    }).pipe(Effect.provide(engine))
  )

  it.live("costs ten times as much for ten times as many names", () =>
    Effect.gen(function* () {
      const took = Effect.fnUntraced(function* (count: number) {
        const request = new Request("http://spark.test/session/start", {
          method: "POST",
          headers: { "content-type": "application/x-www-form-urlencoded" },
          body: Array.from({ length: count }, (_, index) => `To[${index}]=a${index}`).join("&")
        })
        const before = performance.now()
        const parameters = yield* readParameters(HttpServerRequest.fromWeb(request), 100_000)
        assert.lengthOf(yield* parameters.texts("To"), count)
        return performance.now() - before
      })
      yield* took(6000)
      const one = Math.min(yield* took(6000), yield* took(6000), yield* took(6000))
      const ten = Math.min(yield* took(60_000), yield* took(60_000))
      // Took 20 seconds when each name copied the previous ones.
      assert.isBelow(ten, Math.max(40 * one, 1000))
    })
  )
})

describe("a body that is too large", () => {
  it.live("is a 413, on every path", () =>
    Effect.gen(function* () {
      const { of } = yield* apps(["alice"])
      for (const path of paths) {
        const reply = yield* of("alice").call(path, `{"To":"${"x".repeat(1024 * 1024)}"}`)
        like(reply, failed(413, "too_large", "The body is too large."), path)
      }
    }).pipe(Effect.provide(engine))
  )
})

describe("a form", () => {
  it.live("encodes arrays and pairs in each usual way", () =>
    Effect.gen(function* () {
      const { of, chat } = yield* apps(["alice", "bob", "carol"])
      const alice = of("alice")
      const id = yield* alice.start("bob", "carol")
      for (const body of [
        "To=bob&To=carol",
        "To[]=bob&To[]=carol",
        "To%5B0%5D=bob&To%5B1%5D=carol",
        "To=bob&To[]=carol"
      ]) {
        assert.strictEqual((yield* alice.form("/session/start", body)).body["SessionId"], id, body)
      }
      yield* alice.form("/session/Edit", `SessionId=${id}&Data[name]=A%20b&Data[color]=red&Data[public]=1`)
      like(yield* chat(id), { name: "A b", public: true, attributes: { "spark.color": "red" } })
      yield* alice.form("/session/Edit", `SesssionId=${id}&Data=${encodeURIComponent('{"name":"C","size":3}')}`)
      like(yield* chat(id), { name: "C", attributes: { "spark.color": "red", "spark.size": 3 } })
      const pushed = yield* alice.form("/message/push", `SesssionId=${id}&Type=0&Content=a+b%26c`)
      like(pushed, { status: 200, body: { success: true } })
      const gid = String(pushed.body["MessageId"])
      assert.strictEqual((yield* (yield* Store).messagesByGid([gid]))[0]?.content, "a b&c")
    }).pipe(Effect.provide(engine))
  )

  it.live("is refused with the field's name, like JSON", () =>
    Effect.gen(function* () {
      const { of } = yield* apps(["alice", "bob"])
      const id = yield* of("alice").start("bob")
      const cases: ReadonlyArray<readonly [path: string, body: string, message: string]> = [
        ["/session/start", "", "To is missing."],
        ["/session/start", "to=bob", "To is missing."],
        ["/session/Edit", `SessionId=${id}&Data=name`, "Data must be an object of keys and values."],
        ["/session/Edit", `SessionId=${id}&Data={}`, "Data must change at least one thing."],
        ["/message/push", `SessionId=${id}&Content=x&Type=`, "Type must be an integer."],
        ["/message/push", `SessionId=${id}&Content=x&Type=text`, "Type must be an integer."],
        ["/message/push", `SessionId=${id}&Content=&Type=0`, "Content must not be empty."]
      ]
      for (const [path, body, message] of cases) {
        like(yield* of("alice").form(path, body), failed(400, "invalid_parameter", message), body)
      }
    }).pipe(Effect.provide(engine))
  )
})

describe("authentication", () => {
  const message = "The token is missing, unknown or expired."

  it.live("requires a valid token, in the query or as a bearer token, before anything else", () =>
    Effect.gen(function* () {
      const { of, request } = yield* apps(["alice", "bob"])
      const post = (path: string, headers: Record<string, string> = {}, body = "{") =>
        request(path, { method: "POST", body, headers })
      for (const path of paths) {
        for (const query of ["", "?token=", "?token=nonsense", `?token=${"x".repeat(300)}`, "?Token=a"]) {
          like(yield* post(path + query), failed(401, "unauthorized", message), path + query)
        }
        like(yield* post(path, { authorization: "Bearer nonsense" }), { status: 401 })
      }
      const { token } = of("alice")
      const start = JSON.stringify({ To: ["bob"] })
      const headers = { authorization: `bearer ${token}` }
      like(yield* post("/session/start", headers, start), { status: 200 })
      like(yield* post(`/session/start?token=${token}`, {}, start), { status: 200 })
      like(yield* post("/session/start?token=nonsense", headers, start), { status: 401 })
    }).pipe(Effect.provide(engine))
  )

  it.live("requires POST", () =>
    Effect.gen(function* () {
      const { request } = yield* apps([])
      for (const path of paths) {
        for (const method of ["GET", "PUT", "DELETE", "PATCH"]) {
          const reply = yield* request(path, { method })
          like(reply, failed(405, "method_not_allowed", "This path takes POST."))
          assert.strictEqual(reply.headers.get("allow"), "POST")
        }
      }
    }).pipe(Effect.provide(engine))
  )
})

describe("a chat that is not the caller's session", () => {
  it.live("a direct, project or system chat returns 403 to members, except for messages; 404 to other users", () =>
    Effect.gen(function* () {
      const { of, perform } = yield* apps(["alice", "bob", "carol"])
      const store = yield* Store
      const chat = { gid: "", name: "", subject: 0, public: false, members: [of("bob").caller.user] }
      const pair = yield* perform(of("alice").caller, { _tag: "CreateChat", ...chat, type: "one2one" })
      const project = yield* perform(of("alice").caller, { _tag: "CreateChat", ...chat, gid: "p", type: "project" })
      yield* store.commit({ expectedVersions: [], writes: [systemChat("everybody")] })
      const message = "This needs a group."
      for (const path of paths.filter((one) => one !== "/session/start")) {
        for (const gid of [pair.chat.gid, project.chat.gid, "everybody"]) {
          const reply = yield* of("alice").call(path, bodies(gid)[path])
          if (path === "/message/push") like(reply, { status: 200, body: { success: true } }, path + gid)
          else if (path === "/message/remove") {
            like(reply, failed(404, "no_such_message", "There is no such message."), path + gid)
          } else like(reply, failed(403, "not_a_session", message), path + gid)
        }
        const unknown = yield* of("carol").call(path, bodies("nothing")[path])
        like(unknown, failed(404, "no_such_session", "There is no such session."), path)
        for (const gid of [pair.chat.gid, project.chat.gid, yield* of("alice").start("bob")]) {
          const { status, body } = yield* of("carol").call(path, bodies(gid)[path])
          assert.deepStrictEqual({ status, body }, { status: unknown.status, body: unknown.body }, path + gid)
        }
      }
    }).pipe(Effect.provide(engine))
  )

  it.live("a public session is visible to all users, and usable by members only", () =>
    Effect.gen(function* () {
      const { of } = yield* apps(["alice", "bob", "carol"])
      const id = yield* of("alice").start("bob")
      yield* of("alice").call("/session/Edit", { SessionId: id, Data: { public: true } })
      for (const path of paths.filter((one) => one !== "/session/start")) {
        const reply = yield* of("carol").call(path, bodies(id)[path])
        like(reply, failed(403, "not_a_member", "You are not a member of this session."), path)
      }
    }).pipe(Effect.provide(engine))
  )

  it.live("forbidden operations return 403", () =>
    Effect.gen(function* () {
      const { of, perform } = yield* apps(["alice", "bob", "carol"])
      const id = yield* of("alice").start("bob")
      const call = (account: string, path: string) => of(account).call(path, bodies(id)[path])
      for (const path of ["/session/RemoveMember", "/session/ApproveMember", "/session/Edit"]) {
        like(yield* call("bob", path), failed(403, "forbidden", "Only admins may do this."), path)
      }
      const owner = yield* of("alice").call("/session/RemoveMember", { SessionId: id, To: ["alice", "bob"] })
      like(owner, failed(403, "owner_stays", "The owner of the session cannot be removed."))
      yield* perform(of("alice").caller, { _tag: "SetSenders", chat: { gid: id }, senders: "admins" })
      like(yield* call("bob", "/message/push"), failed(403, "may_not_speak", "You may not speak in this session."))
      like(yield* call("bob", "/message/remove"), failed(404, "no_such_message", "There is no such message."))
    }).pipe(Effect.provide(engine))
  )
})

describe("faults of the server", () => {
  /** A store that works until a failure is set. */
  const fault: { now: "none" | "failing" | "stale" | "defect" } = { now: "none" }
  const breaking = Layer.effect(
    Store,
    Effect.map(Store, (store) =>
      Store.of({
        ...store,
        commit: (unit) =>
          fault.now === "failing"
            ? Effect.fail(new StorageFailed({ operation: "commit", cause: "the disk is gone" }))
            : fault.now === "stale"
              ? Effect.fail(new Duplicate({ messages: [] }))
              : fault.now === "defect"
                ? Effect.die(new Error("a secret of the server"))
                : store.commit(unit)
      })
    )
  ).pipe(Layer.provide(MemoryStore.layer))
  const cases = [
    ["failing", 503, "unavailable", "The storage does not respond; retry."],
    ["stale", 409, "busy", "Concurrent modification; retry."],
    ["defect", 500, "internal_error", "Internal server error."]
  ] as const

  it.live("have the same shape, without internal details", () =>
    Effect.gen(function* () {
      const { of } = yield* apps(["alice", "bob", "carol"])
      const id = yield* of("alice").start("bob")
      const MessageId = yield* of("alice").say(id, "x")
      const requests: ReadonlyArray<readonly [account: string, path: string, body: unknown]> = [
        ["alice", "/session/start", { To: ["carol"] }],
        ["bob", "/session/AddMember", { SessionId: id, To: ["carol"] }],
        ["alice", "/session/AddMember", { SessionId: id, To: ["carol"] }],
        ["alice", "/session/RemoveMember", { SessionId: id, To: ["bob"] }],
        ["alice", "/session/Edit", { SessionId: id, Data: { a: 1 } }],
        ["alice", "/message/push", { SessionId: id, Type: 0, Content: "x" }],
        ["alice", "/message/remove", { SessionId: id, MessageId }]
      ]
      for (const [now, status, error, message] of cases) {
        for (const [account, path, body] of requests) {
          fault.now = now
          const reply = yield* of(account).call(path, body)
          fault.now = "none"
          like(reply, failed(status, error, message), `${now} ${path}`)
        }
      }
    }).pipe(Effect.provide(Layer.merge(engineOn(breaking), Logger.layer([]))))
  )
})
