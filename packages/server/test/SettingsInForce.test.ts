/** Settings take effect: one server with lower limits from its environment, one with higher limits from its file. */
import { assert, describe, it, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { runInProcess } from "./inProcessCommand.ts"
import { folder, start } from "./serverProcess.ts"
import { type Fields, fields } from "./TestClient.ts"

class Server extends Context.Service<Server, { readonly http: string; readonly cwd: string }>()(
  "test/SettingsServer"
) {}

const serving = (environment: Record<string, string>, file: object) =>
  Layer.effect(
    Server,
    Effect.gen(function* () {
      const cwd = yield* folder
      writeFileSync(join(cwd, "parley.json"), JSON.stringify(file))
      const args = ["serve", "--port", "0", "--tcp-port", "off", "--demo", "--config", "parley.json"]
      const program = yield* start(cwd, args, environment)
      const [, http = ""] = (yield* program.until(/^listening /)).split(" ")
      return { http, cwd }
    })
  )

/** Lower limits. If only a maximum is lowered, the default follows it. */
const lower = serving(
  {
    PARLEY_LIMITS_ACCOUNT: "5",
    PARLEY_LIMITS_ATTRIBUTES_PER_CHAT: "2",
    PARLEY_LIMITS_ATTRIBUTE: "8",
    PARLEY_LIMITS_HISTORY: "1",
    PARLEY_SPARK_KEY: "4",
    PARLEY_HA_MAX_LIMIT: "2",
    PARLEY_HISIHI_MAX_PER_PAGE: "2",
    PARLEY_YOUDU_TITLE: "3",
    PARLEY_YOUDU_ACCOUNT: "4",
    PARLEY_YOUDU_MIN_MEMBERS: "4"
  },
  {}
)

const LONG = "a".repeat(70)

const higher = serving(
  {},
  {
    limits: { account: 70, attributesPerChat: 65, attribute: 5000 },
    spark: { key: 300 },
    ha: { limit: 3, maxLimit: 150 },
    hisihi: { perPage: 3, maxPerPage: 1500 },
    youdu: { title: 70, account: 70, minMembers: 2 }
  }
)

interface Answer {
  readonly status: number
  readonly json: Fields
}

const ask = Effect.fnUntraced(function* (
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {}
): Effect.fn.Return<Answer, never, Server> {
  const { http } = yield* Server
  return yield* Effect.promise(async () => {
    const response = await fetch(http + path, {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) })
    })
    return { status: response.status, json: fields(await response.json()) }
  })
})

const login = Effect.fnUntraced(function* (account: string) {
  const { json } = yield* ask("POST", "/auth/login", { account, password: "123456" })
  return { token: String(json["token"]), id: Number(fields(json["user"])["id"]) }
})

/** Adds a user by the command line; returns its output. */
const addUser = Effect.fnUntraced(function* (account: string) {
  const { cwd } = yield* Server
  const { code, out, err } = yield* runInProcess(cwd, ["user", "add", account, "--password", "correct-horse-7"])
  return code === 0 ? out : err
})

const createGroup = (name: string, members = "alice:bob") =>
  ask("POST", "/im/group", {
    group_name: name,
    member_client_ids: members,
    organization_id: 7,
    conversion_id: `c-${name}`
  })

const groupsOn = (query: string) =>
  Effect.map(ask("GET", `/im/org/7/groups${query}`), ({ status, json }) => ({
    status,
    groups: Array.isArray(json["data"]) ? json["data"].length : json["message"]
  }))

/** Creates a conversation of alice and bob with four messages; returns its lists. */
const conversation = Effect.gen(function* () {
  const [alice, bob] = [yield* login("alice"), yield* login("bob")]
  const headers = { "x-ha-key": "ha-demo", "x-ha-session": alice.token }
  const time = "1700000000000"
  const made = yield* ask("POST", "/conversation", { passiveuser: bob.id, time }, headers)
  const { conversationid } = fields(made.json["data"])
  for (const content of ["1", "2", "3", "4"]) {
    yield* ask("POST", "/message", { conversationid, type: -1, content, time }, headers)
  }
  return (query = "") =>
    Effect.map(
      ask("GET", `/message?conversationid=${String(conversationid)}${query}`, undefined, headers),
      ({ status, json }) => ({
        status,
        contents: Array.isArray(json["data"])
          ? json["data"].map((one: Fields) => one["content"]).join("")
          : json["error"]
      })
    )
})

/** Starts and edits a session; returns the status and the message of a failure. */
const sparkSession = Effect.gen(function* () {
  const { token } = yield* login("alice")
  const started = yield* ask("POST", `/session/start?token=${token}`, { To: ["bob", "carol"] })
  const { SessionId } = started.json
  return (Data: object) =>
    Effect.map(ask("POST", `/session/Edit?token=${token}`, { SessionId, Data }), ({ status, json }) => [
      status,
      json["message"]
    ])
})

const youduCreate = Effect.fnUntraced(function* (title: string, creator: string, ...member: ReadonlyArray<string>) {
  const { token } = yield* login("admin")
  const { json } = yield* ask("POST", `/cgi/session/create?accessToken=${token}`, { title, creator, member })
  return json["errmsg"]
})

const OK = [200, undefined]

layer(lower, { excludeTestServices: true })("lower limits, by the environment", (it) => {
  it.effect("limits.account: on the command line, in a file of users, and for client ids of hisihi", () =>
    Effect.gen(function* () {
      const { cwd } = yield* Server
      assert.match(yield* addUser("frank"), /^added frank with id \d+\n$/)
      assert.include(yield* addUser("gregor"), "account must have at most 5 characters")
      writeFileSync(join(cwd, "users.csv"), "account,password\nheidi,correct-horse-7\nivanna,correct-horse-7\n")
      const imported = yield* runInProcess(cwd, ["user", "import", "users.csv"])
      assert.include(imported.err, "line 3: account must have at most 5 characters")
      assert.strictEqual((yield* createGroup("accounts", "alice:judy5")).status, 201)
      const refused = yield* createGroup("accounts", "alice:judy56")
      assert.strictEqual(refused.status, 400)
      assert.match(String(refused.json["message"]), /^member_client_ids .* at most 5 characters/)
    })
  )

  it.effect("limits.attributesPerChat, limits.attribute and spark.key: values of session/Edit", () =>
    Effect.gen(function* () {
      const edit = yield* sparkSession
      assert.deepStrictEqual(yield* edit({ key1: "12345678" }), OK)
      assert.deepStrictEqual(yield* edit({ key1: "123456789" }), [400, "Data.key1 must have at most 8 bytes."])
      assert.deepStrictEqual(yield* edit({ key12: 1 }), [400, "Data.key12 must have a key of at most 4 bytes."])
      assert.deepStrictEqual(yield* edit({ key2: "2" }), OK)
      assert.deepStrictEqual(yield* edit({ key3: "3" }), [400, "Data must keep at most 2 attributes."])
      assert.deepStrictEqual(yield* edit({ key2: null, key3: "3" }), OK)
      assert.deepStrictEqual(yield* edit({ key1: null }), OK)
      assert.deepStrictEqual(yield* edit({ key2: "2" }), OK)
    })
  )

  it.effect(
    "ha.maxLimit: a larger limit is refused, and bounds the default; smaller pages of the engine have no effect",
    () =>
      Effect.gen(function* () {
        const list = yield* conversation
        assert.deepStrictEqual(yield* list(), { status: 200, contents: "43" })
        assert.deepStrictEqual(yield* list("&limit=2&start=1"), { status: 200, contents: "32" })
        assert.deepStrictEqual(yield* list("&limit=3"), {
          status: 400,
          contents: "limit must be an integer from 1 to 2."
        })
      })
  )

  it.effect("hisihi.maxPerPage: a larger page is refused, and bounds the default", () =>
    Effect.gen(function* () {
      for (const name of ["a", "b", "c"]) assert.strictEqual((yield* createGroup(name)).status, 201)
      assert.deepStrictEqual(yield* groupsOn(""), { status: 200, groups: 2 })
      assert.deepStrictEqual(yield* groupsOn("?per_page=2"), { status: 200, groups: 2 })
      assert.deepStrictEqual(yield* groupsOn("?per_page=3"), { status: 400, groups: "per_page must be 1 to 2." })
    })
  )

  it.effect("youdu.title, youdu.account and youdu.minMembers: fields of a session", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* youduCreate("abc", "bob", "dave", "erin", "demo"), "ok")
      assert.strictEqual(
        yield* youduCreate("abcd", "bob", "dave", "erin", "demo"),
        "title must have 1 to 3 characters."
      )
      assert.strictEqual(
        yield* youduCreate("abc", "alice", "bob", "dave", "erin"),
        "creator must have at most 4 characters."
      )
      assert.strictEqual(
        yield* youduCreate("abc", "bob", "dave", "erin", "alice"),
        "member[2] must have at most 4 characters."
      )
      assert.strictEqual(
        yield* youduCreate("abc", "bob", "dave", "erin"),
        "member must be at least 4 users with the creator."
      )
    })
  )
})

layer(higher, { excludeTestServices: true })("higher limits, by the configuration file", (it) => {
  it.effect("limits.account and youdu.account: an account of 70 characters, even as creator", () =>
    Effect.gen(function* () {
      assert.match(yield* addUser(LONG), /^added a{70} with id \d+\n$/)
      assert.include(yield* addUser(`${LONG}a`), "account must have at most 70 characters")
      assert.strictEqual(yield* youduCreate("long", LONG, "alice"), "ok")
      assert.strictEqual((yield* createGroup("long", `alice:${LONG}`)).status, 201)
    })
  )

  it.effect("limits.attributesPerChat, limits.attribute and spark.key: 65 values, 5,000 bytes, keys of 300", () =>
    Effect.gen(function* () {
      const edit = yield* sparkSession
      const many = Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`key${index}`, index]))
      assert.deepStrictEqual(yield* edit(many), OK)
      assert.deepStrictEqual(yield* edit({ ["k".repeat(300)]: "v".repeat(5000) }), OK)
      assert.deepStrictEqual(yield* edit({ more: 1 }), [400, "Data must keep at most 65 attributes."])
      assert.deepStrictEqual(yield* edit({ key0: "v".repeat(5001) }), [400, "Data.key0 must have at most 5000 bytes."])
    })
  )

  it.effect("ha.limit and ha.maxLimit: 3 messages by default, up to 150", () =>
    Effect.gen(function* () {
      const list = yield* conversation
      assert.deepStrictEqual(yield* list(), { status: 200, contents: "432" })
      assert.deepStrictEqual(yield* list("&limit=150"), { status: 200, contents: "4321" })
      assert.deepStrictEqual(yield* list("&limit=151"), {
        status: 400,
        contents: "limit must be an integer from 1 to 150."
      })
    })
  )

  it.effect("hisihi.perPage and hisihi.maxPerPage: 3 groups by default, up to 1,500", () =>
    Effect.gen(function* () {
      for (const name of ["a", "b", "c", "d"]) assert.strictEqual((yield* createGroup(name)).status, 201)
      assert.deepStrictEqual(yield* groupsOn(""), { status: 200, groups: 3 })
      assert.strictEqual((yield* groupsOn("?per_page=1500")).status, 200)
      assert.deepStrictEqual(yield* groupsOn("?per_page=1501"), { status: 400, groups: "per_page must be 1 to 1500." })
    })
  )

  it.effect("youdu.title and youdu.minMembers: 70 characters, two members", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* youduCreate("t".repeat(70), "alice", "bob"), "ok")
      assert.strictEqual(yield* youduCreate("t".repeat(71), "alice", "bob"), "title must have 1 to 70 characters.")
      assert.strictEqual(
        yield* youduCreate("alone", "alice", "alice"),
        "member must be at least 2 users with the creator."
      )
    })
  )
})

describe("an invalid value", () => {
  it.live("stops the server before it starts, with one line", () =>
    Effect.gen(function* () {
      const args = ["serve", "--port", "0", "--tcp-port", "off", "--database", "memory:", "--set", "ha.maxLimit=0"]
      const { code, out, err } = yield* runInProcess(yield* folder, args)
      assert.deepStrictEqual(
        [code, out, err],
        [1, "", 'parley: --set ha.maxLimit must be an integer from 1 to 10000, not "0"\n']
      )
    }).pipe(Effect.scoped)
  )
})
